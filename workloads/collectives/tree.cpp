// Double binary tree all-reduce (Sanders, Speck, Traeff, Parallel Computing 2009), laid as NCCL
// does: a chain inside each node, binary trees between nodes; a node that is inside one tree is a
// leaf of the other. Reduction up and broadcast down are pipelined, so every edge carries the
// channel's bytes once each way and a tree is one coflow.
#include <array>
#include <bit>
#include <cmath>

#include "workloads/collectives/collective.h"

namespace tenk {
namespace {

bool serves_tree(Collective op) { return op == Collective::kAllReduce; }

double correction(const Request& r, Protocol protocol) {
  const auto& table = r.tuning->tree_correction[static_cast<std::size_t>(protocol)];
  const double log = std::floor(std::log2(std::max(1.0, r.bytes.value() / 64)));
  const auto at = static_cast<std::size_t>(log);
  return at > 22 ? 1 : table[std::min(at, table.size() - 1)];
}

// NCCL's bus bandwidth of the tree.
Bandwidth tree_bus(const Request& r, Protocol protocol) {
  const CollectiveTuning& t = *r.tuning;
  const std::size_t k = r.node_class();
  const Bandwidth bus = r.bus();
  if (protocol == Protocol::kLL) return std::min(bus / 3.8, t.ll_total[k]);
  if (protocol == Protocol::kLL128) {
    const double share = r.shape.nodes == 1 ? 7.0 / 9 : 120.0 / 128;
    return std::min(bus * share, t.tree_ll128[k] * r.channels());
  }
  return std::min(bus * 0.92, t.tree_simple[k] * r.channels());
}

std::optional<Terms> tree_terms(const Request& r, Protocol protocol) {
  const auto p = static_cast<std::size_t>(protocol);
  constexpr auto kTree = static_cast<std::size_t>(Algorithm::kTree);
  const CollectiveTuning& t = *r.tuning;
  const double inner = static_cast<double>(r.shape.ranks) / r.shape.nodes - 1;
  const double levels = std::log2(static_cast<double>(r.shape.nodes));
  const double steps = 2 * (inner * t.nvlink[kTree][p].s() +
                            levels * network_step(r, Algorithm::kTree, protocol).s());
  Terms terms;
  terms.latency = t.base[kTree][p] + Time::seconds(steps);
  terms.bytes = r.bytes.value() / r.channels();
  const Bandwidth algorithm = tree_bus(r, protocol) * (0.5 * correction(r, protocol));
  terms.cap = algorithm / r.channels();
  terms.predicted = terms.latency + duration(r.bytes, algorithm);
  return terms;
}

// Node r of n hangs below its parent in the tree in which every odd number is a leaf; 0 is the
// root: it has no parent.
std::uint32_t parent_in_first_tree(std::uint32_t r, std::uint32_t n) {
  const std::uint32_t bit = r & (~r + 1);
  const std::uint32_t up = (r ^ bit) | (bit << 1);
  return up < n ? up : r ^ bit;
}

// The second tree is the first mirrored (n even) or shifted by one (n odd).
std::uint32_t relabel(std::uint32_t r, std::uint32_t n, int tree) {
  if (tree == 0) return r;
  return n % 2 == 0 ? n - 1 - r : (r + 1) % n;
}

std::vector<Lane> lay_tree(const Group& group, const CollectiveTuning& tuning, int way) {
  return lay_channels(group, tuning, way, [&](std::uint32_t rail, int copy, const auto& add) {
    const auto both_ways = [&](std::uint32_t a, std::uint32_t b) {
      add(a, b);
      add(b, a);
    };
    const auto n = static_cast<std::uint32_t>(group.nodes.size());
    for (const auto& node : group.nodes) {
      for (std::size_t i = 0; i + 1 < node.size(); ++i) {
        both_ways(node[(rail + i) % node.size()], node[(rail + i + 1) % node.size()]);
      }
    }
    for (std::uint32_t r = 1; r < n; ++r) {
      const auto& child = group.nodes[relabel(r, n, copy % 2)];
      const auto& parent = group.nodes[relabel(parent_in_first_tree(r, n), n, copy % 2)];
      both_ways(child[rail % child.size()], parent[rail % parent.size()]);
    }
  });
}

}  // namespace

extern const CollectiveKind kTree{.name = "tree",
                                  .summary = "double binary tree between nodes, chains inside",
                                  .serves = serves_tree,
                                  .terms = tree_terms,
                                  .lay = lay_tree};

}  // namespace tenk
