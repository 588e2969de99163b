#include "sim/plan/device_profile.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include "tests/devices.h"

using namespace tenk;
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
    for (const Known* known :
         {&device.memory_bandwidth, &device.memory_efficiency, &device.launch,
          &gemm_of(device).peak, &gemm_of(device).efficiency, &gemm_of(device).k_overhead,
          &gemm_of(device).tail, &device.attention.efficiency, &device.attention.latency,
          &device.attention.passes, &device.attention.backward_ratio,
          &device.sustained_power_factor, &device.power_settling}) {
      CHECK_FALSE(known->source.empty());
      if (known->how == How::kAssumed) CHECK(known->ci >= 0.2);
    }
    ++profiles;
  }
  CHECK(profiles >= 1);
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
  CHECK_THAT(faults_of(changed("value: 0.828", "value: 1.2")), Catch::Contains("profile.yaml:"));
  CHECK_THAT(faults_of(changed("value: 132", "value: 131.5")), Catch::Contains("whole number"));
  CHECK_THAT(faults_of(changed("128x256", "128by256")), Catch::Contains("128by256"));
  CHECK_THAT(faults_of(changed("128x256", "0x256")), Catch::Contains("tile"));
  CHECK_THAT(faults_of(changed("[128x256, 128x128, 64x128]", "[]")), Catch::Contains("tile"));
  CHECK_THAT(faults_of(changed("989.4, unit: TFLOP/s", "989.4, unit: GB/s")),
             Catch::Contains("FLOP/s"));
}

TEST_CASE("all faults of a profile are reported at once") {
  std::string text = changed("value: 0.828", "value: -1");
  text.replace(text.find("launch:"), 7, "lunch: ");
  const std::string faults = faults_of(text);
  CHECK_THAT(faults, Catch::Contains("-1"));
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
