#include "analysis/pipeline.h"

#include <numeric>

#include "sim/base/error.h"
#include "sim/base/kinds.h"
#include "sim/engine/engine.h"
#include "workloads/lower.h"
#include "workloads/place.h"

namespace tenk {

Placed place_and_fold(const Fabric& fabric, const Workload& workload,
                      const CollectiveTuning& tuning, bool fold) {
  std::vector<std::uint32_t> places(workload.ranks());
  std::iota(places.begin(), places.end(), 0u);
  Placed p;
  p.traffic = place(fabric, workload, tuning, places);
  p.symmetry = fold ? find_symmetry(p.traffic) : no_symmetry(p.traffic);
  return p;
}

Simulation simulate(const Workload& workload, const Placed& placed, const EngineSpec& engine) {
  Simulation s;
  s.plan = lower(workload, placed.traffic, placed.symmetry);
  const EngineKind* kind = find_kind(engine_kinds(), engine.name);
  TENK_CHECK(kind != nullptr, "the scenario names an engine of the list");
  s.timeline = kind->run(s.plan);
  check_bounds(s.plan, s.timeline);
  return s;
}

}  // namespace tenk
