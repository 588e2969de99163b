#include "workloads/optimizer.h"

#include "workloads/kernels.h"
#include "workloads/layer_times.h"

namespace tenk {
namespace {

// The optimizer, per parameter updated: FP32 gradient, master weight and moments in, the last out,
// BF16 weight out; before it the gradient once more for its norm. Per parameter held: gradient
// zeroed.
constexpr double kGradientTwice = 4 + 4;
constexpr double kUpdated = 4 + 4;  // Master weight or moment.
constexpr double kWeightOut = 2;
constexpr double kZeroed = 4;

}  // namespace

Time optimizer_time(const TrainingSpec& t, const DeviceProfile& device, std::int64_t updated,
                    std::int64_t held) {
  const auto moments = static_cast<double>(t.optimizer.moments());
  const double bytes = kGradientTwice + kUpdated * (1 + moments) + kWeightOut;
  Time time = streamed(device, kZeroed * static_cast<double>(held));
  if (!t.optimizer.offload) time += streamed(device, bytes * static_cast<double>(updated));
  const double cast = cast_bytes(t.precision);
  if (cast == 0) return time;
  return time + streamed(device, cast * static_cast<double>(held));
}

Time host_update_time(const OptimizerSpec& optimizer, std::int64_t updated) {
  const auto moments = static_cast<double>(optimizer.moments());
  const double bytes = kGradientTwice + kUpdated * (1 + moments) + kWeightOut;
  return Time::seconds(bytes * static_cast<double>(updated) / optimizer.host_memory.value());
}

}  // namespace tenk
