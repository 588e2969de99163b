#include "analysis/interval.h"

#include <cmath>
#include <vector>

#include "workloads/training.h"

namespace tenk {
namespace {

using DeviceNumber = Known& (*)(DeviceProfile&);
constexpr DeviceNumber kDeviceNumbers[] = {
    [](DeviceProfile& d) -> Known& { return d.memory_efficiency; },
    [](DeviceProfile& d) -> Known& { return d.launch; },
    [](DeviceProfile& d) -> Known& { return d.bf16.efficiency; },
    [](DeviceProfile& d) -> Known& { return d.bf16.k_overhead; },
    [](DeviceProfile& d) -> Known& { return d.bf16.tail; },
    [](DeviceProfile& d) -> Known& { return d.attention.efficiency; },
    [](DeviceProfile& d) -> Known& { return d.attention.latency; },
    [](DeviceProfile& d) -> Known& { return d.attention.passes; },
    [](DeviceProfile& d) -> Known& { return d.attention.backward_ratio; },
    [](DeviceProfile& d) -> Known& { return d.sustained_power_factor; },
};
using TuningNumber = Known& (*)(CollectiveTuning&);
constexpr TuningNumber kTuningNumbers[] = {
    [](CollectiveTuning& t) -> Known& { return t.nvlink_efficiency; },
    [](CollectiveTuning& t) -> Known& { return t.network_efficiency; },
};

}  // namespace

std::pair<double, double> interval_of(const Scenario& s, const Fabric& fabric, const Placed& placed,
                                      Time step) {
  double squares = 0;
  const auto add = [&](const Workload& workload, const Placed& at) {
    const Time varied = simulate(workload, at, s.engine).timeline.makespan;
    squares += std::pow((varied - step).s(), 2);
  };
  for (const DeviceNumber number : kDeviceNumbers) {
    DeviceProfile device = *s.device;
    Known& known = number(device);
    if (known.ci <= 0) continue;
    known.value *= 1 - known.ci;
    add(build_training(*s.job, device), placed);
  }
  const Workload workload = build_training(*s.job, *s.device);
  for (const TuningNumber number : kTuningNumbers) {
    CollectiveTuning tuning = s.tuning;
    Known& known = number(tuning);
    if (known.ci <= 0) continue;
    known.value *= 1 - known.ci;
    add(workload, place_and_fold(fabric, workload, tuning, true));
  }
  const double half = std::sqrt(squares);
  return {std::max(0.0, step.s() - half), step.s() + half};
}

}  // namespace tenk
