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
#include <queue>

#include "sim/base/error.h"
#include "sim/engine/clock.h"
#include "sim/engine/engine.h"
#include "sim/engine/shares.h"

namespace tenk {
namespace {

class Fluid {
 public:
  explicit Fluid(const Plan& plan)
      : plan_(plan),
        waiting_(plan.waits_for),
        flow_of_(plan.activities.size(), kNone),
        shares_(plan.capacity),
        work_(plan.units > 0 ? plan.activities.size() : 0),
        taken_(plan.rank_count.size(), 0),
        computing_(plan.rank_count.size()) {
    timeline_.start.resize(plan.activities.size());
    timeline_.end.resize(plan.activities.size());
    timeline_.loads.resize(plan.capacity.size());
  }

  Timeline run();

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;
  struct Flow {
    std::uint32_t activity = kNone;  // kNone: free.
    std::uint32_t version = 0;       // Of its rate: events of an older one are void.
    std::uint32_t settled = 0;       // Times that `moved` was rounded to whole picoseconds.
    double remaining = 0, moved = 0, rate = 0;
    Time since;  // `remaining` is as of then.
  };
  struct Event {
    Time time;
    std::uint64_t sequence = 0;
    std::uint32_t activity = 0;
    std::uint32_t version = 0;
    bool operator>(const Event& o) const {
      return time != o.time ? time > o.time : sequence > o.sequence;
    }
  };

  struct Work {            // A computation that may be slowed.
    double remaining = 0;  // At full speed, s.
    double speed = 1;
    Time since;
    std::uint32_t version = 0;
  };

  void start(std::uint32_t activity);
  void compute(std::uint32_t activity);
  void occupy(std::uint32_t activity, int units);
  bool slows(const Activity& a) const;
  double speed_of(ClassId rank_class) const;
  void happen(const Event& event);
  void open(std::uint32_t activity);
  void close(std::uint32_t flow);
  void finish(std::uint32_t activity);
  void share();
  void settle(Flow& flow);
  void push(Time time, std::uint32_t activity, std::uint32_t version) {
    queue_.push({time, sequence_++, activity, version});
  }

  const Plan& plan_;
  std::vector<std::uint32_t> waiting_;
  std::vector<std::uint32_t> flow_of_;  // By activity, while its bytes flow.
  std::vector<Flow> flows_;             // By number in shares_.
  Shares shares_;
  std::vector<Work> work_;                             // By activity; empty without interference.
  std::vector<int> taken_;                             // By rank class: units held.
  std::vector<std::vector<std::uint32_t>> computing_;  // By rank class: activities.
  std::priority_queue<Event, std::vector<Event>, std::greater<>> queue_;
  std::uint64_t sequence_ = 0;
  std::uint64_t finished_ = 0;
  Time now_;
  Timeline timeline_;
};

void Fluid::start(std::uint32_t activity) {
  const Activity& a = plan_.activities[activity];
  timeline_.start[activity] = now_;
  if (a.takes > 0) occupy(activity, a.takes);
  if (a.kind == Activity::Kind::kCompute) return compute(activity);
  push(now_ + a.time, activity, 0);
}

// What runs on the device's units; the host's work (other) does not.
bool Fluid::slows(const Activity& a) const {
  return plan_.units > 0 && a.category == Category::kCompute && a.time > Time();
}

double Fluid::speed_of(ClassId rank_class) const {
  const int left = std::max(1, plan_.units - taken_[rank_class.value]);
  return static_cast<double>(left) / plan_.units;
}

void Fluid::compute(std::uint32_t activity) {
  const Activity& a = plan_.activities[activity];
  if (!slows(a)) return push(now_ + a.time, activity, 0);
  const ClassId rank_class = plan_.ranks_of[activity].front();
  Work& work = work_[activity];
  work = {a.time.s(), speed_of(rank_class), now_, 0};
  computing_[rank_class.value].push_back(activity);
  push(work.speed == 1 ? now_ + a.time : after(now_, work.remaining / work.speed), activity, 0);
}

// Communication takes units of the devices of all its ranks, or (units < 0) gives them back.
void Fluid::occupy(std::uint32_t activity, int units) {
  if (plan_.units == 0) return;
  for (const ClassId rank_class : plan_.ranks_of[activity]) {
    taken_[rank_class.value] += units;
    const double speed = speed_of(rank_class);
    for (const std::uint32_t c : computing_[rank_class.value]) {
      Work& work = work_[c];
      work.remaining = std::max(0.0, work.remaining - work.speed * (now_ - work.since).s());
      work.speed = speed;
      work.since = now_;
      push(after(now_, work.remaining / speed), c, ++work.version);
    }
  }
}

// The end of a compute activity, of a transfer's latency (version 0), or of its bytes.
void Fluid::happen(const Event& event) {
  const std::uint32_t a = event.activity;
  if (plan_.activities[a].kind == Activity::Kind::kCompute) {
    if (slows(plan_.activities[a])) {
      if (work_[a].version != event.version) return;  // Void.
      std::erase(computing_[plan_.ranks_of[a].front().value], a);
    }
    return finish(a);
  }
  if (event.version == 0) return open(a);
  const std::uint32_t flow = flow_of_[a];
  if (flow == kNone || flows_[flow].version != event.version) return;  // Void.
  close(flow);
  finish(a);
}

void Fluid::open(std::uint32_t activity) {
  const Activity& a = plan_.activities[activity];
  if (a.bytes <= 0 || (plan_.usage[a.coflow.value].empty() && !a.cap.finite())) {
    return finish(activity);
  }
  const std::span<const ClassUsage> usage = plan_.usage[a.coflow.value];
  const std::uint32_t flow = shares_.add({usage, a.cap});
  if (flow == flows_.size()) flows_.emplace_back();
  const std::uint32_t version = flows_[flow].version;
  flows_[flow] = {activity, version, 0, a.bytes, 0, 0, now_};
  flow_of_[activity] = flow;
  if (usage.empty()) {  // Never leaves its device: nothing to share.
    flows_[flow].rate = a.cap.value();
    push(after(now_, a.bytes / a.cap.value()), activity, ++flows_[flow].version);
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
  for (const ClassUsage& u : plan_.usage[a.coflow.value]) {
    timeline_.loads[u.trunk.value].bytes += flow.moved * u.connections;
  }
  flow_of_[flow.activity] = kNone;
  flow.activity = kNone;
  shares_.remove(index);
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
    push(after(now_, flow.remaining / flow.rate), flow.activity, ++flow.version);
  }
  for (const std::uint32_t t : shares_.links()) {
    double& peak = timeline_.loads[t].peak_utilisation;
    peak = std::max(peak, shares_.used(t) / plan_.capacity[t].value());
  }
}

Timeline Fluid::run() {
  for (std::uint32_t a = 0; a < plan_.activities.size(); ++a) {
    if (waiting_[a] == 0) start(a);
  }
  while (!queue_.empty()) {
    now_ = queue_.top().time;
    if (now_ == Time::max()) break;
    ++timeline_.events;
    while (!queue_.empty() && queue_.top().time == now_) {
      const Event event = queue_.top();
      queue_.pop();
      happen(event);
    }
    if (shares_.dirty()) share();
  }
  if (finished_ < plan_.activities.size() && now_ == Time::max()) refuse_endless();
  TENK_CHECK(finished_ == plan_.activities.size(), "an acyclic plan runs to its end");
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
