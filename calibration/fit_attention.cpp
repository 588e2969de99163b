#include "calibration/fit_attention.h"

#include <fmt/format.h>

#include "sim/base/error.h"
#include "sim/base/hash.h"

namespace tenk {
namespace {

constexpr std::size_t kFewestRows = 20;

Constants constants_of(DeviceProfile& device) {
  AttentionModel& a = device.attention;
  return {{"attention.efficiency", &a.efficiency, {0, 0.01, 1}, 0.2, "1", "long sequences"},
          {"attention.latency", &a.latency, {0, 1e-7, 1e-3}, 1e-5, "s", "calls of less than 50 us"},
          {"attention.passes",
           &a.passes,
           {0, 1, 50},
           1,
           "1",
           "short sequences in large batches, which wait for memory"},
          {"attention.tail",
           &a.tail,
           {0, 0, 1},
           0.5,
           "1",
           "calls with fewer tiles of 128 queries than units"},
          {"attention.key-overhead",
           &a.key_overhead,
           {0, 0, 1e4},
           200,
           "1",
           "sequences from 512 to 16384 tokens"}};
}

}  // namespace

double predicted_seconds(const DeviceProfile& device, const MeasuredAttention& row) {
  return (row.backward ? attention_backward_time(device, row.shape)
                       : attention_forward_time(device, row.shape))
      .s();
}

FitErrors attention_errors(const DeviceProfile& device, std::span<const MeasuredAttention> rows) {
  std::vector<double> predicted;
  std::vector<double> measured;
  for (const MeasuredAttention& row : rows) {
    predicted.push_back(predicted_seconds(device, row));
    measured.push_back(row.seconds);
  }
  return fit_errors(predicted, measured);
}

DeviceFit fit_attention(const DeviceProfile& known, std::span<const MeasuredAttention> rows,
                        const FitOptions& options) {
  std::vector<MeasuredAttention> used;
  std::vector<std::uint64_t> calls;
  FitProblem problem;
  for (const MeasuredAttention& row : rows) {
    if (row.backward) continue;
    used.push_back(row);
    calls.push_back(combine(static_cast<std::uint64_t>(row.shape.batch),
                            static_cast<std::uint64_t>(row.shape.heads)));
    problem.measured.push_back(row.seconds);
    problem.weights.push_back(1);
  }
  if (used.size() < kFewestRows) {
    throw Error(ErrorKind::kInvalid, fmt::format("a fit of attention needs at least {} timed rows; "
                                                 "found {}",
                                                 kFewestRows, used.size()));
  }
  DeviceFit fit{{}, known};
  problem.constants = constants_of(fit.device);
  problem.predict = by_row([&](std::size_t i) { return predicted_seconds(fit.device, used[i]); });
  problem.groups = number_groups(calls);
  problem.efficiency_path = "attention.efficiency";
  static_cast<ConstantFit&>(fit) = fit_constants(problem, options);
  return fit;
}

}  // namespace tenk
