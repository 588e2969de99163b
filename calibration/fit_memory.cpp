#include "calibration/fit_memory.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/base/error.h"

namespace tenk {
namespace {

constexpr std::size_t kFewestRows = 3;

Constants constants_of(DeviceProfile& device, bool with_launch) {
  Constants constants = {{"memory-efficiency",
                          &device.memory_efficiency,
                          {0, 0.05, 1},
                          0.2,
                          "1",
                          "streams of more than 100 MB"}};
  if (with_launch) {
    constants.push_back(
        {"launch", &device.launch, {0, 1e-8, 1e-3}, 1e-6, "s", "streams of less than 1 MB"});
  }
  return constants;
}

}  // namespace

double predicted_seconds(const DeviceProfile& device, const MeasuredStream& row) {
  const double rate = device.memory_bandwidth.value * device.memory_efficiency.value;
  return row.bytes > 0 ? device.launch.value + row.bytes / rate : 1 / rate;
}

DeviceFit fit_memory(const DeviceProfile& known, std::span<const MeasuredStream> rows,
                     const FitOptions& options) {
  if (rows.size() < kFewestRows) {
    throw Error(ErrorKind::kInvalid, fmt::format("a fit of memory needs at least {} timed streams; "
                                                 "found {}",
                                                 kFewestRows, rows.size()));
  }
  FitProblem problem;
  for (const MeasuredStream& row : rows) {
    problem.measured.push_back(row.seconds);
    problem.weights.push_back(1);
    problem.groups.push_back(problem.groups.size());
  }
  const bool with_launch = std::any_of(rows.begin(), rows.end(),
                                       [](const MeasuredStream& row) { return row.bytes > 0; });
  DeviceFit fit{{}, known};
  problem.constants = constants_of(fit.device, with_launch);
  problem.predict = by_row([&](std::size_t i) { return predicted_seconds(fit.device, rows[i]); });
  problem.efficiency_path = "memory-efficiency";
  static_cast<ConstantFit&>(fit) = fit_constants(problem, options);
  return fit;
}

}  // namespace tenk
