// Double binary tree all-reduce (Sanders, Speck, Traeff, Parallel Computing 2009), laid as NCCL
// does: a chain inside each node, binary trees between nodes; a node that is inside one tree is a
// leaf of the other. Reduction up and broadcast down are pipelined, so every edge carries the
// channel's bytes once each way and a tree is one coflow.
#include <array>
#include <bit>
#include <cmath>

#include "workloads/collectives/collective.h"
#include "workloads/collectives/inside.h"
#include "workloads/collectives/node_tree.h"

namespace tenk {
namespace {

bool serves_tree(Collective op) { return op == Collective::kAllReduce; }

double correction(const Request& r, Protocol protocol) {
  const auto& table = r.tuning->tree_correction[static_cast<std::size_t>(protocol)];
  const double log = std::floor(std::log2(std::max(1.0, r.bytes.value() / 64)));
  const auto at = static_cast<std::size_t>(log);
  return at > 22 ? 1 : table[std::min(at, table.size() - 1)];
}

// NCCL's bus bandwidth of the tree. On two nodes it looks for trees that run faster inside the
// nodes than one NIC channel would, up to twice; a chain on a mesh counts 0.85 (a plain tree).
Bandwidth tree_bus(const Request& r, Protocol protocol) {
  const CollectiveTuning& t = *r.tuning;
  const std::size_t k = r.node_class();
  Bandwidth bus = r.planned_bus();
  if (r.shape.nodes == 2 && r.shape.rails > 1) bus = std::min(bus * 2, r.planned_node_bus());
  const double plain = r.mesh ? 0.85 : 1;
  if (protocol == Protocol::kLL) return std::min(bus / 3.8, t.ll_total[k]) * plain;
  if (protocol == Protocol::kLL128) {
    const double share = r.shape.nodes == 1 ? 7.0 / 9 : 120.0 / 128;
    return std::min(bus * share, t.tree_ll128[k] * r.channels()) * plain;
  }
  return std::min(bus * 0.92, t.tree_simple[k] * r.channels()) * plain;
}

// LL: long messages leave the NIC's fast path.
Time hop_delay(const Request& r, Protocol protocol) {
  if (protocol == Protocol::kSimple) return chunk_delay(r);
  const NicTuning& nic = r.tuning->nic;
  return r.bytes > nic.long_ll_from ? Time::seconds(nic.long_ll.value) : Time();
}

std::optional<Terms> tree_terms(const Request& r, Protocol protocol) {
  const auto p = static_cast<std::size_t>(protocol);
  constexpr auto kTree = static_cast<std::size_t>(Algorithm::kTree);
  const CollectiveTuning& t = *r.tuning;
  const bool inside = r.shape.nodes == 1;
  if (protocol == Protocol::kLL128 && !(inside ? t.node_ll128 : t.nic.ll128)) return std::nullopt;
  const double inner = static_cast<double>(r.shape.ranks) / r.shape.nodes - 1;
  const double levels = std::log2(static_cast<double>(r.shape.nodes));
  const Time base = t.base[kTree][p];
  const double nvlink = inner * t.nvlink[kTree][p].s();
  Terms terms;
  terms.channels = r.channels();
  terms.latency = base + Time::seconds(2 * nvlink);
  if (!inside) {
    const Time hop = network_step(r, Algorithm::kTree, protocol) + hop_delay(r, protocol);
    terms.latency = terms.latency + Time::seconds(2 * levels * hop.s());
  }
  terms.bytes = r.bytes.value() / r.channels();
  const Bandwidth algorithm = tree_bus(r, protocol) * (0.5 * correction(r, protocol));
  terms.cap = algorithm / r.channels();
  if (protocol == Protocol::kSimple && !inside) {
    terms.cap = Bandwidth::unlimited();
    if (r.shape.nodes > 2) terms.cap = r.line_rate() * (t.nic.tree_efficiency.value / r.channels());
  }
  terms.predicted = base + Time::seconds(2 * (nvlink + levels * t.network[kTree][p].s())) +
                    duration(r.bytes, algorithm);
  return terms;
}

std::vector<Lane> lay_tree(const Group& group, const CollectiveTuning& tuning, int way) {
  const std::uint32_t rails = shape_of(group).rails;
  return lay_channels(group, tuning, way, [&](std::uint32_t rail, int copy, const auto& add) {
    const auto both_ways = [&](std::uint32_t a, std::uint32_t b) {
      add(a, b);
      add(b, a);
    };
    const auto n = static_cast<std::uint32_t>(group.nodes.size());
    for (const auto& node : group.nodes) {
      if (node.size() < 2) continue;
      for (const Hop& h :
           ring_inside(group.fabric, node, owner_of(rail, node.size(), rails), false)) {
        add(h.from, h.to, h.share);
        add(h.to, h.from, h.share);
      }
    }
    for (std::uint32_t r = 1; r < n; ++r) {
      const auto [down, up] = tree_edge(r, n, copy % 2);
      const auto& child = group.nodes[down];
      const auto& parent = group.nodes[up];
      both_ways(child[owner_of(rail, child.size(), rails)],
                parent[owner_of(rail, parent.size(), rails)]);
    }
  });
}

// The trees that a channel is made of: one, or on a mesh one for each ring that its chains can
// follow; a node with fewer rings than another takes them in turn.
std::vector<PipelinedTree> trees_of(const StepRequest& r) {
  const Group& g = r.group;
  const GroupShape shape = shape_of(g);
  const bool inside = shape.nodes == 1;
  const auto channels = static_cast<std::uint64_t>(r.tuning.nic_channels);
  const auto rail = static_cast<std::uint32_t>(inside ? 0 : r.channel / channels);
  const int copy = inside ? 0 : static_cast<int>(r.channel % channels);
  const auto first = [&](std::size_t node) {
    return owner_of(rail, g.nodes[node].size(), shape.rails);
  };
  std::vector<std::vector<std::vector<std::uint32_t>>> chains;
  std::size_t most = 1;
  for (std::size_t n = 0; n < g.nodes.size(); ++n) {
    chains.push_back(rings_inside(g.fabric, g.nodes[n], first(n)));
    most = std::max(most, chains.back().size());
  }
  PipelinedTree tree;
  tree.share = 1 / static_cast<double>(most);
  tree.parent.assign(g.members.size(), kNoPlace);
  for (std::uint32_t e = 1; e < shape.nodes; ++e) {
    const auto [down, up] = tree_edge(e, shape.nodes, copy % 2);
    tree.parent[place_of(g, g.nodes[down][first(down)])] = place_of(g, g.nodes[up][first(up)]);
  }
  const std::size_t longest =
      std::max_element(g.nodes.begin(), g.nodes.end(), [](const auto& a, const auto& b) {
        return a.size() < b.size();
      })->size();
  const std::size_t levels = std::bit_width(shape.nodes) + longest - 2;
  tree.pieces = tree_pieces(r.payload * tree.share, static_cast<std::uint32_t>(levels));
  std::vector<PipelinedTree> trees(most, tree);
  for (std::size_t v = 0; v < most; ++v) {
    for (const auto& of_node : chains) {
      const std::vector<std::uint32_t>& chain = of_node[v % of_node.size()];
      for (std::size_t i = 1; i < chain.size(); ++i) {
        trees[v].parent[place_of(g, chain[i])] = place_of(g, chain[i - 1]);
      }
    }
  }
  return trees;
}

std::uint64_t count_tree(const StepRequest& r) {
  std::uint64_t count = 0;
  for (const PipelinedTree& tree : trees_of(r)) count += count_messages(tree);
  return count;
}

Steps write_tree(const StepRequest& r) {
  Steps steps;
  for (const PipelinedTree& tree : trees_of(r)) add_messages(tree, steps);
  return steps;
}

}  // namespace

extern const CollectiveKind kTree{.name = "tree",
                                  .summary = "double binary tree between nodes, chains inside",
                                  .serves = serves_tree,
                                  .terms = tree_terms,
                                  .lay = lay_tree,
                                  .count_steps = count_tree,
                                  .write_steps = write_tree};

}  // namespace tenk
