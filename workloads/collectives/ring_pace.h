// How long do the steps of a ring take, and how fast do its edges go?
//
// Shared by everything that runs along rings. A step inside a node and one between nodes take what
// sweeps of the hardware measured (profiles/collectives `inside`, profiles/nics); NCCL's estimate,
// by which it chooses, is that of its src/graph/tuning.cc.
#pragma once
#include "workloads/collectives/collective.h"

namespace tenk {

// One after another: all, and those of them between nodes.
struct RingSteps {
  std::int64_t all = 0, between = 0;
};

Time ring_latency(const Request& request, Protocol protocol, RingSteps steps);
// The rate on each edge, bytes/s of all channels together, as far as the links do not decide.
Bandwidth ring_rate(const Request& request, Protocol protocol);
// The least time of the bytes beyond `latency`: no step of Simple is shorter than the latency of
// one chunk. 0 for LL and LL128.
Time ring_floor(const Request& request, Protocol protocol, RingSteps steps, Time latency);
// NCCL's estimate of the bus bandwidth.
Bandwidth planned_ring_bus(const Request& request, Protocol protocol);

}  // namespace tenk
