// The fluid engine: coflows share trunks max-min fairly, and rates change only at events.
//
// Between events everything is linear, so going from event to event is exact for this model. An
// event re-solves only coflows whose share it changes (shares.h). Activities that end on the same
// picosecond end in one event.
//
// Computation slows while communication holds units of its device: a matrix product on the SMs that
// NCCL's channels leave goes at their share of full speed (assumed for all kernels alike).
#include <algorithm>
#include <cmath>

#include "sim/base/error.h"
#include "sim/engine/agenda.h"
#include "sim/engine/clock.h"
#include "sim/engine/constraints.h"
#include "sim/engine/engine.h"
#include "sim/engine/shares.h"

namespace tenk {
namespace {

class Fluid {
 public:
  explicit Fluid(const Plan& plan)
      : plan_(plan),
        waiting_(plan.waits_for),
        constraints_(constraints_of(plan)),
        shares_(constraints_.capacity),
        moved_(plan.usage.size(), 0),
        peak_(constraints_.capacity.size(), 0),
        devices_(plan.rank_count.size()) {
    timeline_.start.resize(plan.activities.size());
    timeline_.end.resize(plan.activities.size());
    timeline_.loads.resize(plan.capacity.size());
  }

  Timeline run();

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;
  struct Flow {
    std::uint32_t activity = kNone;  // kNone: free.
    std::uint32_t event = kNone;     // Its end, once it has a rate.
    std::uint32_t settled = 0;       // Times that `moved` was rounded to whole picoseconds.
    double remaining = 0, moved = 0, rate = 0;
    Time since;  // `remaining` is as of then.
  };
  struct Work {  // A computation that may be slowed.
    std::uint32_t activity = 0;
    std::uint32_t event = 0;
    double remaining = 0;  // At full speed, s.
    double speed = 1;
    Time since;
  };
  struct Device {                          // Of a rank class.
    int taken = 0;                         // Units.
    std::vector<std::uint32_t> computing;  // Works.
  };
  // What an event is the end of, and the number of it.
  enum class Of : std::uint64_t { kActivity, kLatency, kWork, kFlow };

  void start(std::uint32_t activity);
  void compute(std::uint32_t activity);
  void occupy(std::uint32_t activity, int units);
  bool slows(const Activity& a) const;
  double speed_of(ClassId rank_class) const;
  void happen(std::uint64_t what);
  void open(std::uint32_t activity);
  void close(std::uint32_t flow);
  void stop(std::uint32_t work);
  void finish(std::uint32_t activity);
  void share();
  void settle(Flow& flow);
  void report_loads();
  std::uint32_t schedule(Time time, Of of, std::uint32_t number) {
    return agenda_.add(time, static_cast<std::uint64_t>(of) << 32 | number);
  }

  const Plan& plan_;
  std::vector<std::uint32_t> waiting_;
  Constraints constraints_;
  Shares shares_;
  std::vector<Flow> flows_;    // By number in shares_.
  std::vector<double> moved_;  // By coflow class: bytes of transfers that have ended.
  std::vector<double> peak_;   // By constraint: utilisation.
  std::vector<Work> works_;
  std::vector<std::uint32_t> free_works_;
  std::vector<Device> devices_;  // By rank class.
  Agenda agenda_;
  std::uint64_t finished_ = 0;
  Time now_;
  Timeline timeline_;
};

void Fluid::start(std::uint32_t activity) {
  const Activity& a = plan_.activities[activity];
  timeline_.start[activity] = now_;
  if (a.takes > 0) occupy(activity, a.takes);
  if (a.kind == Activity::Kind::kCompute) return compute(activity);
  schedule(now_ + a.time, Of::kLatency, activity);
}

// What runs on the device's units; the host's work (other) does not.
bool Fluid::slows(const Activity& a) const {
  return plan_.units > 0 && a.category == Category::kCompute && a.time > Time();
}

double Fluid::speed_of(ClassId rank_class) const {
  const int left = std::max(1, plan_.units - devices_[rank_class.value].taken);
  return static_cast<double>(left) / plan_.units;
}

void Fluid::compute(std::uint32_t activity) {
  const Activity& a = plan_.activities[activity];
  if (!slows(a)) {
    schedule(now_ + a.time, Of::kActivity, activity);
    return;
  }
  const ClassId rank_class = plan_.ranks_of[activity].front();
  if (free_works_.empty()) {
    free_works_.push_back(static_cast<std::uint32_t>(works_.size()));
    works_.emplace_back();
  }
  const std::uint32_t index = free_works_.back();
  free_works_.pop_back();
  Work& work = works_[index];
  work = {activity, kNone, a.time.s(), speed_of(rank_class), now_};
  const Time end = work.speed == 1 ? now_ + a.time : after(now_, work.remaining / work.speed);
  work.event = schedule(end, Of::kWork, index);
  devices_[rank_class.value].computing.push_back(index);
}

// Communication takes units of the devices of all its ranks, or (units < 0) gives them back.
void Fluid::occupy(std::uint32_t activity, int units) {
  if (plan_.units == 0) return;
  for (const ClassId rank_class : plan_.ranks_of[activity]) {
    Device& device = devices_[rank_class.value];
    device.taken += units;
    if (device.computing.empty()) continue;
    const double speed = speed_of(rank_class);
    for (const std::uint32_t index : device.computing) {
      Work& work = works_[index];
      work.remaining = std::max(0.0, work.remaining - work.speed * (now_ - work.since).s());
      work.speed = speed;
      work.since = now_;
      agenda_.move(work.event, after(now_, work.remaining / speed));
    }
  }
}

void Fluid::happen(std::uint64_t what) {
  const auto number = static_cast<std::uint32_t>(what);
  switch (static_cast<Of>(what >> 32)) {
    case Of::kActivity:
      return finish(number);
    case Of::kLatency:
      return open(number);
    case Of::kWork:
      return stop(number);
    case Of::kFlow:
      return close(number);
  }
}

void Fluid::stop(std::uint32_t index) {
  const std::uint32_t activity = works_[index].activity;
  std::erase(devices_[plan_.ranks_of[activity].front().value].computing, index);
  free_works_.push_back(index);
  finish(activity);
}

// The latency of a transfer is over: its bytes flow.
void Fluid::open(std::uint32_t activity) {
  const Activity& a = plan_.activities[activity];
  const std::span<const ClassUsage> usage = constraints_.usage[a.coflow.value];
  if (a.bytes <= 0 || (usage.empty() && !a.cap.finite())) return finish(activity);
  const std::uint32_t flow = shares_.add({usage, a.cap});
  if (flow == flows_.size()) flows_.emplace_back();
  flows_[flow] = {activity, kNone, 0, a.bytes, 0, 0, now_};
  if (usage.empty()) {  // Never leaves its device: nothing to share.
    flows_[flow].rate = a.cap.value();
    flows_[flow].event = schedule(after(now_, a.bytes / a.cap.value()), Of::kFlow, flow);
  }
}

void Fluid::settle(Flow& flow) {
  const double bytes = flow.rate * (now_ - flow.since).s();
  flow.moved += bytes;
  flow.remaining = std::max(0.0, flow.remaining - bytes);
  flow.since = now_;
  ++flow.settled;
}

void Fluid::close(std::uint32_t index) {
  Flow& flow = flows_[index];
  const Activity& a = plan_.activities[flow.activity];
  settle(flow);
  TENK_CHECK(std::abs(flow.moved - a.bytes) <= a.bytes * 1e-9 + flow.rate * 1e-12 * flow.settled,
             "a transfer moves the bytes it was asked to move");
  moved_[a.coflow.value] += flow.moved;
  const std::uint32_t activity = flow.activity;
  flow.activity = kNone;
  shares_.remove(index);
  finish(activity);
}

void Fluid::finish(std::uint32_t activity) {
  timeline_.end[activity] = now_;
  ++finished_;
  if (plan_.activities[activity].releases > 0) {
    occupy(activity, -plan_.activities[activity].releases);
  }
  for (const ActivityId s : plan_.successors[activity]) {
    if (--waiting_[s.value] == 0) start(s.value);
  }
}

void Fluid::share() {
  shares_.solve();
  for (const std::uint32_t f : shares_.solved()) {
    Flow& flow = flows_[f];
    const double rate = shares_.rate(f);
    if (rate == flow.rate) continue;
    settle(flow);
    flow.rate = rate;
    const Time end = after(now_, flow.remaining / flow.rate);
    if (flow.event == kNone) {
      flow.event = schedule(end, Of::kFlow, f);
    } else {
      agenda_.move(flow.event, end);
    }
  }
  for (const std::uint32_t t : shares_.links()) {
    peak_[t] = std::max(peak_[t], shares_.used(t) / constraints_.capacity[t].value());
  }
}

void Fluid::report_loads() {
  for (std::size_t c = 0; c < moved_.size(); ++c) {
    for (const ClassUsage& u : plan_.usage[c]) {
      timeline_.loads[u.trunk.value].bytes += moved_[c] * u.connections;
    }
  }
  for (std::size_t t = 0; t < timeline_.loads.size(); ++t) {
    if (constraints_.share[t] == 0) continue;
    timeline_.loads[t].peak_utilisation = constraints_.share[t] * peak_[constraints_.followed[t]];
  }
}

Timeline Fluid::run() {
  for (std::uint32_t a = 0; a < plan_.activities.size(); ++a) {
    if (waiting_[a] == 0) start(a);
  }
  while (!agenda_.empty()) {
    now_ = agenda_.next();
    if (now_ == Time::max()) break;
    ++timeline_.events;
    while (!agenda_.empty() && agenda_.next() == now_) happen(agenda_.pop());
    if (shares_.dirty()) share();
  }
  if (finished_ < plan_.activities.size() && now_ == Time::max()) refuse_endless();
  TENK_CHECK(finished_ == plan_.activities.size(), "an acyclic plan runs to its end");
  report_loads();
  for (const Time t : timeline_.end) timeline_.makespan = std::max(timeline_.makespan, t);
  return std::move(timeline_);
}

Timeline run_fluid(const Plan& plan) { return Fluid(plan).run(); }

}  // namespace

extern const EngineKind kFluid{
    .name = "fluid",
    .summary = "coflows share trunks max-min fairly; exact between events",
    .run = run_fluid};

}  // namespace tenk
