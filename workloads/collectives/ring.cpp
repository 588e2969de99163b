// Ring all-reduce, all-gather and reduce-scatter (Patarasuk and Yuan, JPDC 2009), laid as NCCL
// does: inside a node along NVLink, between nodes rail to rail, each rail a ring of its own that
// enters a node at that rail's GPU. A pipelined ring goes at the speed of its slowest edge, so a
// ring is one coflow.
//
// Time: a base, the steps, and then the bytes, of which no step is shorter than the latency of one
// chunk: a message too short to fill the pipe goes no faster. The piece of n that a member keeps is
// copied by the same thread blocks.
#include <cmath>

#include "workloads/collectives/collective.h"
#include "workloads/collectives/inside.h"
#include "workloads/collectives/ring_order.h"
#include "workloads/collectives/ring_pace.h"

namespace tenk {
namespace {

constexpr auto kRingTable = static_cast<std::size_t>(Algorithm::kRing);

bool serves_ring(Collective op) {
  return op == Collective::kAllReduce || op == Collective::kAllGather ||
         op == Collective::kReduceScatter;
}

std::int64_t rounds_of(const Request& r) { return r.op == Collective::kAllReduce ? 2 : 1; }
RingSteps steps_of(const Request& r) {
  return {rounds_of(r) * (r.shape.ranks - 1), rounds_of(r) * (r.shape.nodes - 1)};
}

// NCCL's estimate of the latency.
Time planned_latency(const Request& r, Protocol protocol) {
  const auto p = static_cast<std::size_t>(protocol);
  const CollectiveTuning& t = *r.tuning;
  const auto [steps, between] = steps_of(r);
  Time inner = t.nvlink[kRingTable][p];
  if (r.shape.nodes > 1) {
    inner = std::max(inner, t.network_overhead * (protocol == Protocol::kSimple ? 3 : 1));
  }
  const bool alone = r.shape.nodes == r.shape.ranks;  // One GPU a node.
  const Time outer =
      t.network[static_cast<std::size_t>(alone ? Algorithm::kTree : Algorithm::kRing)][p];
  Time latency = t.base[kRingTable][p] + inner * (steps - between) + outer * between;
  const double per_channel_and_rank = r.bytes.value() / r.channels() / r.shape.ranks;
  if (protocol == Protocol::kSimple && r.op == Collective::kAllReduce && r.shape.nodes > 1 &&
      per_channel_and_rank >= 64) {
    latency = Time::seconds(latency.s() * t.ring_simple_factor);
  }
  return latency;
}

// The rate on each edge of all channels together, as far as the links do not decide.
Bandwidth rate_of(const Request& r, Protocol protocol) {
  if (protocol != Protocol::kSimple || r.shape.nodes > 1) return ring_rate(r, protocol);
  const double edges = static_cast<double>(steps_of(r).all);  // Pieces over each, for one copied.
  const double copy = 1 / (r.tuning->own_copy.value * edges);
  return Bandwidth::per_second(1 / (1 / r.node_bus.value() + copy));
}

std::optional<Terms> ring_terms(const Request& r, Protocol protocol) {
  const CollectiveTuning& t = *r.tuning;
  if (protocol == Protocol::kLL128 && !(r.shape.nodes == 1 ? t.node_ll128 : t.nic.ll128)) {
    return std::nullopt;
  }
  const double n = r.shape.ranks;
  const double moved = static_cast<double>(rounds_of(r)) * r.bytes.value() * (n - 1) / n;
  Terms terms;
  terms.channels = r.channels();
  terms.latency = ring_latency(r, protocol, steps_of(r));
  terms.bytes = moved / r.channels();
  terms.cap = std::min(rate_of(r, protocol) / r.channels(),
                       paced(terms.bytes, ring_floor(r, protocol, steps_of(r), terms.latency)));
  terms.predicted = planned_latency(r, protocol) + duration(moved, planned_ring_bus(r, protocol));
  return terms;
}

std::vector<Lane> lay_ring(const Group& group, const CollectiveTuning& tuning, int way) {
  const std::uint32_t rails = shape_of(group).rails;
  return lay_channels(group, tuning, way, [&](std::uint32_t rail, int, const auto& add) {
    if (group.nodes.size() == 1) {
      for (const Hop& h : ring_inside(group.fabric, group.members, 0, true)) {
        add(h.from, h.to, h.share);
      }
      return;
    }
    for (std::size_t n = 0; n < group.nodes.size(); ++n) {
      const auto& node = group.nodes[n];
      const auto& next = group.nodes[(n + 1) % group.nodes.size()];
      const std::size_t first = owner_of(rail, node.size(), rails);
      if (node.size() > 1) {  // From the NIC's GPU through all others and back to it.
        for (const Hop& h : ring_inside(group.fabric, node, first, true)) {
          add(h.from, h.to, h.share);
        }
      }
      add(node[first], next[owner_of(rail, next.size(), rails)]);
    }
  });
}

std::vector<RingOrder> orders_of(const StepRequest& r) { return ring_orders(r.group, rail_of(r)); }

std::uint64_t count_ring(const StepRequest& r) {
  const std::uint64_t n = r.group.members.size();
  const std::uint64_t rounds = r.op == Collective::kAllReduce ? 2 : 1;
  return orders_of(r).size() * rounds * (n - 1) * n;
}

// One pass round the ring. Position i sends piece i - s + shift in step s, which it got in the step
// before; bytes of one connection go in order.
void add_pass(const RingOrder& ring, std::uint32_t first_piece, Message message,
              std::uint32_t shift, std::vector<std::uint32_t>& last, Steps& steps) {
  const auto n = static_cast<std::uint32_t>(ring.place.size());
  for (std::uint32_t s = 0; s + 1 < n; ++s) {
    std::vector<std::uint32_t> sent(n);
    for (std::uint32_t i = 0; i < n; ++i) {
      message.from = ring.place[i];
      message.to = ring.place[(i + 1) % n];
      message.relay = ring.relay[i];
      message.piece = first_piece + (i + 2 * n - s - shift) % n;
      sent[i] = steps.add(message, {last[(i + n - 1) % n], last[i]});
    }
    last = std::move(sent);
  }
}

// Reduce-scatter starts with the neighbour's piece, so that each ends with its own; all-gather
// starts with one's own; all-reduce is the one after the other.
Steps write_ring(const StepRequest& r) {
  Steps steps;
  const std::vector<RingOrder> rings = orders_of(r);
  const auto n = static_cast<std::uint32_t>(r.group.members.size());
  const bool adds = r.op != Collective::kAllGather, gathers = r.op != Collective::kReduceScatter;
  Message message;
  message.stream = 1 / static_cast<double>(rings.size());
  message.share = message.stream / ((adds && gathers ? 2.0 : 1.0) * (n - 1));
  for (const RingOrder& ring : rings) {
    const auto first_piece = static_cast<std::uint32_t>(steps.pieces.size());
    for (const std::uint32_t place : ring.place) {
      steps.pieces.push_back({adds ? kEverybody : place, gathers ? kEverybody : place});
    }
    std::vector<std::uint32_t> last(n, kNoPlace);
    message.adds = true;
    if (adds) add_pass(ring, first_piece, message, 1, last, steps);
    message.adds = false;
    if (gathers) add_pass(ring, first_piece, message, 0, last, steps);
  }
  return steps;
}

}  // namespace

extern const CollectiveKind kRing{.name = "ring",
                                  .summary = "a ring on each rail",
                                  .serves = serves_ring,
                                  .terms = ring_terms,
                                  .lay = lay_ring,
                                  .count_steps = count_ring,
                                  .write_steps = write_ring};

}  // namespace tenk
