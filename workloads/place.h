// Where does the job run, and which trunks does each of its communications use?
//
// For every group and every slot its programs call: NCCL's choice of algorithm and protocol, one
// coflow for each distinct channel, and what the slot asks of it. Groups of one family and shape
// choose alike. O(ranks + hops) whatever the number of operations.
#pragma once
#include <span>

#include "sim/plan/collective_tuning.h"
#include "sim/plan/traffic.h"
#include "workloads/workload.h"

namespace tenk {

// `accelerator_of_rank`: a different accelerator for each rank of the workload. Throws
// Error{kInvalid} where failed links cut a route.
Traffic place(const Fabric& fabric, const Workload& workload, const CollectiveTuning& tuning,
              std::span<const std::uint32_t> accelerator_of_rank);

// The least time one operation of `slot` can take: its payload over the busiest trunk, without
// latency, protocol overhead or efficiency. O(usages of its coflows).
Time wire_bound(const Traffic& traffic, SlotId slot);

}  // namespace tenk
