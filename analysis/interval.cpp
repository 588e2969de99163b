#include "analysis/interval.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "workloads/training.h"

namespace tenk {
namespace {

struct DeviceNumber {
  std::string_view name;
  Known& (*of)(DeviceProfile&);
};
constexpr DeviceNumber kDeviceNumbers[] = {
    {"memory-efficiency", [](DeviceProfile& d) -> Known& { return d.memory_efficiency; }},
    {"launch", [](DeviceProfile& d) -> Known& { return d.launch; }},
    {"bf16.efficiency", [](DeviceProfile& d) -> Known& { return d.bf16.efficiency; }},
    {"bf16.k-overhead", [](DeviceProfile& d) -> Known& { return d.bf16.k_overhead; }},
    {"bf16.tail", [](DeviceProfile& d) -> Known& { return d.bf16.tail; }},
    {"attention.efficiency", [](DeviceProfile& d) -> Known& { return d.attention.efficiency; }},
    {"attention.latency", [](DeviceProfile& d) -> Known& { return d.attention.latency; }},
    {"attention.passes", [](DeviceProfile& d) -> Known& { return d.attention.passes; }},
    {"attention.backward-ratio",
     [](DeviceProfile& d) -> Known& { return d.attention.backward_ratio; }},
    {"sustained-power-factor", [](DeviceProfile& d) -> Known& { return d.sustained_power_factor; }},
};
struct TuningNumber {
  std::string_view name;
  Known& (*of)(CollectiveTuning&);
};
constexpr TuningNumber kTuningNumbers[] = {
    {"nvlink-efficiency", [](CollectiveTuning& t) -> Known& { return t.nvlink_efficiency; }},
    {"network-efficiency", [](CollectiveTuning& t) -> Known& { return t.network_efficiency; }},
};

}  // namespace

std::vector<Variation> vary(const Scenario& s, const Fabric& fabric, const Placed& placed) {
  std::vector<Variation> variations;
  const auto add = [&](const std::string& profile, std::string_view number,
                       const Workload& workload, const Placed& at) {
    variations.push_back(
        {profile + ": " + std::string(number), simulate(workload, at, s.engine).timeline.makespan});
  };
  for (const DeviceNumber& number : kDeviceNumbers) {
    DeviceProfile device = *s.device;
    Known& known = number.of(device);
    if (known.ci <= 0) continue;
    known.value *= 1 - known.ci;
    add(device.name, number.name, build_training(*s.job, device), placed);
  }
  const Workload workload = build_training(*s.job, *s.device);
  for (const TuningNumber& number : kTuningNumbers) {
    CollectiveTuning tuning = s.tuning;
    Known& known = number.of(tuning);
    if (known.ci <= 0) continue;
    known.value *= 1 - known.ci;
    add(tuning.name, number.name, workload, place_and_fold(fabric, workload, tuning, true));
  }
  return variations;
}

std::pair<double, double> interval_of(std::span<const Variation> variations, Time step) {
  double squares = 0;
  for (const Variation& v : variations) squares += std::pow((v.step_time - step).s(), 2);
  const double half = std::sqrt(squares);
  return {std::max(0.0, step.s() - half), step.s() + half};
}

}  // namespace tenk
