// How long does an operation take by the formulas of workloads/collectives, on an idle cluster?
//
// A sweep is some sizes of one operation on one cluster, with what they took. The prediction is
// that of `tenk collective` without its engine: NCCL's choice for each size, then latency and bytes
// at the rate that the busiest wire and the caps leave. That equals the engine's time where all
// channels of an operation are busy alike, as on every preset.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "sim/plan/category.h"
#include "sim/plan/collective_tuning.h"
#include "topologies/cluster.h"
#include "workloads/workload.h"

namespace tenk {

struct SweptSize {
  Bytes bytes;         // As nccl-tests counts them.
  double seconds = 0;  // > 0
  bool held_out = false;
};

struct TimedCollective {
  ClusterSpec cluster;
  Collective op = Collective::kAllReduce;
  std::vector<std::string> without = {};  // Algorithms that were forbidden.
  std::vector<SweptSize> sizes = {};
  std::string source = {};

  std::size_t nodes() const { return cluster.nodes; }
};

// Is a size kept from every fit? About 30 %, by a hash of operation, servers, cards and bytes: the
// same on all hardware.
bool held_out(Collective op, std::int64_t nodes, std::int64_t gpus, Bytes bytes);

// One sweep ready to be predicted again and again.
class SweepModel {
 public:
  explicit SweepModel(const TimedCollective& sweep);  // Throws Error if the cluster is none.
  // Seconds of each size with these numbers. O(members + hops) and the sizes.
  std::vector<double> seconds(CollectiveTuning tuning) const;

 private:
  std::vector<std::string> without_;
  std::shared_ptr<const Fabric> fabric_;
  Workload workload_;
  std::vector<std::uint32_t> accelerators_;
};

}  // namespace tenk
