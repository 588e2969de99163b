// Which cluster does the scenario describe, as one graph down to the accelerator?
//
// `read_cluster` reads section `cluster`; `build_fabric` makes the graph, applies degraded links
// and lets the topology lay out its trunks and routes.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "topologies/network.h"

namespace tenk {

struct Degrade {
  std::string link;  // "leaf3:spine1": all cables between the two; "leaf3:spine1#0": the first.
  Bandwidth rate;    // Of each such cable, both directions; 0: dead.
  Where where;
};

struct ClusterSpec {
  std::uint32_t nodes = 0;
  NodeTemplate node;
  std::shared_ptr<const Network> network;
  std::vector<Degrade> degrade;

  std::uint32_t accelerators() const {
    return nodes * static_cast<std::uint32_t>(node.accelerators.size());
  }
};

// The largest cluster that fits the memory bounds of docs/limits.md.
inline constexpr std::int64_t kMaxAccelerators = 1 << 21;

ClusterSpec read_cluster(Section section);

// Throws Error{kInvalid} for a degraded link that does not exist. O(devices + links).
Fabric build_fabric(const ClusterSpec& spec);

}  // namespace tenk
