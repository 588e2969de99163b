// How do rings and chains run inside one server, and how fast can they go there?
//
// Around switches a ring visits the members in order. Where GPUs are joined directly, NCCL looks
// for rings that share out the links: on a full mesh all links of a member carry the same (the
// ordered pairs of n members split evenly into rings); on a partial one, such as the hybrid cube
// mesh of eight V100, the rings are the largest set of cycles through all members that have links
// of their own. Several rings together are laid as one, with the share of each on its links.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "sim/graph/fabric.h"

namespace tenk {

struct Hop {
  std::uint32_t from = 0, to = 0;  // Accelerators.
  double share = 1;                // Of the connections of all rings.
};

// The ring through the members of one node (at least two), from the member number `first` on. Open:
// a chain that leaves out the way back. O(members^2); cycles are searched for 8 members at most.
std::vector<Hop> ring_inside(const Fabric& fabric, std::span<const std::uint32_t> members,
                             std::size_t first, bool closed);

// Those rings one by one, each from the member number `first` on; each carries the same share of
// the bytes, and together they cross links as `ring_inside` says. On a full mesh of n members 2 (n
// - 1) of them, which pass every ordered pair twice.
std::vector<std::vector<std::uint32_t>> rings_inside(const Fabric& fabric,
                                                     std::span<const std::uint32_t> members,
                                                     std::size_t first);

// All members of the node reach each other by a link of their own.
bool joined_directly(const Fabric& fabric, std::span<const std::uint32_t> members);

// The rate of that ring, closed, on idle links of which transfers reach `efficiency[link kind]`.
Bandwidth ring_rate_inside(const Fabric& fabric, std::span<const std::uint32_t> members,
                           std::span<const double> efficiency);

}  // namespace tenk
