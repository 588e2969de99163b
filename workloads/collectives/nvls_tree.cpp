// All-reduce by the switches inside each node and double binary trees between the nodes, one on
// each rail: a GPU that heads a share of the buffer sends its node's sum up the tree and multicasts
// what comes down.
#include <cmath>
#include <numeric>

#include "workloads/collectives/inside.h"
#include "workloads/collectives/node_tree.h"
#include "workloads/collectives/nvls.h"

namespace tenk {
namespace {

bool serves_nvls_tree(Collective op) { return op == Collective::kAllReduce; }

// NCCL's estimate of the bus bandwidth.
Bandwidth planned_bus(const Request& r) {
  const NvlsTuning& nvls = *r.tuning->nvls;
  const std::uint32_t heads = r.shape.ranks / r.shape.nodes;
  const Bandwidth network = r.network_bus * (r.shape.nodes == 2 ? 2 : 1);
  Bandwidth bus = std::min(planned_nvls_bus(r, heads), network);
  const Bandwidth channel = nvls.tree_per_channel[r.node_class()];
  if (channel.value() > 0) bus = std::min(bus, channel * heads);
  return bus;
}

std::optional<Terms> nvls_tree_terms(const Request& r, Protocol protocol) {
  const auto& nvls = r.tuning->nvls;
  if (protocol != Protocol::kSimple || r.shape.nodes < 2 || r.shape.ranks < 2 * r.shape.nodes ||
      !r.in_switch || !nvls) {
    return std::nullopt;
  }
  const std::uint32_t heads = r.shape.ranks / r.shape.nodes;
  const double n = r.shape.ranks;
  const double levels = std::log2(static_cast<double>(r.shape.nodes));
  const auto concurrent = static_cast<std::uint64_t>(nvls->channels) * heads;
  const Bytes chunk = nvls_tree_chunk(r.bytes, concurrent, r.shape.nodes);
  const Time extra = Time::seconds(r.tuning->nic.hop.value) + r.path * 2 + chunk_delay(r);
  Terms terms;
  terms.channels = nvls->channels;
  terms.latency = Time::seconds(nvls->start.value + 2 * levels * (nvls->tree_network + extra).s());
  terms.bytes = r.bytes.value() / r.channels();
  terms.cap = nvls_rate(*nvls, heads, chunk) / r.channels();
  if (r.shape.nodes > 2) {
    const Bandwidth tree = r.line_rate() * r.tuning->nic.tree_efficiency.value;
    terms.cap = std::min(terms.cap, tree / r.channels());
  }
  terms.predicted = nvls->latency + Time::seconds(2 * levels * nvls->tree_network.s()) +
                    duration(2 * r.bytes.value() * (n - 1) / n, planned_bus(r));
  return terms;
}

std::vector<Lane> lay_nvls_tree(const Group& group, const CollectiveTuning& tuning, int way) {
  const std::uint32_t rails = shape_of(group).rails;
  return lay_channels(group, tuning, way, [&](std::uint32_t rail, int copy, const auto& add) {
    for (const auto& node : group.nodes) {
      if (node.size() < 2) continue;  // Scattered placements: nothing to add up there.
      // The head of the rail moves its sums once more each way; over all rails every GPU is one.
      const double both = 1 + 1 / static_cast<double>(node.size());
      for (const Hop& h : ring_inside(group.fabric, node, 0, true)) {
        add(h.from, h.to, h.share * both);
      }
    }
    const auto n = static_cast<std::uint32_t>(group.nodes.size());
    for (std::uint32_t r = 1; r < n; ++r) {
      const auto [down, up] = tree_edge(r, n, copy % 2);
      const auto& below = group.nodes[down];
      const auto& above = group.nodes[up];
      const std::uint32_t child = below[owner_of(rail, below.size(), rails)];
      const std::uint32_t parent = above[owner_of(rail, above.size(), rails)];
      add(child, parent);
      add(parent, child);
    }
  });
}

std::uint32_t rounds_of(const StepRequest& r) {
  const auto nodes = static_cast<std::uint32_t>(r.group.nodes.size());
  const std::uint64_t heads = r.group.members.size() / nodes;
  const auto concurrent = static_cast<std::uint64_t>(r.tuning.nvls->channels) * heads;
  const Bytes chunk = nvls_tree_chunk(r.bytes, concurrent, nodes);
  const double each = r.bytes.value() / static_cast<double>(concurrent);
  return static_cast<std::uint32_t>(std::max(1.0, std::ceil(each / chunk.value())));
}

std::uint64_t count_nvls_tree(const StepRequest& r) {
  std::uint64_t each = 2 * (r.group.nodes.size() - 1);
  for (const auto& node : r.group.nodes) each += SwitchSteps::messages(node.size());
  return each * rounds_of(r);
}

// A node of the tree: its head is what others see.
struct TreeNode {
  SwitchSteps inside;
  std::uint32_t head, parent = kNoPlace;         // Parent: a number of a node.
  std::vector<std::uint32_t> children;           // The same.
  std::uint32_t up = kNoPlace, down = kNoPlace;  // The piece before, to and from the parent.
  std::vector<std::uint32_t> arrived = {};       // What the sum of this node waits for.
};

std::vector<TreeNode> nodes_of(const StepRequest& r) {
  const Group& g = r.group;
  const auto n = static_cast<std::uint32_t>(g.nodes.size());
  const std::uint32_t rails = shape_of(g).rails;
  const auto channels = static_cast<std::uint64_t>(r.tuning.nic_channels);
  const auto rail = static_cast<std::uint32_t>(r.channel / channels);
  std::vector<TreeNode> nodes;
  std::uint32_t first = 0;
  for (std::uint32_t i = 0; i < n; ++i) {
    std::vector<std::uint32_t> members(g.nodes[i].size());
    std::iota(members.begin(), members.end(), first);
    const std::uint32_t head = members[owner_of(rail, members.size(), rails)];
    first += static_cast<std::uint32_t>(members.size());
    const auto own_switch = static_cast<std::uint32_t>(g.members.size()) + i;
    nodes.push_back({SwitchSteps(std::move(members), own_switch, head), head, kNoPlace, {}});
  }
  for (std::uint32_t e = 1; e < n; ++e) {
    const auto [child, parent] = tree_edge(e, n, static_cast<int>(r.channel % channels) % 2);
    nodes[child].parent = parent;
    nodes[parent].children.push_back(child);
  }
  return nodes;
}

// Nodes with each after its parent.
std::vector<std::uint32_t> downward(const std::vector<TreeNode>& nodes) {
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].parent == kNoPlace) order.push_back(i);
  }
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto& below = nodes[order[i]].children;
    order.insert(order.end(), below.begin(), below.end());
  }
  return order;
}

Steps write_nvls_tree(const StepRequest& r) {
  Steps steps;
  std::vector<TreeNode> nodes = nodes_of(r);
  const std::vector<std::uint32_t> order = downward(nodes);
  const std::uint32_t rounds = rounds_of(r);
  Message message;
  message.share = 1.0 / rounds;
  for (std::uint32_t round = 0; round < rounds; ++round) {
    message.piece = static_cast<std::uint32_t>(steps.pieces.size());
    steps.pieces.push_back({});
    for (TreeNode& node : nodes) node.arrived = {node.inside.reduce(message, steps)};
    for (std::size_t i = order.size(); i-- > 1;) {
      TreeNode& node = nodes[order[i]];
      TreeNode& above = nodes[node.parent];
      message.from = node.head;
      message.to = above.head;
      message.adds = true;
      node.arrived.push_back(node.up);
      node.arrived.push_back(above.arrived.front());  // What it is added to.
      above.arrived.push_back(node.up = steps.add(message, node.arrived));
    }
    message.adds = false;
    for (const std::uint32_t i : order) {
      TreeNode& node = nodes[i];
      if (node.parent != kNoPlace) {
        const TreeNode& above = nodes[node.parent];
        message.from = above.head;
        message.to = node.head;
        std::vector<std::uint32_t> wait_for = above.arrived;
        wait_for.push_back(node.down);
        node.down = steps.add(message, wait_for);
        node.arrived = {node.down};
      }
      node.inside.broadcast(message, node.arrived, steps);
    }
  }
  return steps;
}

}  // namespace

extern const CollectiveKind kNvlsTree{
    .name = "nvls-tree",
    .summary = "NVSwitches inside the nodes, double binary trees between them",
    .serves = serves_nvls_tree,
    .terms = nvls_tree_terms,
    .lay = lay_nvls_tree,
    .count_steps = count_nvls_tree,
    .write_steps = write_nvls_tree};

}  // namespace tenk
