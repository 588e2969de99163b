#include "sim/plan/device_profile.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>
#include "tests/devices.h"

using namespace tenk;
using tenk::testing::accelerator;
using tenk::testing::gemm_of;

namespace {

const std::string kFolder = std::string(TENK_SOURCE_DIR) + "/profiles/accelerators";

std::string h100_text() {
  std::ifstream in(kFolder + "/h100-sxm.yaml");
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// The H100 profile with the first `from` replaced; `from` must be there.
std::string changed(const std::string& from, const std::string& to) {
  std::string text = h100_text();
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

std::string faults_of(const std::string& text) {
  try {
    read_device_profile(Config::parse(text, "profile.yaml"));
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kInvalid);
    return error.what();
  }
  return "";
}

Known read_one(const std::string& entry, const std::string& unit) {
  Faults faults;
  Section section(Config::parse("x: " + entry, "one.yaml"), "one", faults);
  const Known known = read_known(section, "x", unit);
  section.finish();
  faults.throw_if_any();
  return known;
}

}  // namespace

TEST_CASE("every shipped accelerator profile reads, and every number has a source") {
  int profiles = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    CAPTURE(entry.path().string());
    const DeviceProfile device = read_device_profile(Config::load(entry.path().string()));
    CHECK_FALSE(device.name.empty());
    std::vector<Known> numbers = {device.memory_bandwidth,
                                  device.memory_efficiency,
                                  device.launch,
                                  device.attention.efficiency,
                                  device.attention.latency,
                                  device.attention.passes,
                                  device.attention.key_overhead,
                                  device.attention.backward_ratio,
                                  device.sustained_power_factor,
                                  device.power_settling};
    for (const std::optional<GemmModel>& gemm : device.gemms) {
      if (!gemm) continue;
      const auto more = {gemm->peak,
                         gemm->efficiency,
                         gemm->k_overhead,
                         gemm->tail,
                         gemm->operand_bandwidth,
                         gemm->split_traffic,
                         gemm->memory_efficiency};
      numbers.insert(numbers.end(), more.begin(), more.end());
      CHECK_FALSE(gemm->tiles_source.empty());
    }
    for (const Known& known : numbers) {
      CAPTURE(known.value, known.source);
      CHECK_FALSE(known.source.empty());
      if (known.how == How::kAssumed) CHECK(known.ci >= 0.2);
    }
    ++profiles;
  }
  CHECK(profiles >= 35);
}

TEST_CASE("what a profile takes from another is assumed there, and widened") {
  const DeviceProfile base = accelerator("h200");
  const DeviceProfile h20 = accelerator("h20");
  CHECK(gemm_of(h20).peak.value == Approx(148e12));
  CHECK(gemm_of(h20).efficiency.value == gemm_of(base).efficiency.value);
  CHECK(gemm_of(base).efficiency.how == How::kFitted);
  CHECK(gemm_of(h20).efficiency.how == How::kAssumed);
  CHECK(gemm_of(h20).efficiency.ci ==
        Approx(std::hypot(gemm_of(base).efficiency.ci, 0.2)).epsilon(0.01));
  CHECK_THAT(gemm_of(h20).efficiency.source, Catch::StartsWith("as h200: "));
}

TEST_CASE("a section can be taken away from what is inherited, or be the profile's own") {
  const DeviceProfile v100 = accelerator("v100-sxm-32");
  CHECK(v100.gemm(Precision::kBf16) == nullptr);
  CHECK(v100.wide() == Precision::kFp16);
  CHECK(gemm_of(v100, Precision::kFp16).peak.value == Approx(125e12));
  CHECK(accelerator("a100-pcie").gemm(Precision::kFp16) != nullptr);
}

TEST_CASE("a profile like none is refused with the nearest name") {
  CHECK_THAT(faults_of("like: h10-sxm\nname: mine\n"),
             Catch::Contains("profile.yaml:1") && Catch::Contains("did you mean \"h100-sxm\"?"));
  CHECK_THAT(faults_of("like: {a: b}\nname: mine\n"), Catch::Contains("expected an accelerator"));
  CHECK(faults_of("like: h100-sxm\nname: mine\n").empty());
  CHECK_THAT(faults_of("like: h100-sxm\nname: mine\nlunch: 3\n"), Catch::Contains("launch"));
}

TEST_CASE("the H100 profile is in base units") {
  const DeviceProfile device = read_device_profile(Config::parse(h100_text(), "h100-sxm.yaml"));
  CHECK(device.memory.value() == Approx(79.6 * (1_GiB).value()));
  CHECK(device.sms == 132);
  CHECK(device.memory_bandwidth.value == Approx(3.35e12));
  CHECK(gemm_of(device).peak.value == Approx(989.4e12));
  CHECK(device.launch.value > 1e-6);
  CHECK(device.launch.value < 1e-5);
  CHECK(gemm_of(device).peak.how == How::kDatasheet);
  CHECK(gemm_of(device).efficiency.how == How::kFitted);
  CHECK(gemm_of(device).tiles.front().m == 128);
  CHECK(gemm_of(device).tiles.front().n == 256);
}

TEST_CASE("units are read with their prefix and refused when of another kind") {
  const std::string rest = ", how: measured, ci: 0.1, source: s}";
  CHECK(read_one("{value: 3, unit: us" + rest, "s").value == Approx(3e-6));
  CHECK(read_one("{value: 3, unit: s" + rest, "s").value == Approx(3));
  CHECK(read_one("{value: 80, unit: GiB" + rest, "B").value == Approx(80.0 * (1 << 30)));
  CHECK(read_one("{value: 2, unit: TB/s" + rest, "B/s").value == Approx(2e12));
  CHECK(read_one("{value: 2, unit: \"1\"" + rest, "1").value == Approx(2));
  CHECK_THROWS_AS(read_one("{value: 3, unit: GB" + rest, "B/s"), Error);
  CHECK_THROWS_AS(read_one("{value: 3, unit: Gib" + rest, "B"), Error);
  CHECK_THROWS_AS(read_one("{value: 3, unit: GB/s" + rest, "s"), Error);
  CHECK_THROWS_AS(read_one("{value: 3, unit: Kis" + rest, "s"), Error);
  CHECK_THROWS_AS(read_one("{value: 3, unit: k1" + rest, "1"), Error);
}

TEST_CASE("each part of a number is required") {
  CHECK_NOTHROW(read_one("{value: 3, unit: s, how: assumed, ci: 0.1, source: s}", "s"));
  CHECK_THROWS_AS(read_one("{unit: s, how: assumed, ci: 0.1, source: s}", "s"), Error);
  CHECK_THROWS_AS(read_one("{value: 3, how: assumed, ci: 0.1, source: s}", "s"), Error);
  CHECK_THROWS_AS(read_one("{value: 3, unit: s, ci: 0.1, source: s}", "s"), Error);
  CHECK_THROWS_AS(read_one("{value: 3, unit: s, how: assumed, source: s}", "s"), Error);
  CHECK_THROWS_AS(read_one("{value: 3, unit: s, how: assumed, ci: 0.1}", "s"), Error);
  CHECK_THROWS_AS(read_one("{value: 3, unit: s, how: guessed, ci: 0.1, source: s}", "s"), Error);
  CHECK_THROWS_AS(read_one("{value: -3, unit: s, how: assumed, ci: 0.1, source: s}", "s"), Error);
  CHECK_THROWS_AS(read_one("{value: 3, unit: s, how: assumed, ci: -1, source: s}", "s"), Error);
}

TEST_CASE("values that no device can have are refused where they stand") {
  CHECK_THAT(faults_of(changed("efficiency: {value: 0.", "efficiency: {value: 1.")),
             Catch::Contains("profile.yaml:"));
  CHECK_THAT(faults_of(changed("value: 132", "value: 131.5")), Catch::Contains("whole number"));
  CHECK_THAT(faults_of(changed("128x256", "128by256")), Catch::Contains("128by256"));
  CHECK_THAT(faults_of(changed("128x256", "0x256")), Catch::Contains("tile"));
  CHECK_THAT(faults_of(changed("[128x256, 128x128, 64x128, 64x64, 32x64, 16x64]", "[]")),
             Catch::Contains("tile"));
  CHECK_THAT(faults_of(changed("989.4, unit: TFLOP/s", "989.4, unit: GB/s")),
             Catch::Contains("FLOP/s"));
}

TEST_CASE("all faults of a profile are reported at once") {
  std::string text = changed("efficiency: {value: 0.", "efficiency: {value: -0.");
  text.replace(text.find("launch:"), 7, "lunch: ");
  const std::string faults = faults_of(text);
  CHECK_THAT(faults, Catch::Contains("-0."));
  CHECK_THAT(faults, Catch::Contains("launch"));
  CHECK_THAT(faults, Catch::Contains("lunch"));
}

TEST_CASE("a precision that a device has not is refused with those it has") {
  const DeviceProfile device = read_device_profile(Config::parse(h100_text(), "h100-sxm.yaml"));
  CHECK(device.gemm(Precision::kBf16) != nullptr);
  CHECK(device.gemm(Precision::kInt8) == nullptr);
  CHECK(device.wide() == Precision::kBf16);
  CHECK_THROWS_WITH(device.need_gemm(Precision::kInt8),
                    Catch::Contains("no int8 matrix products; it has fp16, bf16, fp8"));
}

TEST_CASE("a precision can stand for another's numbers, but not for none") {
  const DeviceProfile device = read_device_profile(Config::parse(h100_text(), "h100-sxm.yaml"));
  CHECK(gemm_of(device, Precision::kFp16).efficiency.value == gemm_of(device).efficiency.value);
  CHECK_THAT(faults_of(changed("like: bf16", "like: fp4")), Catch::Contains("fp4"));
  CHECK_THAT(faults_of(changed("like: bf16", "like: fp16")), Catch::Contains("fp16"));
}

TEST_CASE("a profile without 16 or 32 bit products is refused") {
  std::string text = changed("\nbf16:", "\nint8:");
  text.replace(text.find("fp16: {like: bf16}"), 18, "");
  CHECK_THAT(faults_of(text), Catch::Contains("at least one of the sections bf16, fp16 and fp32"));
}
