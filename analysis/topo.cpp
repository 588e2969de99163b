#include "analysis/topo.h"

#include "analysis/cost.h"

namespace tenk {

TopoReport describe_topology(const Scenario& scenario) {
  const Fabric fabric = build_fabric(scenario.cluster);
  TopoReport r;
  r.scenario = scenario.name;
  r.accelerators = fabric.accelerators();
  r.nodes = fabric.nodes();
  r.network = fabric.facts();
  r.node = fabric.node();
  r.cost = cost_of(fabric, scenario.prices);
  r.sketch = sketch_of(fabric);
  return r;
}

}  // namespace tenk
