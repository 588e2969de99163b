// In which order do the rings of a channel pass the members of a group?
//
// Around the members of a node along NVLink, into each node at the GPU that owns the rail's NIC
// and, from the last of the node, out again by that NIC (laid as NCCL does). A mesh has several
// rings; a node with fewer than another takes them in turn.
#pragma once
#include <cstdint>
#include <vector>

namespace tenk {

struct Group;
struct StepRequest;

// Places in order; `relay`: the member whose NIC the hop from there passes, or kNoPlace.
struct RingOrder {
  std::vector<std::uint32_t> place, relay;
};

// The rings that a channel of `rail` is made of, each with the same share of its bytes; inside one
// node there is rail 0 only. O(members log members); on meshes of at most 8 members a search.
std::vector<RingOrder> ring_orders(const Group& group, std::uint32_t rail);

// The rail of the channel whose steps are asked for.
std::uint32_t rail_of(const StepRequest& request);

}  // namespace tenk
