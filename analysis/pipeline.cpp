#include "analysis/pipeline.h"

#include <numeric>

#include "sim/base/kinds.h"
#include "sim/engine/engine.h"
#include "workloads/expand.h"
#include "workloads/lower.h"
#include "workloads/place.h"

namespace tenk {

namespace {

// Rank i sits on accelerator i.
std::vector<std::uint32_t> in_order(std::size_t ranks) {
  std::vector<std::uint32_t> places(ranks);
  std::iota(places.begin(), places.end(), 0u);
  return places;
}

}  // namespace

Placed place_and_fold(const Fabric& fabric, const Workload& workload,
                      const CollectiveTuning& tuning, bool fold) {
  Placed p;
  p.traffic = place(fabric, workload, tuning, in_order(workload.ranks()));
  p.symmetry = fold ? find_symmetry(p.traffic) : no_symmetry(p.traffic);
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
  const std::vector<std::uint32_t> places = in_order(workload.ranks());
  check_messages(fabric, workload, tuning, placed.traffic, places);
  Simulation s;
  s.plan = lower(workload, placed.traffic, placed.symmetry);
  const Expansion messages = expand(s.plan, fabric, workload, tuning, placed.traffic, places);
  s.timeline = collapse(messages, simulate(messages.plan, engine.name));
  s.activities = messages.plan.activities.size();
  return s;
}

}  // namespace tenk
