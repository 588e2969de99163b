// What of tenk-probe needs no GPU: statistics, arguments, rows, files, shapes, number formats,
// time.
#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <set>
#include <string>

#include "calibration/measurements.h"
#include "calibration/probes/number.h"
#include "calibration/probes/options.h"
#include "calibration/probes/session.h"
#include "calibration/probes/shapes.h"

using namespace tenk::probe;
using Catch::Contains;

namespace {

const std::vector<std::string> kNames = {"gemm-bf16", "gemm-fp8", "launch", "links-host"};

std::string usage_fault(const std::vector<std::string>& arguments) {
  try {
    parse_options(arguments, kNames);
  } catch (const UsageError& fault) {
    return fault.what();
  }
  return "";
}

// A directory that is gone when the test ends.
class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / "tenk-probe-test-XXXXXX") {
    std::string name = path_.string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

const RunOrigin kOrigin = {"NVIDIA H200", "tenk-probe 1; 2026-11-22"};

KernelRow some_row() {
  KernelRow row;
  row.kernel = "gemm";
  row.dtype = "bfloat16";
  row.m = 4096;
  row.n = 8192;
  row.k = 1024;
  row.direction = "fwd";
  row.flop = 2.0 * 4096 * 8192 * 1024;
  row.bytes = 1e8;
  row.seconds = {100e-6, 90e-6, 120e-6, 15};
  row.software = "cuBLASLt 13.0.2";
  row.notes = "cold L2; a \"quoted\" word, and a comma";
  return row;
}

LinkRow some_link() {
  return {"PCIe Gen5 x16",
          "host->device",
          "copy bandwidth",
          {55.4, 55.1, 55.6, 9},
          "GB/s",
          "16777216 B, pinned",
          ""};
}

}  // namespace

TEST_CASE("quantiles interpolate between the ordered values") {
  CHECK(quantile({4, 1, 3, 2}, 0.5) == 2.5);
  CHECK(quantile({7}, 0.9) == 7);
  // Ten values: place 0.1 x 9 = 0.9 between 1 and 2.
  const Spread s = summarize({10, 9, 8, 7, 6, 5, 4, 3, 2, 1});
  CHECK(s.median == Approx(5.5));
  CHECK(s.p10 == Approx(1.9));
  CHECK(s.p90 == Approx(9.1));
  CHECK(s.repeats == 10);
  CHECK(summarize(std::vector<double>{}).repeats == 0);
}

TEST_CASE("the spread of a rate turns around: the slowest tenth is its p10") {
  const Spread rate = rate_of(100, {2, 1, 4, 5});
  CHECK(rate.median == 50);
  CHECK(rate.p10 == 25);
  CHECK(rate.p90 == 100);
}

TEST_CASE("arguments of tenk-probe are read, and a family names all its probes") {
  const Options options = parse_options(
      {"--only", "gemm,launch", "--seconds=60", "-o", "out", "--device", "1"}, kNames);
  CHECK(options.seconds == 60);
  CHECK(options.directory == "out");
  CHECK(options.device == 1);
  CHECK(is_wanted(options, "gemm-fp8"));
  CHECK(is_wanted(options, "launch"));
  CHECK_FALSE(is_wanted(options, "links-host"));
  CHECK(is_wanted(parse_options({}, kNames), "links-host"));
  CHECK(parse_options({"--list"}, kNames).list);
  CHECK(parse_options({"-h"}, kNames).help);
}

TEST_CASE("a wrong argument of tenk-probe is named with the nearest right one") {
  CHECK_THAT(usage_fault({"--lits"}), Contains("--lits") && Contains("did you mean --list?"));
  CHECK_THAT(usage_fault({"--only", "gem-fp8"}), Contains("did you mean gemm-fp8?"));
  CHECK_THAT(usage_fault({"--only", "gemm,zzzzzzzzz"}), Contains("expected one of gemm-bf16"));
  CHECK_THAT(usage_fault({"--only", ""}), Contains("no probe"));
  CHECK_THAT(usage_fault({"gemm"}), Contains("unknown option"));
  CHECK_THAT(usage_fault({"--seconds"}), Contains("expected a value"));
  CHECK_THAT(usage_fault({"--list=yes"}), Contains("takes no value"));
  for (const char* bad : {"0", "-1", "nan", "inf", "1e9", "ten", "", "5s"}) {
    CHECK_THAT(usage_fault({"--seconds", bad}), Contains("--seconds: found"));
  }
  CHECK_THAT(usage_fault({"--device", "1.5"}), Contains("whole number"));
}

TEST_CASE("tenk reads a row of tenk-probe as it was measured") {
  const auto kernels =
      tenk::read_measurements(kKernelHeader + kernel_line(kOrigin, some_row()), "kernels.csv")
          .kernels;
  REQUIRE(kernels.size() == 1);
  const tenk::KernelSample& row = kernels[0];
  CHECK(row.id == "probe-nvidia-h200-gemm-bfloat16-fwd-m4096-n8192-k1024");
  CHECK(row.gpu == "NVIDIA H200");
  CHECK(row.m == 4096);
  CHECK_FALSE(row.batch.has_value());
  CHECK_FALSE(row.causal.has_value());
  CHECK(*row.time_us == Approx(100));
  CHECK(*row.tflops == Approx(687.19).epsilon(1e-4));  // 2 x 4096 x 8192 x 1024 / 100 us
  CHECK(*row.GBps == Approx(1000));
  CHECK(row.how == "measured");
  CHECK(row.notes ==
        "median of 15, p10 90 us, p90 120 us; cold L2; a \"quoted\" word, and a comma");
  const auto links =
      tenk::read_measurements(kLinkHeader + link_line(kOrigin, some_link()), "links.csv").links;
  REQUIRE(links.size() == 1);
  CHECK(number_of(links[0]) == 55.4);
  CHECK(links[0].device == "NVIDIA H200");
  CHECK(links[0].notes == "median of 9, p10 55.1 GB/s, p90 55.6 GB/s");
}

TEST_CASE("numbers in rows read back to six digits whatever their size") {
  for (const double value : {1e-4, 0.123456, 7.0, 123456.7, 1234567.8, 9.87654e14, 3e-9}) {
    CHECK(std::stod(number_text(value)) == Approx(value).epsilon(1e-5));
  }
  CHECK(number_text(123456789) == "123456789");
  CHECK(slug("NVIDIA H200 (PCIe)") == "nvidia-h200-pcie");
}

TEST_CASE("a probe's rows are written when it ends well and dropped when it does not") {
  const Folder folder;
  const std::string directory = folder / "run";
  Results results(directory, kOrigin);
  results.add(some_row());
  CHECK(text_of(directory + "/kernels.csv") == kKernelHeader);
  results.commit();
  results.add(some_row());
  results.add(some_link());
  results.drop();
  results.add(some_row());
  results.commit();
  const auto rows = tenk::load_measurements(directory + "/kernels.csv").kernels;
  REQUIRE(rows.size() == 2);
  CHECK(rows[1].id == rows[0].id + "-2");
  CHECK(text_of(directory + "/links.csv") == kLinkHeader);
  CHECK_THROWS_WITH(Results(directory, kOrigin), Contains("holds a run already"));
  CHECK_THROWS_AS(Results(folder / "no/such/parent", kOrigin), FileError);
}

TEST_CASE("a wrong result fails its probe alone; what is impossible is skipped with its reason") {
  const Folder folder;
  Results results(folder / "run", kOrigin);
  Session session(results, 100, Session::Clock::now());
  CHECK(session.run("good", 10, [&] { session.add(some_row()); }));
  CHECK_FALSE(session.run("bad", 10, [&] {
    session.add(some_row());
    throw WrongResult("off by one");
  }));
  CHECK(session.run("absent", 10, [] { throw NotPossible("there is one GPU"); }));
  CHECK(session.run("partly", 10, [&] {
    session.attempt("large", [] { throw NotPossible("needs 9 GiB"); });
    session.add(some_link());
  }));
  CHECK(session.failures() == 1);
  CHECK(tenk::load_measurements(folder / "run/kernels.csv").kernels.size() == 1);
  CHECK(tenk::load_measurements(folder / "run/links.csv").links.size() == 1);
  const std::string meta = text_of(folder / "run/meta.csv");
  CHECK_THAT(meta, Contains("probe.good.state,done") && Contains("probe.bad.state,failed") &&
                       Contains("probe.bad.reason,off by one") &&
                       Contains("absent: there is one GPU") && Contains("large: needs 9 GiB"));
  CHECK_THAT(text_of(folder / "run/run.txt"), Contains("FAILED bad: off by one"));
}

TEST_CASE("no shape is begun that the probe or the run has no time for, and that is said") {
  const Folder folder;
  Results results(folder / "run", kOrigin);
  // The run began 90 s ago and has 100 s.
  Session session(results, 100, Session::Clock::now() - std::chrono::seconds(90));
  session.run("short", 5, [&] {
    CHECK(session.goes_on(3));
    CHECK_FALSE(session.goes_on(6));
  });
  session.run("long", 50, [&] {
    CHECK(session.goes_on(8));
    CHECK_FALSE(session.goes_on(12));
  });
  CHECK_THAT(text_of(folder / "run/meta.csv"),
             Contains("probe.short.state,cut") && Contains("1 more of long"));
  Session over(results, 100, Session::Clock::now() - std::chrono::seconds(101));
  bool ran = false;
  CHECK(over.run("late", 5, [&] { ran = true; }));
  CHECK_FALSE(ran);
}

TEST_CASE("shapes are distinct, aligned for every library and of the sizes asked for") {
  for (const auto& shapes : {forward_shapes(), backward_shapes(), few_shapes(), grouped_shapes()}) {
    std::set<std::vector<std::int64_t>> seen;
    for (const GemmShape& s : shapes) {
      CAPTURE(s.m, s.n, s.k);
      CHECK(seen.insert({s.m, s.n, s.k, s.groups, static_cast<int>(s.pass)}).second);
      CHECK(s.n % 16 == 0);
      CHECK(s.k % 16 == 0);
      CHECK((s.m % 16 == 0 || s.m == 1));
    }
  }
  const auto spans = [](const auto& shapes, auto member, std::int64_t least, std::int64_t most) {
    const auto [low, high] = std::minmax_element(
        shapes.begin(), shapes.end(),
        [&](const GemmShape& a, const GemmShape& b) { return a.*member < b.*member; });
    return (*low).*member <= least && (*high).*member >= most;
  };
  CHECK(spans(forward_shapes(), &GemmShape::m, 1, 16384));      // Tokens.
  CHECK(spans(forward_shapes(), &GemmShape::k, 1024, 18432));   // Widths.
  CHECK(spans(forward_shapes(), &GemmShape::n, 1024, 128256));  // To the vocabulary.
  CHECK(memory_sizes().front() == 4096);
  CHECK(memory_sizes().back() == std::int64_t{16} << 30);
  CHECK(link_sizes().front() == 8);
  CHECK(link_sizes().back() == std::int64_t{4} << 30);
  for (const AttentionSize& s : attention_sizes()) {
    CHECK(s.heads % s.kv_heads == 0);
    CHECK((s.head_dim == 64 || s.head_dim == 128));
  }
}

TEST_CASE("every BF16, FP16 and FP8 number encodes to itself") {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const Bf16 b{static_cast<std::uint16_t>(bits)};
    if (!std::isnan(decode(b))) REQUIRE(to_bf16(decode(b)).bits == b.bits);
    const Fp16 h{static_cast<std::uint16_t>(bits)};
    if (!std::isfinite(decode(h))) continue;
    Fp16 again{};
    encode(decode(h), again);
    REQUIRE(again.bits == h.bits);
  }
  for (std::uint32_t bits = 0; bits < 256; ++bits) {
    const Fp8 x{static_cast<std::uint8_t>(bits)};
    if (std::isnan(decode(x))) continue;
    Fp8 again{};
    encode(decode(x), again);
    REQUIRE(again.bits == x.bits);
  }
  CHECK(decode(Fp8{0x7E}) == 448);       // The largest of E4M3.
  CHECK(decode(Fp16{0x7BFF}) == 65504);  // Of IEEE half.
  CHECK(decode(Fp16{1}) == std::ldexp(1.0f, -24));
  CHECK(std::isnan(decode(Bf16{0xFFFF})));  // Poison is no number.
  CHECK(std::isnan(decode(Fp16{0xFFFF})));
  CHECK(std::isnan(decode(Fp8{0xFF})));
}

TEST_CASE("a number is rounded to the nearest of its format, ties to even") {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> uniform(-1, 1);
  const auto next = [](Fp16 x, int step) {
    return Fp16{static_cast<std::uint16_t>(x.bits + step)};
  };
  for (int i = 0; i < 20000; ++i) {
    const float x = uniform(random) * std::ldexp(1.0f, -(i % 20));
    Fp16 h{};
    encode(x, h);
    const float error = std::fabs(decode(h) - x);
    if ((h.bits & 0x7FFF) > 0) REQUIRE(error <= std::fabs(decode(next(h, -1)) - x));
    REQUIRE(error <= std::fabs(decode(next(h, 1)) - x));
    REQUIRE(std::fabs(decode(to_bf16(x)) - x) <= std::ldexp(std::fabs(x), -8));
  }
  CHECK(to_bf16(1 + std::ldexp(1.0f, -8)).bits == 0x3F80);      // Half way: to even.
  CHECK(to_bf16(1 + 3 * std::ldexp(1.0f, -8)).bits == 0x3F82);  // The same, upwards.
}

TEST_CASE("random values fill the interval evenly and repeat for a seed") {
  double sum = 0;
  double squares = 0;
  constexpr int kCount = 100000;
  for (int i = 0; i < kCount; ++i) {
    const double x = random_value(3, static_cast<std::uint64_t>(i));
    REQUIRE((x >= -1 && x < 1));
    sum += x;
    squares += x * x;
  }
  CHECK(std::fabs(sum / kCount) < 0.01);
  CHECK(squares / kCount == Approx(1.0 / 3).epsilon(0.02));
  CHECK(random_value(3, 5) == random_value(3, 5));
  CHECK(random_value(3, 5) != random_value(4, 5));
}

TEST_CASE("without NVML nothing is known and nothing fails") {
  const Nvml nvml("ffff:ff:1f.7");  // No GPU has this place.
  CHECK_FALSE(nvml.is_open());
  CHECK(nvml.driver().empty());
  CHECK(nvml.pcie().text() == "PCIe");
  CHECK(nvml.sample().power_W == 0);
  const Sampler sampler(nvml, std::chrono::steady_clock::now());
  CHECK(sampler.samples().empty());
  CHECK(PcieLink{5, 16, 5, 16}.text() == "PCIe Gen5 x16");
}

TEST_CASE("clocks and power are those of the samples in the time asked for") {
  const std::vector<ClockSample> samples = {{1, "a", 1000, 0, 100, 40},
                                            {2, "a", 1980, 0, 600, 50},
                                            {3, "b", 1500, 0, 700, 60},
                                            {9, "b", 345, 0, 70, 30}};
  const PowerAndClocks found = summarize(samples, 1.5, 3.5);
  CHECK(found.sm_MHz.repeats == 2);
  CHECK(found.sm_MHz.median == 1740);
  CHECK(found.most_sm_MHz == 1980);
  CHECK(found.power_W.median == 650);
  CHECK(found.most_temperature_C == 60);
}
