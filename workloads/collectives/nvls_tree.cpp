// All-reduce by the switches inside each node and double binary trees between the nodes, one on
// each rail: a GPU that heads a share of the buffer sends its node's sum up the tree and multicasts
// what comes down.
#include <cmath>

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

}  // namespace

extern const CollectiveKind kNvlsTree{
    .name = "nvls-tree",
    .summary = "NVSwitches inside the nodes, double binary trees between them",
    .serves = serves_nvls_tree,
    .terms = nvls_tree_terms,
    .lay = lay_nvls_tree};

}  // namespace tenk
