// What has to happen once per class instead of once per rank, and in which order?
//
// Lowering runs each rank class's program once and joins it to the others at their common
// operations: the n-th operation of a family on one class meets the n-th on every class that its
// groups have members of. Equitability (sim/plan/symmetry.h) makes that the whole story.
#pragma once
#include "sim/plan/plan.h"
#include "workloads/workload.h"

namespace tenk {

// Throws Error{kDeadlock} that names ranks and operations if members of a group call different
// operations, or not equally many, or wait for each other in a circle. O(activities + edges).
Plan lower(const Workload& workload, const Traffic& traffic, const Symmetry& symmetry);

}  // namespace tenk
