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

namespace tenk {
namespace {

constexpr auto kRingTable = static_cast<std::size_t>(Algorithm::kRing);

bool serves_ring(Collective op) {
  return op == Collective::kAllReduce || op == Collective::kAllGather ||
         op == Collective::kReduceScatter;
}

std::int64_t rounds_of(const Request& r) { return r.op == Collective::kAllReduce ? 2 : 1; }
std::int64_t steps_of(const Request& r) { return rounds_of(r) * (r.shape.ranks - 1); }
std::int64_t steps_between(const Request& r) { return rounds_of(r) * (r.shape.nodes - 1); }

// NCCL's estimate of the latency.
Time planned_latency(const Request& r, Protocol protocol) {
  const auto p = static_cast<std::size_t>(protocol);
  const CollectiveTuning& t = *r.tuning;
  const std::int64_t steps = steps_of(r), between = steps_between(r);
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

// NCCL's estimate of the bus bandwidth.
Bandwidth planned_bus(const Request& r, Protocol protocol) {
  const CollectiveTuning& t = *r.tuning;
  const Bandwidth bus = r.planned_bus();
  if (protocol == Protocol::kLL) return std::min(t.ll_total[r.node_class()], bus * 0.5);
  if (protocol == Protocol::kSimple) return bus;
  return std::min(bus * 0.92, t.ring_ll128[r.node_class()] * r.channels());
}

Time latency_of(const Request& r, Protocol protocol) {
  const auto p = static_cast<std::size_t>(protocol);
  const RingPace& pace = r.tuning->pace[p];
  const std::int64_t steps = steps_of(r), between = steps_between(r);
  Time inner = Time::seconds(pace.step.value);
  if (between > 0) {
    inner = std::max(inner, r.tuning->network_overhead * (protocol == Protocol::kSimple ? 3 : 1));
  }
  const bool alone = r.shape.nodes == r.shape.ranks;
  const Time outer = network_step(r, alone ? Algorithm::kTree : Algorithm::kRing, protocol);
  return Time::seconds(pace.base.value) + inner * (steps - between) + outer * between;
}

// The rate on each edge of all channels together, as far as the links do not decide.
Bandwidth rate_of(const Request& r, Protocol protocol) {
  const CollectiveTuning& t = *r.tuning;
  const RingPace& pace = t.pace[static_cast<std::size_t>(protocol)];
  Bandwidth rate = Bandwidth::unlimited();
  if (pace.rate.value > 0) rate = Bandwidth::per_second(pace.rate.value);
  if (r.shape.nodes > 1 && protocol == Protocol::kLL) {
    rate = std::min(rate, Bandwidth::per_second(t.nic.ll_rate.value * r.shape.rails));
  }
  if (r.shape.nodes > 1 && protocol == Protocol::kLL128) {
    rate = std::min(rate, t.ring_ll128[r.node_class()] * r.channels());
  }
  if (protocol == Protocol::kSimple && r.shape.nodes == 1) {
    const double edges = static_cast<double>(steps_of(r));  // Pieces over each, for one copied.
    const double copy = 1 / (t.own_copy.value * edges);
    rate = Bandwidth::per_second(1 / (1 / r.node_bus.value() + copy));
  }
  return rate;
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
  terms.latency = latency_of(r, protocol);
  terms.bytes = moved / r.channels();
  terms.cap = rate_of(r, protocol) / r.channels();
  if (protocol == Protocol::kSimple) {
    const double inside = t.pace[2].floor.value;
    const double step = r.shape.nodes > 1 ? std::max(inside, t.nic.ring_step.value) : inside;
    Time floor = Time::seconds(step * static_cast<double>(steps_of(r)));
    if (r.shape.nodes > 1) floor = std::max(Time(), floor - terms.latency);
    terms.cap = std::min(terms.cap, paced(terms.bytes, floor));
  }
  terms.predicted = planned_latency(r, protocol) + duration(moved, planned_bus(r, protocol));
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

// One of the rings that a channel is made of, as places in order; `relay`: the member whose NIC the
// hop from there passes.
struct RingOrder {
  std::vector<std::uint32_t> place, relay;
};

// As lay_ring lays it: into each node at the GPU of the rail's NIC and, from the last of the node,
// out by that NIC. A mesh has several rings; a node with fewer than another takes them in turn.
std::vector<RingOrder> orders_of(const StepRequest& r) {
  const Group& g = r.group;
  const GroupShape shape = shape_of(g);
  const bool inside = shape.nodes == 1;
  const auto rail = static_cast<std::uint32_t>(inside ? 0 : r.channel / r.tuning.nic_channels);
  std::vector<std::vector<std::vector<std::uint32_t>>> rings;
  std::size_t most = 1;
  for (const auto& node : g.nodes) {
    const std::size_t first = inside ? 0 : owner_of(rail, node.size(), shape.rails);
    rings.push_back(rings_inside(g.fabric, node, first));
    most = std::max(most, rings.back().size());
  }
  std::vector<RingOrder> orders(most);
  for (std::size_t v = 0; v < most; ++v) {
    for (const auto& of_node : rings) {
      const std::vector<std::uint32_t>& ring = of_node[v % of_node.size()];
      const std::uint32_t entry = place_of(g, ring.front());
      for (const std::uint32_t a : ring) {
        orders[v].place.push_back(place_of(g, a));
        orders[v].relay.push_back(kNoPlace);
      }
      if (!inside && ring.size() > 1) orders[v].relay.back() = entry;
    }
  }
  return orders;
}

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
