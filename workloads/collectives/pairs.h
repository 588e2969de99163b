// How long does NCCL take to start sends and receives?
#pragma once
#include <optional>

#include "workloads/collectives/collective.h"

namespace tenk {

// Of point-to-point connections, however many start together, with `each` bytes on every one. One
// protocol is offered: LL inside a node up to a size, else Simple. Inside a node as measured;
// between nodes one step of the ring tables comes on top (assumed: NCCL's cost model has no entry).
std::optional<Time> pair_latency(const Request& request, Protocol protocol, double each);

}  // namespace tenk
