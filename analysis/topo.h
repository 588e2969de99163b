// What does a cluster consist of, and how well is it connected? No simulation.
//
// Counts, diameter, bisection and oversubscription are what the topology says of itself
// (NetworkFacts); the sketch is found in the graph. For the fields of `tenk topo --format json` see
// docs/result.schema.json.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "analysis/prediction.h"
#include "analysis/scenario.h"
#include "analysis/topo_sketch.h"
#include "sim/graph/fabric.h"

namespace tenk {

struct TopoReport {
  std::string scenario;
  std::uint64_t accelerators = 0;
  std::uint64_t nodes = 0;
  NetworkFacts network;
  NodeTemplate node;
  Cost cost;  // Without a job.
  TopoSketch sketch;
};

// Reads the cluster and the prices of the scenario only. Throws Error{kInvalid} for a degraded link
// that does not exist. O(devices + links).
TopoReport describe_topology(const Scenario& scenario);

}  // namespace tenk
