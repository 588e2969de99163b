// Which accelerators of the cluster does a job get?
//
// What a scheduler decides before ranks are numbered: `placement {policy, by, seed, nodes}`. Units
// are whole nodes, the groups of nodes below one switch (leaf), or single accelerators; a job takes
// free units in the order of the policy until all its ranks have a place, and rank i sits on the
// i-th accelerator of that order. packed: as they are numbered, so neighbours share a leaf.
// striped: nodes from one leaf after the other in turn. random: units shuffled, each order equally
// likely. list: the nodes that are named.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "sim/base/section.h"

namespace tenk {

enum class AllocationPolicy { kPacked, kStriped, kRandom, kList };
enum class AllocationUnit { kAccelerator, kNode, kLeaf };

struct AllocationSpec {
  AllocationPolicy policy = AllocationPolicy::kPacked;
  AllocationUnit by = AllocationUnit::kNode;  // Of random.
  std::uint64_t seed = 0;                     // Of random.
  std::vector<std::int64_t> nodes;            // Of list.
  // The scenario names a policy: then a job may be smaller than the cluster.
  bool given = false;
  Where where;
};

// Reads policy, by, seed and nodes; the caller finishes the section.
AllocationSpec read_allocation(Section& placement);

// The cluster's accelerators and which of them are taken.
struct Room {
  Room(std::uint32_t nodes_there, std::uint32_t accelerators_of_node, std::uint32_t nodes_below);

  std::uint32_t nodes = 0, per_node = 1;
  std::uint32_t nodes_per_leaf = 1;  // Nodes on one edge switch (per rail).
  std::vector<bool> taken;           // By accelerator.
};

// Accelerators by rank; they are taken then. Whole nodes unless by accelerator: what a job leaves
// of its last node stays idle. Throws Error{kInvalid} if there are too few free ones, or the list
// names a node that is not there or not free. O(accelerators).
std::vector<std::uint32_t> allocate(const AllocationSpec& spec, std::size_t ranks, Room& room);

}  // namespace tenk
