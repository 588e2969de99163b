// Which cluster does the scenario describe, as one graph down to the accelerator?
//
// `read_cluster` reads section `cluster`; `build_fabric` makes the graph, applies degraded links
// and lets the topology lay out its trunks and routes.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "topologies/degrade.h"
#include "topologies/network.h"
#include "topologies/stragglers.h"

namespace tenk {

struct ClusterSpec {
  std::uint32_t nodes = 0;
  NodeTemplate node;
  std::shared_ptr<const Network> network;
  std::vector<Degrade> degrade;
  std::vector<Straggler> stragglers;

  ClusterSize size() const { return {nodes, static_cast<std::uint32_t>(node.accelerators.size())}; }
  std::uint32_t accelerators() const { return size().nodes * size().per_node; }
};

// The largest cluster that fits the memory bounds of docs/limits.md.
inline constexpr std::int64_t kMaxAccelerators = 1 << 21;

ClusterSpec read_cluster(Section section);

// Throws Error{kInvalid} for a degraded link or switch that does not exist. O(devices + links).
Fabric build_fabric(const ClusterSpec& spec);

}  // namespace tenk
