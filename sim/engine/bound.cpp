// The engine without contention: every transfer has each trunk to itself, and communication takes
// nothing from computation. Each activity is as short as it can ever be and nothing waits for what
// it does not follow, so no activity ends earlier on any engine.
#include <algorithm>
#include <limits>

#include "sim/base/error.h"
#include "sim/engine/clock.h"
#include "sim/engine/engine.h"

namespace tenk {
namespace {

// Bytes/s of one connection of each coflow class that meets no other; infinite if no trunk limits
// it.
std::vector<double> own_rates(const Plan& plan) {
  std::vector<double> rates(plan.usage.size(), std::numeric_limits<double>::infinity());
  for (std::size_t c = 0; c < rates.size(); ++c) {
    for (const ClassUsage& u : plan.usage[c]) {
      rates[c] = std::min(rates[c], plan.capacity[u.trunk.value].value() / u.connections);
    }
  }
  return rates;
}

// One activity, as short as it can be.
struct Alone {
  std::uint32_t activity = 0;
  Time start, flows, end;  // Its bytes flow between the last two.
  double rate = 0;         // Of its bytes; 0: they take no time.
};

// Calls visit(alone) for each activity, causes first; returns when the last one ends.
template <class Visit>
Time walk(const Plan& plan, const Visit& visit) {
  const std::size_t n = plan.activities.size();
  const std::vector<double> own = own_rates(plan);
  std::vector<Time> start(n);
  std::vector<std::uint32_t> waiting = plan.waits_for, ready;
  ready.reserve(n);
  for (std::uint32_t a = 0; a < n; ++a) {
    if (waiting[a] == 0) ready.push_back(a);
  }
  Time last;
  for (std::size_t i = 0; i < ready.size(); ++i) {
    const Activity& a = plan.activities[ready[i]];
    Alone alone{ready[i], start[ready[i]], after(start[ready[i]], a.time.s()), {}, 0};
    alone.end = alone.flows;
    if (a.kind == Activity::Kind::kTransfer && a.bytes > 0) {
      const double rate = std::min(a.cap.value(), own[a.coflow.value]);
      if (rate < std::numeric_limits<double>::infinity()) {
        alone.rate = rate;
        alone.end = after(alone.flows, a.bytes / rate);
      }
    }
    if (alone.end == Time::max()) refuse_endless();
    visit(alone);
    last = std::max(last, alone.end);
    for (const ActivityId s : plan.successors[ready[i]]) {
      start[s.value] = std::max(start[s.value], alone.end);
      if (--waiting[s.value] == 0) ready.push_back(s.value);
    }
  }
  TENK_CHECK(ready.size() == n, "an acyclic plan runs to its end");
  return last;
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
  std::vector<double> rates(n, 0);
  std::vector<Change> changes;
  t.makespan = walk(plan, [&](const Alone& alone) {
    t.start[alone.activity] = alone.start;
    t.end[alone.activity] = alone.end;
    rates[alone.activity] = alone.rate;
    if (alone.rate == 0) return;
    changes.push_back({alone.flows, alone.activity, true});
    changes.push_back({alone.end, alone.activity, false});
  });
  std::vector<Time> times = t.end;
  for (const Change& c : changes) times.push_back(c.time);
  t.events = instants(std::move(times));
  add_loads(plan, rates, std::move(changes), t);
  return t;
}

}  // namespace

Time time_without_contention(const Plan& plan) {
  return walk(plan, [](const Alone&) {});
}

extern const EngineKind kBound{
    .name = "bound",
    .summary = "no contention: every transfer alone on its trunks; a lower bound of all engines",
    .contention = false,
    .run = run_bound};

}  // namespace tenk
