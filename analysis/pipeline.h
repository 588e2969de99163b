// The steps from a placed job to its timeline, each pure; shared by predictions and intervals.
#pragma once
#include "analysis/scenario.h"
#include "sim/plan/plan.h"
#include "sim/plan/timeline.h"
#include "workloads/workload.h"

namespace tenk {

// Depends on the workload's groups and slots, not on how long it computes.
struct Placed {
  Traffic traffic;
  Symmetry symmetry;
};
// Rank i sits on accelerator i.
Placed place_and_fold(const Fabric& fabric, const Workload& workload,
                      const CollectiveTuning& tuning, bool fold);

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

}  // namespace tenk
