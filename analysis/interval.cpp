#include "analysis/interval.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>

#include "workloads/schedules/list.h"
#include "workloads/training.h"

namespace tenk {
namespace {

// The job's own precision and, if it computes the rest in a wider one, that.
std::vector<Precision> precisions_of(const TrainingSpec& job, const DeviceProfile& device) {
  const bool narrow = job.precision == Precision::kFp8 || job.precision == Precision::kFp4;
  if (!narrow) return {job.precision};
  return {job.precision, device.wide()};
}

// Beyond kModelError, and set like it: software for experts differs more than for dense layers.
constexpr double kExpertError = 0.35;
constexpr double kHostError = 0.3;  // Of the host's times (assumed: software and CPUs differ).
// A number is lowered by its interval, but stays above 0 however wide that is.
constexpr double kLeastShare = 0.05;

struct TuningNumber {
  std::string_view name;
  Known& (*of)(CollectiveTuning&);
};
constexpr TuningNumber kTuningNumbers[] = {
    {"nvlink-efficiency", [](CollectiveTuning& t) -> Known& { return t.nvlink_efficiency; }},
    {"network-efficiency", [](CollectiveTuning& t) -> Known& { return t.network_efficiency; }},
};

Workload with_compute_scaled(Workload workload, double factor) {
  for (Program& program : workload.programs) {
    for (Op& op : program.ops) {
      if (op.kind != Op::Kind::kCompute || op.category != Category::kCompute) continue;
      op.duration = Time::seconds(op.duration.s() * factor);
    }
  }
  return workload;
}

// Mean over roles of the seconds that one of their ranks computes.
double compute_seconds(const Workload& workload) {
  double sum = 0;
  for (const Program& program : workload.programs) {
    for (const Op& op : program.ops) {
      if (op.kind == Op::Kind::kCompute && op.category == Category::kCompute) {
        sum += op.duration.s();
      }
    }
  }
  return sum / static_cast<double>(workload.programs.size());
}

// Step times of the job with few micro-batches, extrapolated to all of them. Beyond the filling of
// the pipeline each further micro-batch costs the same, so two lengths give the line.
class ShortSteps {
 public:
  ShortSteps(const Scenario& scenario, const Fabric& fabric, const Placed& placed)
      : s_(scenario), fabric_(fabric), placed_(placed), all_(scenario.job->micro_batches()) {
    const LayoutSpec& layout = scenario.job->layout;
    const bool takes =
        find_schedule(layout.schedule)->refusal({layout.pp, layout.vpp, layout.pp}).empty();
    const std::int64_t least = takes ? layout.pp : 2 * layout.pp;
    lengths_ = all_ > 4 * least ? std::vector<std::int64_t>{least, 2 * least}
                                : std::vector<std::int64_t>{all_};
    base_ = seconds(placed_, s_.job->host, 1);
    compute_ = compute_seconds(workload(*s_.device, s_.job->host, lengths_[0]));
    constexpr double kScaled = 0.9;
    by_compute_ = (base_ - seconds(placed_, s_.job->host, kScaled)) / (1 - kScaled);
  }

  // Seconds that the step changes by. A device's numbers change how long it computes; what that
  // does to the step was learnt once, by scaling all computation.
  double change(const DeviceProfile& device) const {
    const double compute = compute_seconds(workload(device, s_.job->host, lengths_[0]));
    return compute_ > 0 ? by_compute_ * (compute / compute_ - 1) : 0;
  }
  double change(const HostSpec& host) const { return seconds(placed_, host, 1) - base_; }
  // Placement depends on the tuning and not on how many micro-batches there are.
  double change(const CollectiveTuning& tuning) const {
    const Placed placed =
        place_and_fold(fabric_, workload(*s_.device, s_.job->host, lengths_[0]), tuning, true);
    return seconds(placed, s_.job->host, 1) - base_;
  }

 private:
  Workload workload(const DeviceProfile& device, const HostSpec& host, std::int64_t length) const {
    TrainingSpec job = *s_.job;
    job.host = host;
    job.batch.global = length * job.batch.micro * job.layout.dp;
    return build_training(job, device);
  }

  double seconds(const Placed& placed, const HostSpec& host, double compute) const {
    std::vector<double> times;
    for (const std::int64_t length : lengths_) {
      const Workload steps = with_compute_scaled(workload(*s_.device, host, length), compute);
      times.push_back(simulate(steps, placed, s_.engine).timeline.makespan.s());
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
  double base_ = 0;        // Seconds of the step, as extrapolated.
  double compute_ = 0;     // Seconds a rank computes in the shorter of the two.
  double by_compute_ = 0;  // Seconds of the step for each share of that.
};

}  // namespace

Numbers uncertain_numbers(DeviceProfile& device, std::span<const Precision> precisions) {
  Numbers numbers = {{"memory-bandwidth", &device.memory_bandwidth},
                     {"memory-efficiency", &device.memory_efficiency},
                     {"launch", &device.launch}};
  for (const Precision precision : precisions) {
    GemmModel& gemm = device.gemms[static_cast<std::size_t>(precision)].value();
    const std::string name(name_of(precision));
    numbers.emplace_back(name + ".peak", &gemm.peak);
    numbers.emplace_back(name + ".efficiency", &gemm.efficiency);
    numbers.emplace_back(name + ".k-overhead", &gemm.k_overhead);
    numbers.emplace_back(name + ".tail", &gemm.tail);
    numbers.emplace_back(name + ".operand-bandwidth", &gemm.operand_bandwidth);
    numbers.emplace_back(name + ".split-traffic", &gemm.split_traffic);
    numbers.emplace_back(name + ".memory-efficiency", &gemm.memory_efficiency);
  }
  AttentionModel& attention = device.attention;
  numbers.emplace_back("attention.efficiency", &attention.efficiency);
  numbers.emplace_back("attention.latency", &attention.latency);
  numbers.emplace_back("attention.passes", &attention.passes);
  numbers.emplace_back("attention.tail", &attention.tail);
  numbers.emplace_back("attention.key-overhead", &attention.key_overhead);
  numbers.emplace_back("attention.backward-ratio", &attention.backward_ratio);
  if (attention.flash_2) numbers.emplace_back("attention.flash-2", &*attention.flash_2);
  numbers.emplace_back("sustained-power-factor", &device.sustained_power_factor);
  std::erase_if(numbers, [](const auto& number) { return number.second->ci <= 0; });
  return numbers;
}

double lowered(const Known& known) { return known.value * std::max(1 - known.ci, kLeastShare); }

std::vector<Variation> vary(const Scenario& s, const Fabric& fabric, const Placed& placed,
                            Time step) {
  std::vector<Variation> variations;
  const ShortSteps steps(s, fabric, placed);
  DeviceProfile device = *s.device;
  const auto add = [&](const std::string& profile, std::string_view number, double change) {
    variations.push_back({profile + ": " + std::string(number), Time::seconds(step.s() + change)});
  };
  for (const auto& [name, known] : uncertain_numbers(device, precisions_of(*s.job, device))) {
    const double value = std::exchange(known->value, lowered(*known));
    add(device.name, name, steps.change(device));
    known->value = value;
  }
  if (s.job->model.experts.routed > 0) {
    add("model", "steps with experts", step.s() * kExpertError);
  }
  HostSpec host = s.job->host;
  host.forward = Time::seconds(host.forward.s() * (1 - kHostError));
  host.backward = Time::seconds(host.backward.s() * (1 - kHostError));
  add("host", "issue of kernels", steps.change(host));
  for (const TuningNumber& number : kTuningNumbers) {
    CollectiveTuning tuning = s.tuning;
    Known& known = number.of(tuning);
    if (known.ci <= 0) continue;
    known.value *= 1 - known.ci;
    add(tuning.name, number.name, steps.change(tuning));
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
