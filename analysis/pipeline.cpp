#include "analysis/pipeline.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "sim/base/kinds.h"
#include "sim/engine/engine.h"
#include "workloads/expand.h"
#include "workloads/lower.h"
#include "workloads/place.h"

namespace tenk {

Room room_of(const Fabric& fabric) {
  return Room(fabric.nodes(), fabric.per_node(), fabric.facts().nodes_per_switch);
}

Seats seats_on(const ClusterSpec& cluster, std::vector<std::uint32_t> accelerators) {
  Seats seats;
  const std::vector<double> speeds = speeds_of(cluster.stragglers, cluster.size());
  seats.accelerator_of_rank = std::move(accelerators);
  for (const std::uint32_t a : seats.accelerator_of_rank) {
    if (!speeds.empty()) seats.speed_of_rank.push_back(speeds[a]);
  }
  return seats;
}

Seats seats_of(const Scenario& scenario, const Fabric& fabric) {
  Room room = room_of(fabric);
  const auto ranks = static_cast<std::size_t>(scenario.job->layout.accelerators());
  return seats_on(scenario.cluster, allocate(scenario.job->allocation, ranks, room));
}

Seats in_order(std::size_t ranks) {
  Seats seats;
  seats.accelerator_of_rank.resize(ranks);
  std::iota(seats.accelerator_of_rank.begin(), seats.accelerator_of_rank.end(), 0u);
  return seats;
}

namespace {

// Gives each rank the speed of the slowest of its node; false if all had it.
bool slow_nodes(const Fabric& fabric, Placed& placed) {
  const auto& places = placed.seats.accelerator_of_rank;
  std::vector<double> slowest(fabric.nodes(), std::numeric_limits<double>::infinity());
  for (std::size_t r = 0; r < places.size(); ++r) {
    double& node = slowest[fabric.node_of(places[r])];
    node = std::min(node, placed.traffic.speed(r));
  }
  bool changed = false;
  for (std::size_t r = 0; r < placed.seats.speed_of_rank.size(); ++r) {
    double& speed = placed.seats.speed_of_rank[r];
    changed = changed || speed != slowest[fabric.node_of(places[r])];
    speed = slowest[fabric.node_of(places[r])];
  }
  placed.traffic.speed_of_rank = placed.seats.speed_of_rank;
  return changed;
}

}  // namespace

Placed place_and_fold(const Fabric& fabric, const Workload& workload,
                      const CollectiveTuning& tuning, const Seats& seats, bool fold,
                      std::size_t most_rank_classes) {
  Placed p;
  p.seats = seats;
  p.traffic = place(fabric, workload, tuning, seats.accelerator_of_rank);
  p.traffic.speed_of_rank = seats.speed_of_rank;
  p.symmetry = fold ? find_symmetry(p.traffic) : no_symmetry(p.traffic);
  if (fold && p.symmetry.ranks.classes() > most_rank_classes && slow_nodes(fabric, p)) {
    p.slowest_of_node = true;
    p.symmetry = find_symmetry(p.traffic);
  }
  return p;
}

Simulation simulate(const Workload& workload, const Placed& placed, const EngineSpec& engine) {
  const EngineKind* kind = find_kind(engine_kinds(), engine.name);
  Simulation s;
  s.plan = lower(workload, placed.traffic, placed.symmetry);
  s.timeline = simulate(s.plan, kind != nullptr && kind->messages_only ? "fluid" : engine.name);
  s.activities = s.plan.activities.size();
  return s;
}

Simulation simulate(const Scenario& scenario, const Fabric& fabric, const Workload& workload,
                    const Placed& placed) {
  const EngineSpec& engine = scenario.engine;
  if (!engine.steps()) return simulate(workload, placed, engine);
  const CollectiveTuning& tuning = scenario.tuning;
  const std::vector<std::uint32_t>& places = placed.seats.accelerator_of_rank;
  check_messages(fabric, workload, tuning, placed.traffic, places);
  Simulation s;
  s.plan = lower(workload, placed.traffic, placed.symmetry);
  const Expansion messages = expand(s.plan, fabric, workload, tuning, placed.traffic, places);
  s.timeline = collapse(messages, simulate(messages.plan, engine.name));
  s.activities = messages.plan.activities.size();
  return s;
}

EngineReport report_engine(const EngineSpec& spec, const Placed& placed, const Simulation& sim,
                           Clock::time_point since) {
  EngineReport e;
  e.name = spec.name;
  e.detail = spec.detail;
  e.fold = spec.fold;
  e.rank_classes = placed.symmetry.ranks.classes();
  e.coflow_classes = placed.symmetry.coflows.classes();
  e.link_classes = placed.symmetry.trunks.classes();
  e.activities = sim.activities;
  e.events = sim.timeline.events;
  e.wall_s = std::chrono::duration<double>(Clock::now() - since).count();
  return e;
}

}  // namespace tenk
