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

constexpr double kHostError = 0.3;  // Of the host's times (assumed: software and CPUs differ).

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

// Step times of the job with few micro-batches, extrapolated to all of them. Beyond the filling of
// the pipeline each further micro-batch costs the same, so two lengths give the line.
class ShortSteps {
 public:
  ShortSteps(const Scenario& scenario, const Fabric& fabric, const Placed& placed)
      : s_(scenario), fabric_(fabric), placed_(placed), all_(scenario.job->micro_batches()) {
    const std::int64_t stages = scenario.job->layout.pp;
    lengths_ = all_ > 4 * stages ? std::vector<std::int64_t>{stages, 2 * stages}
                                 : std::vector<std::int64_t>{all_};
  }

  double seconds(const HostSpec& host) const { return seconds(*s_.device, placed_, host); }
  // Placement depends on the tuning and not on how many micro-batches there are.
  double seconds(const DeviceProfile& device) const {
    return seconds(device, placed_, s_.job->host);
  }
  double seconds(const CollectiveTuning& tuning) const {
    const Workload workload = build_training(*s_.job, *s_.device);
    return seconds(*s_.device, place_and_fold(fabric_, workload, tuning, true), s_.job->host);
  }

 private:
  double seconds(const DeviceProfile& device, const Placed& placed, const HostSpec& host) const {
    std::vector<double> times;
    for (const std::int64_t length : lengths_) {
      TrainingSpec job = *s_.job;
      job.host = host;
      job.batch.global = length * job.batch.micro * job.layout.dp;
      times.push_back(
          simulate(build_training(job, device), placed, s_.engine).timeline.makespan.s());
    }
    if (times.size() == 1) return times[0];
    const double slope = (times[1] - times[0]) / static_cast<double>(lengths_[1] - lengths_[0]);
    return times[1] + slope * static_cast<double>(all_ - lengths_[1]);
  }

  const Scenario& s_;
  const Fabric& fabric_;
  const Placed& placed_;
  std::int64_t all_;
  std::vector<std::int64_t> lengths_;
};

}  // namespace

std::vector<Variation> vary(const Scenario& s, const Fabric& fabric, const Placed& placed,
                            Time step) {
  std::vector<Variation> variations;
  const ShortSteps steps(s, fabric, placed);
  DeviceProfile device = *s.device;
  const double base = steps.seconds(device);
  const auto add = [&](const std::string& profile, std::string_view number, double seconds) {
    variations.push_back(
        {profile + ": " + std::string(number), Time::seconds(step.s() + seconds - base)});
  };
  for (const auto& [name, known] : numbers_of(device, *s.job)) {
    if (known->ci <= 0) continue;
    const double value = std::exchange(known->value, known->value * (1 - known->ci));
    add(device.name, name, steps.seconds(device));
    known->value = value;
  }
  HostSpec host = s.job->host;
  host.forward = Time::seconds(host.forward.s() * (1 - kHostError));
  host.backward = Time::seconds(host.backward.s() * (1 - kHostError));
  add("host", "issue of kernels", steps.seconds(host));
  for (const TuningNumber& number : kTuningNumbers) {
    CollectiveTuning tuning = s.tuning;
    Known& known = number.of(tuning);
    if (known.ci <= 0) continue;
    known.value *= 1 - known.ci;
    add(tuning.name, number.name, steps.seconds(tuning));
  }
  return variations;
}

std::pair<double, double> interval_of(std::span<const Variation> variations, Time step) {
  double squares = std::pow(kModelError * step.s(), 2);
  for (const Variation& v : variations) squares += std::pow((v.step_time - step).s(), 2);
  const double half = std::sqrt(squares);
  return {std::max(0.0, step.s() - half), step.s() + half};
}

}  // namespace tenk
