// Ring all-reduce, all-gather and reduce-scatter (Patarasuk and Yuan, JPDC 2009), laid as NCCL
// does: inside a node along NVLink, between nodes rail to rail, each rail a ring of its own that
// enters a node at that rail's GPU. A pipelined ring goes at the speed of its slowest edge, so a
// ring is one coflow.
#include <cmath>

#include "workloads/collectives/collective.h"

namespace tenk {
namespace {

bool serves_ring(Collective op) {
  return op == Collective::kAllReduce || op == Collective::kAllGather ||
         op == Collective::kReduceScatter;
}

Time ring_latency(const Request& r, Protocol protocol) {
  const auto p = static_cast<std::size_t>(protocol);
  const CollectiveTuning& t = *r.tuning;
  constexpr auto kRing = static_cast<std::size_t>(Algorithm::kRing);
  const std::int64_t rounds = r.op == Collective::kAllReduce ? 2 : 1;
  const std::int64_t steps = rounds * (r.shape.ranks - 1);
  const std::int64_t between = rounds * (r.shape.nodes - 1);
  Time inner = t.nvlink[kRing][p];
  if (r.shape.nodes > 1) {
    inner = std::max(inner, t.network_overhead * (protocol == Protocol::kSimple ? 3 : 1));
  }
  const bool alone = r.shape.nodes == r.shape.ranks;  // One GPU a node.
  const Time outer = network_step(r, alone ? Algorithm::kTree : Algorithm::kRing, protocol);
  Time latency = t.base[kRing][p] + inner * (steps - between) + outer * between;
  const double per_channel_and_rank = r.bytes.value() / r.channels() / r.shape.ranks;
  if (protocol == Protocol::kSimple && r.op == Collective::kAllReduce && r.shape.nodes > 1 &&
      per_channel_and_rank >= 64) {
    latency = Time::seconds(latency.s() * t.ring_simple_factor);
  }
  return latency;
}

std::optional<Terms> ring_terms(const Request& r, Protocol protocol) {
  const double n = r.shape.ranks;
  const double rounds = r.op == Collective::kAllReduce ? 2 : 1;
  const CollectiveTuning& t = *r.tuning;
  Terms terms;
  terms.latency = ring_latency(r, protocol);
  terms.bytes = rounds * r.bytes.value() * (n - 1) / n / r.channels();
  Bandwidth bus = r.bus();
  if (protocol == Protocol::kLL) {
    terms.cap = t.ll_total[r.node_class()] / r.channels();
    bus = std::min(t.ll_total[r.node_class()], bus * 0.5);
  } else if (protocol == Protocol::kLL128) {
    terms.cap = t.ring_ll128[r.node_class()];
    bus = std::min(bus * 0.92, terms.cap * r.channels());
  }
  terms.predicted = terms.latency + duration(r.bytes.value() * rounds * (n - 1) / n, bus);
  return terms;
}

std::vector<Lane> lay_ring(const Group& group, const CollectiveTuning& tuning, int way) {
  return lay_channels(group, tuning, way, [&](std::uint32_t rail, int, const auto& add) {
    for (std::size_t n = 0; n < group.nodes.size(); ++n) {
      const auto& node = group.nodes[n];
      const auto& next = group.nodes[(n + 1) % group.nodes.size()];
      for (std::size_t i = 0; i + 1 < node.size(); ++i) {
        add(node[(rail + i) % node.size()], node[(rail + i + 1) % node.size()]);
      }
      add(node[(rail + node.size() - 1) % node.size()], next[rail % next.size()]);
    }
  });
}

}  // namespace

extern const CollectiveKind kRing{.name = "ring",
                                  .summary = "a ring on each rail",
                                  .serves = serves_ring,
                                  .terms = ring_terms,
                                  .lay = lay_ring};

}  // namespace tenk
