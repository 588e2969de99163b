#include "analysis/interval.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>

#include "workloads/training.h"

namespace tenk {
namespace {

// The job's own precision and, if it computes the rest in a wider one, that.
std::vector<Precision> precisions_of(const TrainingSpec& job, const DeviceProfile& device) {
  if (job.precision != Precision::kFp8) return {job.precision};
  return {job.precision, device.wide()};
}

// The numbers of a device that a job's time depends on, by name.
using Numbers = std::vector<std::pair<std::string, Known*>>;
Numbers numbers_of(DeviceProfile& device, const TrainingSpec& job) {
  Numbers numbers = {{"memory-efficiency", &device.memory_efficiency}, {"launch", &device.launch}};
  for (const Precision precision : precisions_of(job, device)) {
    GemmModel& gemm = *device.gemms[static_cast<std::size_t>(precision)];
    const std::string name(name_of(precision));
    numbers.emplace_back(name + ".efficiency", &gemm.efficiency);
    numbers.emplace_back(name + ".k-overhead", &gemm.k_overhead);
    numbers.emplace_back(name + ".tail", &gemm.tail);
  }
  AttentionModel& attention = device.attention;
  numbers.emplace_back("attention.efficiency", &attention.efficiency);
  numbers.emplace_back("attention.latency", &attention.latency);
  numbers.emplace_back("attention.passes", &attention.passes);
  numbers.emplace_back("attention.backward-ratio", &attention.backward_ratio);
  numbers.emplace_back("sustained-power-factor", &device.sustained_power_factor);
  return numbers;
}

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
  DeviceProfile device = *s.device;
  for (const auto& [name, known] : numbers_of(device, *s.job)) {
    if (known->ci <= 0) continue;
    const double value = std::exchange(known->value, known->value * (1 - known->ci));
    add(device.name, name, build_training(*s.job, device), placed);
    known->value = value;
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
