// How do several jobs become one workload?
//
// Their disjoint union: the ranks, roles, families and slots of each follow those of the job
// before it, and nothing joins them, so that all they share is the network.
#pragma once
#include <span>

#include "workloads/workload.h"

namespace tenk {

// Units (SMs) must be equal where a job has any. O(size of the jobs).
Workload merge(std::span<const Workload> jobs);

}  // namespace tenk
