// What do NCCL's names, version codes and bandwidths mean?
//
// busbw = algbw x factor: all-reduce 2(n-1)/n; all-gather, reduce-scatter, all-to-all, gather and
// scatter (n-1)/n; broadcast, reduce and send-receive 1 (NVIDIA/nccl-tests, doc/PERFORMANCE.md).
// Sizes are those of nccl-tests: the larger of the send and receive buffers of one rank.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calibration/measurements.h"

namespace tenk {

// allreduce, allgather, ...: as the column `collective` has them.
const std::vector<std::string>& collective_names();
// "all_reduce_perf", "AllReduce", "all-reduce", "MPI_Allreduce": "allreduce"; nullopt if none.
std::optional<std::string> collective_of(std::string_view name);
// The option --collective; throws Error{kUsage} with the nearest name if it is none of them.
std::string checked_collective(std::string_view name);

// nullopt for collectives without a factor; n >= 1.
std::optional<double> bus_factor(std::string_view collective, double n);
// Of the collectives above, does a rank's buffer grow with the number of ranks (so that tools that
// count one rank's share report 1/n of what nccl-tests does)?
bool counts_all_shares(std::string_view collective);

// "2.29.7" of 22907, "2.7.8" of 2708.
std::string nccl_version_text(std::int64_t code);

// Sets algbw and busbw from bytes, time and gpus, where those are known.
void set_bandwidths(CollectiveSample& row);

}  // namespace tenk
