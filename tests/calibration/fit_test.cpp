#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "calibration/fit_attention.h"
#include "calibration/fit_gemm.h"
#include "calibration/fit_memory.h"
#include "calibration/profile_text.h"
#include "sim/base/text_file.h"
#include "tests/devices.h"

using namespace tenk;
using tenk::testing::accelerator;
using tenk::testing::gemm_of;

namespace {

const std::string kData = std::string(TENK_SOURCE_DIR) + "/tests/data/";

DeviceProfile h100() { return accelerator("h100-sxm"); }

template <class Kind>
std::vector<Kind> shipped(const std::string& file) {
  return cases_of<Kind>(load_measurements(kData + file).kernels);
}

// exp of a normal variable with standard deviation `spread`; Box-Muller, the same everywhere.
double noise(std::mt19937_64& random, double spread) {
  const auto uniform = [&] { return (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53; };
  const double radius = std::sqrt(-2 * std::log(uniform()));
  return std::exp(spread * radius * std::cos(2 * 3.14159265358979323846 * uniform()));
}

// Products of every size, as a probe would time them.
std::vector<MeasuredGemm> synthetic_gemms(const DeviceProfile& device, int count, double spread,
                                          std::uint64_t seed = 5) {
  std::mt19937_64 random(seed);
  const auto dimension = [&](int octaves) {
    const std::int64_t octave = std::int64_t{64} << (random() % static_cast<unsigned>(octaves));
    return octave + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(octave));
  };
  std::vector<MeasuredGemm> rows;
  for (int i = 0; i < count; ++i) {
    MeasuredGemm row;
    row.shape = {i % 5 == 0 ? 1 + dimension(3) / 16 : dimension(9), dimension(8), dimension(10)};
    row.seconds = predicted_seconds(device, row) * noise(random, spread);
    rows.push_back(row);
  }
  return rows;
}

// Constants unlike the H100's, to be found again.
DeviceProfile invented() {
  DeviceProfile device = h100();
  GemmModel& gemm = gemm_of(device);
  gemm.efficiency.value = 0.62;
  gemm.k_overhead.value = 300;
  gemm.tail.value = 0.6;
  gemm.operand_bandwidth.value = 90e9;
  gemm.split_traffic.value = 2;
  gemm.memory_efficiency.value = 0.7;
  device.launch.value = 6e-6;
  device.sustained_power_factor.value = 0.7;
  device.power_settling.value = 3e-3;
  return device;
}

// The same constants of two devices, by name.
std::vector<std::pair<const Known*, const Known*>> pairs(const DeviceProfile& a,
                                                         const DeviceProfile& b) {
  const GemmModel& x = gemm_of(a);
  const GemmModel& y = gemm_of(b);
  return {{&x.efficiency, &y.efficiency},
          {&x.k_overhead, &y.k_overhead},
          {&x.tail, &y.tail},
          {&x.operand_bandwidth, &y.operand_bandwidth},
          {&x.split_traffic, &y.split_traffic},
          {&x.memory_efficiency, &y.memory_efficiency},
          {&a.launch, &b.launch},
          {&a.sustained_power_factor, &b.sustained_power_factor},
          {&a.power_settling, &b.power_settling}};
}

bool within(const Known& fitted, const Known& truth, double share) {
  return std::abs(fitted.value - truth.value) <= share * truth.value;
}

std::string refusal(const std::function<void()>& fit) {
  try {
    fit();
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kInvalid);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("the simplex finds the least point of a curved valley") {
  const std::vector<Parameter> parameters = {{.start = 0.5, .min = -5, .max = 5},
                                             {.start = 4, .min = -5, .max = 5}};
  const auto rosenbrock = [](std::span<const double> x) {
    return std::pow(1 - x[0], 2) + 100 * std::pow(x[1] - x[0] * x[0], 2);
  };
  const std::vector<double> best = minimize(parameters, rosenbrock, 600);
  CHECK(best[0] == Approx(1).epsilon(1e-3));
  CHECK(best[1] == Approx(1).epsilon(1e-3));
}

TEST_CASE("a search never ends worse than it began, nor outside its range") {
  const std::vector<Parameter> parameters = {{.start = 0.3, .min = 0, .max = 1}};
  const auto edge = [](std::span<const double> x) { return -x[0]; };
  const std::vector<double> best = minimize(parameters, edge, 100);
  CHECK(best[0] > 0.99);
  CHECK(best[0] <= 1);
}

TEST_CASE("a bootstrap sample draws whole groups, the same for the same seed") {
  const std::vector<std::size_t> groups = {0, 1, 0, 2, 1, 0};
  const auto rows = resample(groups, 3, 9);
  CHECK(rows == resample(groups, 3, 9));
  const auto times = [&](std::size_t i) { return std::count(rows.begin(), rows.end(), i); };
  CHECK(times(0) == times(2));
  CHECK(times(0) == times(5));
  CHECK(times(1) == times(4));
  CHECK(times(0) + times(1) + times(3) == 3);
}

TEST_CASE("errors are of the ratio to the measurement") {
  const std::vector<double> measured = {1, 2, 4};
  const std::vector<double> predicted = {1.1, 1.6, 4};  // +10 %, -20 %, 0.
  const FitErrors errors = fit_errors(predicted, measured);
  CHECK(errors.rows == 3);
  CHECK(errors.mean == Approx(0.1));
  CHECK(errors.median == Approx(0.1));
  CHECK(errors.p90 == Approx(0.18));  // 0.8 of the way from 0.1 to 0.2.
  CHECK(errors.bias == Approx(0).margin(1e-12));
}

TEST_CASE("a fit finds the constants that made the rows, through 3 % noise") {
  const DeviceProfile truth = invented();
  const auto rows = synthetic_gemms(truth, 1000, 0.03);
  const DeviceFit fit =
      fit_gemm(h100(), Precision::kBf16, rows, {.samples = 0, .source = "synthetic"});
  const double shares[] = {0.02, 0.1, 0.1, 0.05, 0.3, 0.03, 0.05, 0.05, 0.5};
  const auto constants = pairs(fit.device, truth);
  for (std::size_t i = 0; i < constants.size(); ++i) {
    CAPTURE(i, constants[i].first->value, constants[i].second->value);
    CHECK(within(*constants[i].first, *constants[i].second, shares[i]));
  }
  CHECK(fit.errors.median < 0.03);
  CHECK(gemm_of(fit.device).efficiency.how == How::kFitted);
  CHECK(gemm_of(fit.device).efficiency.source == "synthetic");
}

// With 100 seeds each constant lies inside its interval in 91 to 98 (docs/kernels.md); here 25, so
// that the test takes seconds.
TEST_CASE("the truth lies inside a fit's intervals for nine seeds in ten") {
  constexpr int kSeeds = 25;
  const DeviceProfile truth = invented();
  std::vector<int> inside(pairs(truth, truth).size(), 0);
  for (int seed = 0; seed < kSeeds; ++seed) {
    const auto rows = synthetic_gemms(truth, 250, 0.03, 100 + static_cast<unsigned>(seed));
    const DeviceFit fit = fit_gemm(truth, Precision::kBf16, rows, {.steps = 300, .samples = 100});
    const auto constants = pairs(fit.device, truth);
    for (std::size_t i = 0; i < constants.size(); ++i) {
      const auto& [fitted, true_one] = constants[i];
      const bool held = std::abs(fitted->value - true_one->value) <= fitted->ci * fitted->value;
      inside[i] += held ? 1 : 0;
    }
  }
  for (const int count : inside) CHECK(count >= kSeeds * 8 / 10);
}

TEST_CASE("a fit's intervals shrink with less noise") {
  const DeviceProfile truth = invented();
  const FitOptions options{.steps = 300, .samples = 50};
  const auto ci = [&](double spread) {
    const auto rows = synthetic_gemms(truth, 300, spread);
    return gemm_of(fit_gemm(truth, Precision::kBf16, rows, options).device).efficiency.ci;
  };
  CHECK(ci(0.01) < ci(0.1) / 2);
}

TEST_CASE("the same rows and seed give the same fit") {
  const auto rows = synthetic_gemms(invented(), 300, 0.05);
  const FitOptions options{.steps = 120, .samples = 20};
  const DeviceFit a = fit_gemm(invented(), Precision::kBf16, rows, options);
  const DeviceFit b = fit_gemm(invented(), Precision::kBf16, rows, options);
  REQUIRE(a.numbers.size() == b.numbers.size());
  for (std::size_t i = 0; i < a.numbers.size(); ++i) {
    CHECK(a.numbers[i].known.value == b.numbers[i].known.value);
    CHECK(a.numbers[i].known.ci == b.numbers[i].known.ci);
  }
}

TEST_CASE("too few rows are refused") {
  CHECK_THROWS_AS(fit_gemm(h100(), Precision::kBf16, synthetic_gemms(h100(), 49, 0)), Error);
  CHECK_THROWS_AS(fit_attention(h100(), std::vector<MeasuredAttention>(19)), Error);
  CHECK_THROWS_AS(fit_memory(h100(), {}), Error);
}

TEST_CASE("a fit to one size only is refused with what the rows do not tell") {
  const DeviceProfile device = h100();
  std::vector<MeasuredGemm> rows(200);
  std::mt19937_64 random(7);
  for (MeasuredGemm& row : rows) {
    row.shape = {4096, 4096, 4096};
    row.seconds = predicted_seconds(device, row) * noise(random, 0.03);
  }
  const FitOptions options{.samples = 0};
  const std::string why = refusal([&] { fit_gemm(device, Precision::kBf16, rows, options); });
  CHECK_THAT(why, Catch::Contains("do not identify launch: hold it, or add small products"));
  CHECK_THAT(why, Catch::Contains("bf16.tail") && Catch::Contains("bf16.split-traffic"));

  std::vector<MeasuredAttention> calls(40);
  for (MeasuredAttention& call : calls) {
    call.shape = {.batch = 4, .heads = 32, .kv_heads = 8, .sequence = 8192};
    call.seconds = predicted_seconds(device, call) * noise(random, 0.03);
  }
  CHECK_THAT(refusal([&] { fit_attention(device, calls, options); }),
             Catch::Contains("attention.latency"));

  std::vector<MeasuredStream> streams(40);
  for (MeasuredStream& stream : streams) {
    stream.bytes = 1e9;
    stream.seconds = predicted_seconds(device, stream) * noise(random, 0.03);
  }
  CHECK_THAT(refusal([&] { fit_memory(device, streams, options); }), Catch::Contains("launch"));
}

TEST_CASE("what rows do not identify can be held, by its name") {
  DeviceProfile device = h100();
  std::vector<MeasuredGemm> rows = synthetic_gemms(device, 300, 0.03);
  std::erase_if(rows, [&](const MeasuredGemm& row) { return row.seconds > 5e-4; });
  FitOptions options{.samples = 0};
  CHECK_THAT(refusal([&] { fit_gemm(device, Precision::kBf16, rows, options); }),
             Catch::Contains("power-settling"));
  options.hold = {"power-settling", "sustained-power-factor"};
  const DeviceFit fit = fit_gemm(device, Precision::kBf16, rows, options);
  CHECK(fit.device.power_settling.value == device.power_settling.value);
  CHECK(fit.device.power_settling.source == device.power_settling.source);
  CHECK(fit.numbers.size() == 7);
  options.hold = {"power-setling"};
  CHECK_THAT(refusal([&] { fit_gemm(device, Precision::kBf16, rows, options); }),
             Catch::Contains("did you mean \"power-settling\"?"));
}

TEST_CASE("fitted numbers go into a profile's text and read back") {
  const std::string profile =
      read_text_file(std::string(TENK_SOURCE_DIR) + "/profiles/accelerators/h100-sxm.yaml");
  const FittedNumber number{
      "bf16.tail",
      "1",
      {.value = 0.25, .how = How::kFitted, .ci = 0.1, .source = "a test: of numbers"}};
  const std::string changed = with_numbers(profile, "h100-sxm.yaml", {&number, 1});
  const DeviceProfile device = read_device_profile(Config::parse(changed, "x.yaml"));
  CHECK(gemm_of(device).tail.value == 0.25);
  CHECK(gemm_of(device).tail.ci == 0.1);
  CHECK(gemm_of(device).tail.source == "a test: of numbers");
  CHECK(gemm_of(device).efficiency.value == gemm_of(h100()).efficiency.value);
  // Nothing else has changed: the text before the number and after it is the profile's.
  const std::size_t at = profile.find("  tail:");
  CHECK(changed.substr(0, at) == profile.substr(0, at));
  const std::size_t after = profile.find("  operand-bandwidth:");
  CHECK_THAT(changed, Catch::EndsWith(profile.substr(after)));
}

TEST_CASE("fitted numbers keep the unit of the profile, and go into one that is like another too") {
  const std::vector<FittedNumber> numbers = {
      {"launch", "s", {.value = 3.5e-6, .how = How::kFitted, .ci = 0.1, .source = "t"}},
      {"bf16.operand-bandwidth",
       "B/s",
       {.value = 1.2e11, .how = How::kFitted, .ci = 0.02, .source = std::string(150, 'x')}}};
  const std::string plain =
      "launch: {value: 2, unit: us, how: assumed, ci: 1, source: s}\nbf16:\n"
      "  operand-bandwidth:\n    {value: 1, unit: GB/s, how: assumed,\n"
      "     ci: 1, source: \"a } brace\"}  # Kept.\n";
  const std::string text = with_numbers(plain, "x.yaml", numbers);
  CHECK_THAT(text, Catch::StartsWith("launch: {value: 3.5, unit: us, how: fitted, ci: 0.1, "));
  CHECK_THAT(text, Catch::Contains("{value: 120, unit: GB/s, how: fitted, ci: 0.02,"));
  CHECK_THAT(text, Catch::EndsWith("}  # Kept.\n"));
  const std::string like = "# A card like another.\nlike: h100-sxm\nname: x\n";
  const std::string whole = with_numbers(like, "x.yaml", numbers);
  CHECK_THAT(whole, Catch::StartsWith("# A card like another.\nlike: h100-sxm\n"));
  const DeviceProfile device = read_device_profile(Config::parse(whole, "x.yaml"));
  CHECK(device.launch.value == Approx(3.5e-6));
  CHECK(gemm_of(device).operand_bandwidth.value == Approx(1.2e11));
}

TEST_CASE("a fit of two thirds of the shipped products predicts the rest") {
  std::vector<MeasuredGemm> train;
  std::vector<MeasuredGemm> rest;
  const auto rows = shipped<MeasuredGemm>("gemm_h100_bf16.csv");
  REQUIRE(rows.size() == 305);
  for (std::size_t i = 0; i < rows.size(); ++i) (i % 3 == 0 ? rest : train).push_back(rows[i]);
  const FitOptions options{.samples = 0, .hold = {"launch", "bf16.memory-efficiency"}};
  const DeviceFit fit = fit_gemm(h100(), Precision::kBf16, train, options);
  const FitErrors errors = gemm_errors(fit.device, rest);
  CAPTURE(errors.median, errors.p90);
  CHECK(errors.median <= 0.06);
  CHECK(errors.p90 <= 0.16);
  CHECK(within(gemm_of(fit.device).efficiency, gemm_of(h100()).efficiency, 0.05));
}

TEST_CASE("an attention fit finds the constants that made the rows") {
  DeviceProfile truth = h100();
  truth.attention.efficiency.value = 0.4;
  truth.attention.latency.value = 12e-6;
  truth.attention.passes.value = 4;
  truth.attention.key_overhead.value = 300;
  truth.attention.tail.value = 0.6;
  auto rows = shipped<MeasuredAttention>("attention_h100_bf16.csv");
  REQUIRE(rows.size() == 59);
  std::mt19937_64 random(6);
  for (MeasuredAttention& row : rows) {
    row.seconds = predicted_seconds(truth, row) * noise(random, 0.03);
  }
  const DeviceFit fit = fit_attention(h100(), rows, {.samples = 10});
  CHECK(within(fit.device.attention.efficiency, truth.attention.efficiency, 0.03));
  CHECK(within(fit.device.attention.latency, truth.attention.latency, 0.5));
  CHECK(within(fit.device.attention.passes, truth.attention.passes, 0.1));
  CHECK(within(fit.device.attention.key_overhead, truth.attention.key_overhead, 0.2));
  CHECK(within(fit.device.attention.tail, truth.attention.tail, 0.2));
  CHECK(fit.device.attention.passes.ci > 0);
}

TEST_CASE("a fit of memory finds rate and launch from streams of many lengths") {
  DeviceProfile truth = h100();
  truth.memory_efficiency.value = 0.7;
  truth.launch.value = 5e-6;
  std::mt19937_64 random(8);
  std::vector<MeasuredStream> rows;
  for (double bytes = 4096; bytes < 8e9; bytes *= 2) {
    MeasuredStream row{bytes, 0};
    row.seconds = predicted_seconds(truth, row) * noise(random, 0.03);
    rows.push_back(row);
  }
  const DeviceFit fit = fit_memory(h100(), rows, {.samples = 20});
  CHECK(within(fit.device.memory_efficiency, truth.memory_efficiency, 0.05));
  CHECK(within(fit.device.launch, truth.launch, 0.05));
  // A rate alone: 2948 GB/s of 3350.
  const std::vector<MeasuredStream> rate(3, {0, 1 / 2.948e12});
  const DeviceFit plain = fit_memory(h100(), rate, {.samples = 0});
  CHECK(plain.device.memory_efficiency.value == Approx(0.88).epsilon(0.001));
  CHECK(plain.device.launch.value == h100().launch.value);
}

// The claim of docs/kernels.md on rows that no fit saw, on a sample of them.
TEST_CASE("the profiles predict products that their fits never saw") {
  const std::map<std::string, std::string> profile = {{"A100-SXM4-80GB", "a100-sxm-80"},
                                                      {"H100-SXM", "h100-sxm"},
                                                      {"H200-SXM", "h200"},
                                                      {"B200", "b200"},
                                                      {"GB200", "gb200"}};
  std::map<std::pair<std::string, Precision>, std::vector<MeasuredGemm>> cases;
  for (const KernelSample& sample : load_measurements(kData + "gemm_held_out.csv").kernels) {
    const auto gemm = std::get<MeasuredGemm>(kernel_case(sample));
    REQUIRE(held_out(gemm.shape));
    cases[{profile.at(sample.gpu), gemm.precision}].push_back(gemm);
  }
  REQUIRE(cases.size() == 9);
  for (const auto& [what, rows] : cases) {
    const FitErrors errors = gemm_errors(accelerator(what.first), rows);
    const bool narrow = what.second == Precision::kFp8;
    CAPTURE(what.first, name_of(what.second), errors.median, errors.p90, errors.bias);
    CHECK(errors.rows >= 55);
    CHECK(errors.median <= (narrow ? 0.08 : 0.055));  // 60 of thousands of rows.
    CHECK(errors.p90 <= (narrow ? 0.25 : 0.17));
  }
}

TEST_CASE("the profiles predict calls of attention that their fits never saw") {
  const std::map<std::string, std::string> profile = {
      {"A100-SXM4-80GB", "a100-sxm-80"},
      {"H100-SXM", "h100-sxm"},
      {"H200-SXM", "h200"},
      {"B200", "b200"},
      {"GB200", "gb200"},
      {"B300", "b300"},
      {"GB300", "gb300"},
      {"L40S", "l40s"},
      {"RTX PRO 6000 Blackwell Server", "rtx-pro-6000"}};
  std::map<std::string, std::vector<MeasuredAttention>> cases;
  for (const KernelSample& sample : load_measurements(kData + "attention_held_out.csv").kernels) {
    const auto attention = std::get<MeasuredAttention>(kernel_case(sample));
    REQUIRE(held_out(attention.shape));
    cases[profile.at(sample.gpu)].push_back(attention);
  }
  REQUIRE(cases.size() == 9);
  for (const auto& [gpu, rows] : cases) {
    const FitErrors errors = attention_errors(accelerator(gpu), rows);
    CAPTURE(gpu, errors.median, errors.p90, errors.bias);
    CHECK(errors.rows >= 20);
    CHECK(errors.median <= 0.10);
    CHECK(errors.p90 <= 0.25);
  }
}
