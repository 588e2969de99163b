// From tables of timed kernels to profiles of accelerators, through the command's own function.
#include "calibration/calibrate_kernels.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "calibration/fit_attention.h"
#include "calibration/fit_gemm.h"
#include "calibration/fit_memory.h"
#include "sim/base/text_file.h"
#include "tests/devices.h"

using namespace tenk;
using tenk::testing::accelerator;
using tenk::testing::gemm_of;

namespace {

std::string text_of(const std::string& name) {
  return read_text_file(std::string(TENK_SOURCE_DIR) + "/profiles/accelerators/" + name + ".yaml");
}

CalibrateOptions options_for(const std::vector<std::string>& gpus) {
  CalibrateOptions options;
  options.fit = {.steps = 900, .samples = 60};
  for (const std::string& gpu : gpus) options.devices[gpu] = {"h100-sxm", text_of("h100-sxm")};
  return options;
}

double noise(std::mt19937_64& random, double spread) {
  const auto uniform = [&] { return (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53; };
  const double radius = std::sqrt(-2 * std::log(uniform()));
  return std::exp(spread * radius * std::cos(2 * 3.14159265358979323846 * uniform()));
}

// Constants unlike the H100's.
DeviceProfile invented() {
  DeviceProfile device = accelerator("h100-sxm");
  GemmModel& gemm = gemm_of(device);
  gemm.efficiency.value = 0.62;
  gemm.k_overhead.value = 300;
  gemm.tail.value = 0.6;
  gemm.operand_bandwidth.value = 90e9;
  gemm.split_traffic.value = 2;
  gemm.memory_efficiency.value = 0.7;
  device.launch.value = 6e-6;
  device.memory_efficiency.value = 0.75;
  device.sustained_power_factor.value = 0.7;
  device.power_settling.value = 3e-3;
  device.attention.efficiency.value = 0.4;
  device.attention.key_overhead.value = 300;
  return device;
}

// As a probe of that device would write them: products of every size, calls, streams.
class Table {
 public:
  Table(DeviceProfile device, std::string gpu, std::uint64_t seed)
      : device_(std::move(device)), gpu_(std::move(gpu)), random_(seed) {}

  void add_product(std::int64_t m, std::int64_t n, std::int64_t k) {
    KernelSample& row = add("gemm", "bfloat16");
    row.m = m;
    row.n = n;
    row.k = k;
    time(row);
  }
  void add_products(int count) {
    for (int i = 0; i < count; ++i) {
      add_product(i % 5 == 0 ? 1 + size(3) / 16 : size(9), size(8), size(10));
    }
  }
  void add_calls(int count) {
    for (int i = 0; i < count; ++i) {
      KernelSample& row = add("attention prefill (causal)", "bfloat16");
      row.batch = 1 << (random_() % 5);
      row.heads = row.kv_heads = 8 << (random_() % 4);
      row.head_dim = 128;
      row.seq_q = row.seq_k = 128 + static_cast<std::int64_t>(random_() % 8192);
      row.causal = 1;
      row.direction = "fwd";
      time(row);
    }
  }
  void add_streams() {
    for (double bytes = 65536; bytes < 8e9; bytes *= 2) {
      KernelSample& row = add("copy", "fp32");
      const double rate = device_.memory_bandwidth.value * device_.memory_efficiency.value;
      row.time_us = (device_.launch.value + bytes / rate) * 1e6 * noise(random_, 0.03);
      row.GBps = bytes / *row.time_us * 1e-3;
    }
  }

  Measurements rows;

 private:
  std::int64_t size(unsigned octaves) {
    const std::int64_t octave = std::int64_t{64} << (random_() % octaves);
    return octave + static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(octave));
  }
  KernelSample& add(const std::string& kernel, const std::string& dtype) {
    KernelSample& row = rows.kernels.emplace_back();
    row.gpu = gpu_;
    row.kernel = kernel;
    row.dtype = dtype;
    row.software = "synthetic 1.0";
    return row;
  }
  void time(KernelSample& row) {
    row.time_us = 1;
    const KernelCase one = kernel_case(row);
    if (const auto* gemm = std::get_if<MeasuredGemm>(&one)) {
      row.time_us = predicted_seconds(device_, *gemm) * 1e6;
    } else {
      row.time_us = predicted_seconds(device_, std::get<MeasuredAttention>(one)) * 1e6;
    }
    *row.time_us *= noise(random_, 0.03);
  }

  DeviceProfile device_;
  std::string gpu_;
  std::mt19937_64 random_;
};

DeviceProfile only_profile(const Calibration& c) {
  REQUIRE(c.profiles.size() == 1);
  CHECK(c.profiles[0].name == "accelerators/h100-sxm");
  return read_device_profile(Config::parse(c.profiles[0].yaml, "h100-sxm.yaml"));
}

const FittedModel& model_of(const Calibration& c, const std::string& subject) {
  for (const FittedModel& model : c.models) {
    if (model.subject == subject) return model;
  }
  FAIL("no model of " << subject);
  return c.models.front();
}

std::string reason_of(const Calibration& c, const std::string& subject) {
  for (const Refusal& refusal : c.refused) {
    if (refusal.subject == subject) return refusal.reason;
  }
  return "";
}

bool holds(const Known& fitted, const Known& truth) {
  return std::abs(fitted.value - truth.value) <= fitted.ci * fitted.value;
}

}  // namespace

TEST_CASE("calibrate finds a card's constants again inside their intervals, nine times in ten") {
  const DeviceProfile truth = invented();
  int held = 0, all = 0;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    Table table(truth, "card", seed);
    table.add_products(450);
    table.add_calls(120);
    table.add_streams();
    const Calibration c = calibrate({}, table.rows, options_for({"card"}));
    const DeviceProfile found = only_profile(c);
    const GemmModel &x = gemm_of(found), &y = gemm_of(truth);
    for (const auto& [fitted, true_one] :
         {std::pair{&x.efficiency, &y.efficiency},
          {&x.k_overhead, &y.k_overhead},
          {&x.tail, &y.tail},
          {&x.operand_bandwidth, &y.operand_bandwidth},
          {&x.split_traffic, &y.split_traffic},
          {&x.memory_efficiency, &y.memory_efficiency},
          {&found.launch, &truth.launch},
          {&found.memory_efficiency, &truth.memory_efficiency},
          {&found.sustained_power_factor, &truth.sustained_power_factor},
          {&found.power_settling, &truth.power_settling},
          {&found.attention.efficiency, &truth.attention.efficiency},
          {&found.attention.key_overhead, &truth.attention.key_overhead}}) {
      CHECK(fitted->how == How::kFitted);
      held += holds(*fitted, *true_one) ? 1 : 0;
      ++all;
    }
    CHECK(model_of(c, "bf16 products of h100-sxm").held_out.median < 0.035);
    CHECK(model_of(c, "attention of h100-sxm").held_out.median < 0.035);
  }
  CAPTURE(held, all);
  CHECK(held >= all * 9 / 10);
}

TEST_CASE("shapes that are held out judge a fit and never steer it") {
  const DeviceProfile truth = invented();
  Table table(truth, "card", 3);
  table.add_products(300);
  const Calibration before = calibrate({}, table.rows, options_for({"card"}));
  for (KernelSample& row : table.rows.kernels) {
    if (held_out(GemmShape{*row.m, *row.n, *row.k})) *row.time_us *= 2;
  }
  const Calibration after = calibrate({}, table.rows, options_for({"card"}));
  CHECK(before.profiles[0].yaml == after.profiles[0].yaml);
  const FittedModel& judged = model_of(after, "bf16 products of h100-sxm");
  CHECK(judged.errors.rows + judged.held_out.rows == 300);
  CHECK(judged.held_out.rows > 60);
  CHECK(judged.held_out.median == Approx(0.5).margin(0.03));  // Half of what was doubled.
  CHECK(judged.errors.median < 0.03);
}

TEST_CASE("what we measured on a card sets published rows of it aside, however it is written") {
  const DeviceProfile truth = invented();
  Table own(truth, "NVIDIA H100 80GB HBM3", 5), published(accelerator("h100-sxm"), "H100-SXM", 6);
  own.add_products(300);
  published.add_products(300);
  published.add_calls(60);
  const CalibrateOptions options = options_for({"NVIDIA H100 80GB HBM3", "H100-SXM"});
  Measurements together = published.rows;
  for (KernelSample& row : own.rows.kernels) row.how = "measured";
  together.append(own.rows);  // One table with both: `how` tells them apart.
  for (const Calibration& c :
       {calibrate(own.rows, published.rows, options), calibrate({}, together, options)}) {
    REQUIRE(c.remarks.size() == 1);
    CHECK(c.remarks[0] == "300 published rows of kernels set aside: measured ourselves");
    CHECK(gemm_of(only_profile(c)).efficiency.value == Approx(0.62).epsilon(0.03));
    // Attention was measured by nobody else.
    CHECK(model_of(c, "attention of h100-sxm").errors.rows +
              model_of(c, "attention of h100-sxm").held_out.rows ==
          60);
  }
}

TEST_CASE("sets that identify no constant are refused by name, and no profile is written") {
  Table table(invented(), "card", 8);
  for (int i = 0; i < 100; ++i) table.add_product(4096, 4096, 4096 + i);
  table.rows.kernels[0].how = "recalled";
  KernelSample& other = table.rows.kernels.emplace_back(table.rows.kernels[1]);
  other.gpu = "abacus";
  const Calibration c = calibrate({}, table.rows, options_for({"card"}));
  CHECK_THAT(reason_of(c, "launch of h100-sxm"),
             Catch::Contains("do not identify it") && Catch::Contains("add small products"));
  CHECK_THAT(reason_of(c, "bf16.split-traffic of h100-sxm"), Catch::Contains("few tiles"));
  CHECK(reason_of(c, "kernels of \"abacus\"") == "no profile of the accelerator");
  CHECK(reason_of(c, "kernels of card") == "recalled, not measured");
  // What stays is as the known profile has it.
  const DeviceProfile found = only_profile(c);
  CHECK(found.launch.source == accelerator("h100-sxm").launch.source);

  table.rows.kernels.resize(20);
  const Calibration few = calibrate({}, table.rows, options_for({"card"}));
  CHECK(few.profiles.empty());
  CHECK_THAT(reason_of(few, "bf16 products of h100-sxm"),
             Catch::Contains("at least 50 timed rows"));
}
