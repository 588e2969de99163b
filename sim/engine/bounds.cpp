#include <algorithm>

#include <fmt/format.h>

#include "sim/base/error.h"
#include "sim/base/kinds.h"
#include "sim/engine/engine.h"

namespace tenk {

namespace {

// Bytes that the plan sends through one trunk of each class.
std::vector<double> planned_bytes(const Plan& plan) {
  std::vector<double> per_coflow(plan.usage.size(), 0), per_trunk(plan.capacity.size(), 0);
  for (const Activity& a : plan.activities) {
    if (a.kind == Activity::Kind::kTransfer) per_coflow[a.coflow.value] += a.bytes;
  }
  for (std::size_t c = 0; c < per_coflow.size(); ++c) {
    for (const ClassUsage& u : plan.usage[c]) {
      per_trunk[u.trunk.value] += per_coflow[c] * u.connections;
    }
  }
  return per_trunk;
}

}  // namespace

Time lower_bound(const Plan& plan) {
  double seconds = 0;
  const std::vector<double> bytes = planned_bytes(plan);
  for (std::size_t t = 0; t < bytes.size(); ++t) {
    if (bytes[t] > 0) seconds = std::max(seconds, bytes[t] / plan.capacity[t].value());
  }
  Time busiest;
  for (std::size_t r = 0; r < plan.of_rank_class.size(); ++r) {
    Time compute;
    for (const ActivityId a : plan.of_rank_class[r]) {
      const Activity& activity = plan.activities[a.value];
      if (activity.category == Category::kCompute) compute += activity.time;
    }
    busiest = std::max(busiest, compute);
  }
  return std::max(busiest, Time::seconds(seconds));
}

void check_bounds(const Plan& plan, const Timeline& timeline, bool contention) {
  const std::size_t n = plan.activities.size();
  TENK_CHECK(timeline.end.size() == n && timeline.start.size() == n, "each activity has its times");
  for (std::size_t a = 0; a < n; ++a) {
    TENK_CHECK(timeline.end[a] >= timeline.start[a] && timeline.end[a] <= timeline.makespan,
               "every activity ran, within the makespan");
    for (const ActivityId s : plan.successors[a]) {
      TENK_CHECK(timeline.start[s.value] >= timeline.end[a], "nothing starts before its cause");
    }
  }
  const Time slack = Time::picoseconds(static_cast<std::int64_t>(timeline.events) + 1) +
                     Time::seconds(timeline.makespan.s() * 1e-9);
  const std::vector<double> planned = planned_bytes(plan);
  for (std::size_t t = 0; t < planned.size(); ++t) {
    const TrunkLoad& load = timeline.loads[t];
    TENK_CHECK(!contention || load.peak_utilisation <= 1 + 1e-9,
               fmt::format("trunk class {} at {} of its capacity", t, load.peak_utilisation));
    const double room = planned[t] * 1e-9 + plan.capacity[t].value() * slack.s();
    TENK_CHECK(std::abs(load.bytes - planned[t]) <= room,
               fmt::format("trunk class {} carried {} bytes of {}", t, load.bytes, planned[t]));
  }
  if (!contention) return;
  for (const Time bound : {lower_bound(plan), time_without_contention(plan)}) {
    TENK_CHECK(timeline.makespan + slack >= bound,
               fmt::format("{} is below the bound {}", to_text(timeline.makespan), to_text(bound)));
  }
}

Timeline simulate(const Plan& plan, std::string_view engine) {
  const EngineKind* kind = find_kind(engine_kinds(), engine);
  TENK_CHECK(kind != nullptr, "an engine of the list");
  Timeline timeline = kind->run(plan);
  check_bounds(plan, timeline, kind->contention);
  return timeline;
}

}  // namespace tenk
