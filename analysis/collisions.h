// How unevenly does hashing spread connections over the links between switches?
//
// Under ecmp-hash each connection takes one of many equal links, and several may take the same.
// Counted are the connections that one algorithm of one family of groups ("dp ring") lays over each
// link of one kind, idle links included, as if all groups moved at once; of all of them the one
// whose busiest link has the most is shown.
#pragma once
#include <optional>

#include "analysis/prediction.h"
#include "sim/graph/fabric.h"
#include "sim/plan/traffic.h"
#include "workloads/workload.h"

namespace tenk {

// None unless the fabric's routing hashes, or if nothing leaves a switch. O(usages + links).
std::optional<Collisions> collisions_of(const Fabric& fabric, const Workload& workload,
                                        const Traffic& traffic);
// Of raw flows: what each puts on the fabric's trunks.
std::optional<Collisions> collisions_of(const Fabric& fabric, const Lists<Usage>& flows);

}  // namespace tenk
