// The engine without contention: every transfer has each trunk to itself, and communication takes
// nothing from computation. Each activity is as short as it can ever be and nothing waits for what
// it does not follow, so no activity ends earlier on any engine.
#include <algorithm>
#include <limits>

#include "sim/engine/clock.h"
#include "sim/engine/engine.h"

namespace tenk {
namespace {

// Bytes/s of one connection that meets no other coflow; infinite if nothing limits it.
double own_rate(const Plan& plan, const Activity& a) {
  double rate = a.cap.value();
  for (const ClassUsage& u : plan.usage[a.coflow.value]) {
    rate = std::min(rate, plan.capacity[u.trunk.value].value() / u.connections);
  }
  return rate;
}

struct Change {  // Of the load on trunks, when bytes start or stop to flow.
  Time time;
  std::uint32_t activity = 0;
  bool starts = false;
};

// Loads and peaks: above 1 where transfers that meet would have to share.
void add_loads(const Plan& plan, std::span<const double> rates, std::vector<Change> changes,
               Timeline& timeline) {
  std::sort(changes.begin(), changes.end(), [](const Change& a, const Change& b) {
    if (a.time != b.time) return a.time < b.time;
    return a.starts != b.starts ? b.starts : a.activity < b.activity;
  });
  std::vector<double> used(plan.capacity.size(), 0);
  for (const Change& c : changes) {
    const Activity& a = plan.activities[c.activity];
    for (const ClassUsage& u : plan.usage[a.coflow.value]) {
      TrunkLoad& load = timeline.loads[u.trunk.value];
      double& now = used[u.trunk.value];
      now += (c.starts ? rates[c.activity] : -rates[c.activity]) * u.connections;
      if (!c.starts) continue;
      load.bytes += a.bytes * u.connections;
      load.peak_utilisation =
          std::max(load.peak_utilisation, now / plan.capacity[u.trunk.value].value());
    }
  }
}

std::uint64_t instants(std::vector<Time> times) {
  std::sort(times.begin(), times.end());
  return static_cast<std::uint64_t>(std::unique(times.begin(), times.end()) - times.begin());
}

Timeline run_bound(const Plan& plan) {
  const std::size_t n = plan.activities.size();
  Timeline t;
  t.start.resize(n);
  t.end.resize(n);
  t.loads.resize(plan.capacity.size());
  std::vector<std::uint32_t> waiting = plan.waits_for, ready;
  std::vector<double> rates(n, 0);
  std::vector<Change> changes;
  for (std::uint32_t a = 0; a < n; ++a) {
    if (waiting[a] == 0) ready.push_back(a);
  }
  for (std::size_t i = 0; i < ready.size(); ++i) {
    const std::uint32_t at = ready[i];
    const Activity& a = plan.activities[at];
    const Time flows = after(t.start[at], a.time.s());
    Time& end = t.end[at];
    end = flows;
    if (a.kind == Activity::Kind::kTransfer && a.bytes > 0) {
      rates[at] = own_rate(plan, a);
      if (rates[at] < std::numeric_limits<double>::infinity()) {
        end = after(flows, a.bytes / rates[at]);
        changes.push_back({flows, at, true});
        changes.push_back({end, at, false});
      }
    }
    if (end == Time::max()) refuse_endless();
    t.makespan = std::max(t.makespan, end);
    for (const ActivityId s : plan.successors[at]) {
      t.start[s.value] = std::max(t.start[s.value], end);
      if (--waiting[s.value] == 0) ready.push_back(s.value);
    }
  }
  TENK_CHECK(ready.size() == n, "an acyclic plan runs to its end");
  std::vector<Time> times = t.end;
  for (const Change& c : changes) times.push_back(c.time);
  t.events = instants(std::move(times));
  add_loads(plan, rates, std::move(changes), t);
  return t;
}

}  // namespace

extern const EngineKind kBound{
    .name = "bound",
    .summary = "no contention: every transfer alone on its trunks; a lower bound of all engines",
    .contention = false,
    .run = run_bound};

}  // namespace tenk
