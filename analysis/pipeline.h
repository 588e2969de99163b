// The steps from a placed job to its timeline, each pure; shared by predictions and intervals.
#pragma once
#include <chrono>

#include "analysis/prediction.h"
#include "analysis/scenario.h"
#include "sim/plan/plan.h"
#include "sim/plan/timeline.h"
#include "workloads/allocation.h"
#include "workloads/workload.h"

namespace tenk {

// Which accelerator each rank has, and at what speed it computes.
struct Seats {
  std::vector<std::uint32_t> accelerator_of_rank;
  std::vector<double> speed_of_rank;  // Empty: all 1.
};
// The scenario's job where its placement says. Throws Error{kInvalid} if it does not fit there.
Seats seats_of(const Scenario& scenario, const Fabric& fabric);
// Rank i on accelerator i, all alike.
Seats in_order(std::size_t ranks);
// The accelerators of the cluster that jobs can have.
Room room_of(const Fabric& fabric);
// What the cluster's stragglers make of ranks on these accelerators.
Seats seats_on(const ClusterSpec& cluster, std::vector<std::uint32_t> accelerators);

// Depends on the workload's groups and slots, not on how long its programs compute.
struct Placed {
  Seats seats;
  Traffic traffic;
  Symmetry symmetry;
  bool slowest_of_node = false;  // All of a node's ranks compute at the speed of its slowest.
};
// Beyond this many rank classes ranks of one node with different speeds all compute at the slowest
// one's, which is what ranks that exchange something in every layer do anyway; `fold` false keeps
// every speed.
inline constexpr std::size_t kMostRankClasses = 2048;
Placed place_and_fold(const Fabric& fabric, const Workload& workload,
                      const CollectiveTuning& tuning, const Seats& seats, bool fold,
                      std::size_t most_rank_classes = kMostRankClasses);

// Under engine.detail steps `timeline` is that of the messages, collapsed to the plan's activities.
struct Simulation {
  Plan plan;
  Timeline timeline;
  std::uint64_t activities = 0;  // That the engine ran.
};
// Lowers and runs coflows, with the bounds checked; on fluid if the engine knows messages only.
Simulation simulate(const Workload& workload, const Placed& placed, const EngineSpec& engine);
// The same in the detail that the scenario asks for. Messages need `placed` unfolded.
Simulation simulate(const Scenario& scenario, const Fabric& fabric, const Workload& workload,
                    const Placed& placed);

using Clock = std::chrono::steady_clock;
EngineReport report_engine(const EngineSpec& spec, const Placed& placed, const Simulation& sim,
                           Clock::time_point since);

}  // namespace tenk
