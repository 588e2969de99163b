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

struct Simulation {
  Plan plan;
  Timeline timeline;
};
// Lowers and runs, with the bounds checked.
Simulation simulate(const Workload& workload, const Placed& placed, const EngineSpec& engine);

}  // namespace tenk
