#include "calibration/fit_memory.h"

#include <algorithm>

#include "sim/base/error.h"

namespace tenk {
namespace {

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

ConstantFit fit_memory(const DeviceProfile& known, std::span<const MeasuredStream> rows,
                       const FitOptions& options) {
  if (rows.empty()) throw Error(ErrorKind::kInvalid, "a fit of memory needs timed streams");
  FitProblem problem;
  problem.known = known;
  for (const MeasuredStream& row : rows) {
    problem.measured.push_back(row.seconds);
    problem.weights.push_back(1);
    problem.groups.push_back(problem.groups.size());
  }
  const bool with_launch = std::any_of(rows.begin(), rows.end(),
                                       [](const MeasuredStream& row) { return row.bytes > 0; });
  problem.constants = [&](DeviceProfile& device) { return constants_of(device, with_launch); };
  problem.predict = [&](const DeviceProfile& device, std::size_t i) {
    return predicted_seconds(device, rows[i]);
  };
  problem.efficiency_path = "memory-efficiency";
  return fit_constants(problem, options);
}

}  // namespace tenk
