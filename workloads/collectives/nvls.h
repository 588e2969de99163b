// How fast is in-switch reduction (NVLink SHARP) inside a node?
//
// Each of n GPUs heads a share of the buffer: it lets the switch read and add up that share from
// all GPUs, and write the sum back to all. So S/n of sums come in and go out beside the S that the
// others read and write: S (1 + 1/n) each way, and the bus bandwidth may exceed the link's. Work
// goes in chunks whose length NCCL chooses by size (src/enqueue.cc); a chunk costs a round through
// the switch on top of its bytes, so short ones are slower.
#pragma once
#include "workloads/collectives/collective.h"

namespace tenk {

// NCCL's estimate of the bus bandwidth, all channels, without the network.
Bandwidth planned_nvls_bus(const Request& request, std::uint32_t heads);

// NCCL's chunk lengths. `concurrent`: channels x heads, chunks in flight.
Bytes nvls_chunk(Bytes bytes, std::uint64_t concurrent);
Bytes nvls_tree_chunk(Bytes bytes, std::uint64_t concurrent, std::uint32_t nodes);

// Payload through one GPU, all channels together.
Bandwidth nvls_rate(const NvlsTuning& nvls, std::uint32_t heads, Bytes chunk);

}  // namespace tenk
