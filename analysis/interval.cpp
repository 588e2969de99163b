#include "analysis/interval.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>

#include "sim/base/parallel.h"
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

// Do all operations of two jobs that differ in durations only take the same?
bool same_times(const Workload& a, const Workload& b) {
  const auto same_op = [](const Op& x, const Op& y) { return x.duration == y.duration; };
  return std::equal(a.programs.begin(), a.programs.end(), b.programs.begin(), b.programs.end(),
                    [&](const Program& x, const Program& y) {
                      return std::equal(x.ops.begin(), x.ops.end(), y.ops.begin(), y.ops.end(),
                                        same_op);
                    });
}

// What a number of the profiles is lowered in; the other two are as the scenario has them.
struct Changed {
  const HostSpec* host = nullptr;
  const CollectiveTuning* tuning = nullptr;
  double compute = 1;  // All computation takes this many times as long.
};

constexpr std::size_t kMostVaried = 256;  // Rank classes.

Placed without_stragglers(Placed placed) {
  placed.seats.speed_of_rank.clear();
  placed.traffic.speed_of_rank.clear();
  placed.symmetry = find_symmetry(placed.traffic);
  return placed;
}

// Step times of the job with few micro-batches, extrapolated to all of them. Beyond the filling of
// the pipeline each further micro-batch costs the same, so two lengths give the line.
class ShortSteps {
 public:
  ShortSteps(const Scenario& scenario, const Fabric& fabric, Placed placed)
      : s_(scenario),
        fabric_(fabric),
        placed_(std::move(placed)),
        all_(scenario.job->micro_batches()) {
    const LayoutSpec& layout = scenario.job->layout;
    const bool takes =
        find_schedule(layout.schedule)->refusal({layout.pp, layout.vpp, layout.pp}).empty();
    const std::int64_t least = takes ? layout.pp : 2 * layout.pp;
    lengths_ = all_ > 4 * least ? std::vector<std::int64_t>{least, 2 * least}
                                : std::vector<std::int64_t>{all_};
  }

  // Not short at all: the step is one of these.
  bool whole() const { return lengths_.size() == 1; }
  // Only where issuing the work takes longer than doing it do programs wait for the host at all.
  bool feels(const HostSpec& host) const {
    return !same_times(workload(*s_.device, host, lengths_[0]),
                       workload(*s_.device, s_.job->host, lengths_[0]));
  }

  // Placement depends on the tuning and not on how many micro-batches there are.
  double seconds(const Changed& changed) const {
    const HostSpec& host = changed.host != nullptr ? *changed.host : s_.job->host;
    if (changed.tuning == nullptr) return seconds(placed_, host, changed.compute);
    const Workload shortest = workload(*s_.device, host, lengths_[0]);
    return seconds(place_and_fold(fabric_, shortest, *changed.tuning, placed_.seats, true), host,
                   1);
  }

  // That a rank computes in the shortest.
  double compute(const DeviceProfile& device) const {
    return compute_seconds(workload(device, s_.job->host, lengths_[0]));
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
  Placed placed_;
  std::int64_t all_;
  std::vector<std::int64_t> lengths_;
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
  constexpr double kScaled = 0.9;
  // Where stragglers leave little folded, the same job without them says what share of the step a
  // number makes.
  const bool even =
      placed.symmetry.ranks.classes() > kMostVaried && !placed.seats.speed_of_rank.empty();
  const ShortSteps steps(s, fabric, even ? without_stragglers(placed) : placed);
  HostSpec host = s.job->host;
  host.forward = Time::seconds(host.forward.s() * (1 - kHostError));
  host.backward = Time::seconds(host.backward.s() * (1 - kHostError));
  std::vector<std::pair<std::string, CollectiveTuning>> tunings;
  for (const TuningNumber& number : kTuningNumbers) {
    CollectiveTuning tuning = s.tuning;
    Known& known = number.of(tuning);
    if (known.ci <= 0) continue;
    known.value *= 1 - known.ci;
    tunings.emplace_back(tuning.name + ": " + std::string(number.name), std::move(tuning));
  }
  // Independent of each other, so each has a core while there are some.
  std::vector<Changed> runs = {{}, {.compute = kScaled}, {.host = &host}};
  for (const auto& [name, tuning] : tunings) runs.push_back({.tuning = &tuning});
  std::vector<double> seconds(runs.size());
  const bool feels_host = steps.feels(host);
  in_parallel(runs.size(), [&](std::size_t i) {
    const bool known = (i == 0 && steps.whole() && !even) || (i == 2 && !feels_host);
    seconds[i] = known ? step.s() : steps.seconds(runs[i]);
  });
  if (!feels_host) seconds[2] = seconds[0];
  const double scale = even ? step.s() / seconds[0] : 1;

  std::vector<Variation> variations;
  const auto add = [&](const std::string& number, double change) {
    variations.push_back({number, Time::seconds(step.s() + change * scale)});
  };
  DeviceProfile device = *s.device;
  const double compute = steps.compute(device);
  const double by_compute = (seconds[0] - seconds[1]) / (1 - kScaled);
  for (const auto& [name, known] : uncertain_numbers(device, precisions_of(*s.job, device))) {
    const double value = std::exchange(known->value, lowered(*known));
    add(device.name + ": " + name,
        compute > 0 ? by_compute * (steps.compute(device) / compute - 1) : 0);
    known->value = value;
  }
  if (s.job->model.experts.routed > 0) {
    variations.push_back(
        {"model: steps with experts", Time::seconds(step.s() * (1 + kExpertError))});
  }
  add("host: issue of kernels", seconds[2] - seconds[0]);
  for (std::size_t i = 0; i < tunings.size(); ++i) {
    add(tunings[i].first, seconds[3 + i] - seconds[0]);
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
