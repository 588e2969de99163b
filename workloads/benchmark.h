// How fast is one collective over the whole cluster, at each of several sizes (as nccl-tests asks)?
#pragma once
#include <array>
#include <cstdint>
#include <span>

#include "workloads/workload.h"

namespace tenk {

// The operations that make sense for all ranks at once.
inline constexpr std::array kBenchmarkOps = {Collective::kAllReduce,     Collective::kAllGather,
                                             Collective::kReduceScatter, Collective::kAllToAll,
                                             Collective::kBroadcast,     Collective::kReduce};

// Every rank calls `op` on the family of all ranks, one size after the other. Slot i is size i.
// Size > 0, ranks >= 2; `op` is one of kBenchmarkOps.
Workload one_after_another(std::uint32_t ranks, Collective op, std::span<const Bytes> sizes);

// Bus bandwidth over algorithm bandwidth, as nccl-tests defines it (its doc/PERFORMANCE.md):
// all-reduce 2 (n - 1) / n; all-gather, reduce-scatter, all-to-all (n - 1) / n; others 1.
double bus_factor(Collective op, std::uint32_t ranks);

}  // namespace tenk
