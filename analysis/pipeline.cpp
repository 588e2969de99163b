#include "analysis/pipeline.h"

#include <numeric>

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
  s.timeline = simulate(s.plan, engine.name);
  return s;
}

}  // namespace tenk
