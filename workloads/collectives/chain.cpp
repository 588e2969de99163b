#include "workloads/collectives/chain.h"

#include <cmath>

#include "workloads/collectives/ring_order.h"
#include "workloads/collectives/ring_pace.h"

namespace tenk {
namespace {

struct ChainHop {
  std::uint32_t from = 0, relay = kNoPlace, to = 0;  // Places.
};

// The hops of one ring without the one that a chain from, or to, the root leaves out.
std::vector<ChainHop> hops_of(const RingOrder& ring, ChainWay direction) {
  const std::size_t n = ring.place.size();
  const auto root = static_cast<std::size_t>(std::find(ring.place.begin(), ring.place.end(), 0u) -
                                             ring.place.begin());
  const std::size_t first = direction == ChainWay::kFromRoot ? root : root + 1;
  std::vector<ChainHop> hops;
  for (std::size_t i = 0; i + 1 < n; ++i) {
    const std::size_t at = (first + i) % n;
    hops.push_back({ring.place[at], ring.relay[at], ring.place[(at + 1) % n]});
  }
  return hops;
}

std::uint32_t pieces_of(const StepRequest& r, std::size_t rings) {
  constexpr double kChunk = 524288;
  const double each = r.payload / static_cast<double>(rings);
  return static_cast<std::uint32_t>(std::clamp(std::ceil(each / kChunk), 1.0, 1e9));
}

}  // namespace

std::optional<Terms> chain_terms(const Request& r, Protocol protocol) {
  const auto p = static_cast<std::size_t>(protocol);
  const CollectiveTuning& t = *r.tuning;
  const bool inside = r.shape.nodes == 1;
  if (protocol == Protocol::kLL128 && !(inside ? t.node_ll128 : t.nic.ll128)) return std::nullopt;
  const RingSteps steps{r.shape.ranks - 1, r.shape.nodes - 1};
  Terms terms;
  terms.channels = r.channels();
  terms.latency = ring_latency(r, protocol, steps);
  terms.bytes = r.bytes.value() / r.channels();
  terms.cap = std::min(ring_rate(r, protocol) / r.channels(),
                       paced(terms.bytes, ring_floor(r, protocol, steps, terms.latency)));
  constexpr auto kRing = static_cast<std::size_t>(Algorithm::kRing);
  constexpr auto kTree = static_cast<std::size_t>(Algorithm::kTree);
  const bool alike = r.shape.rails == 1 || inside;
  const bool as_tree = !alike && protocol == Protocol::kSimple;
  const Time step = (inside ? t.nvlink : t.network)[as_tree ? kTree : kRing][p];
  terms.predicted = t.base[kRing][p] + step * (alike ? 1 : steps.all) +
                    duration(r.bytes, planned_ring_bus(r, protocol));
  return terms;
}

std::vector<Lane> lay_chain(const Group& group, const CollectiveTuning& tuning, int way,
                            ChainWay direction) {
  return lay_channels(group, tuning, way, [&](std::uint32_t rail, int, const auto& add) {
    const std::vector<RingOrder> rings = ring_orders(group, rail);
    const double share = 1 / static_cast<double>(rings.size());
    for (const RingOrder& ring : rings) {
      for (const ChainHop& h : hops_of(ring, direction)) {
        std::uint32_t from = group.members[h.from];
        if (h.relay != kNoPlace) {
          add(from, group.members[h.relay], share);
          from = group.members[h.relay];
        }
        add(from, group.members[h.to], share);
      }
    }
  });
}

std::uint64_t count_chain(const StepRequest& r) {
  const std::size_t rings = ring_orders(r.group, rail_of(r)).size();
  return rings * pieces_of(r, rings) * (r.group.members.size() - 1);
}

Steps write_chain(const StepRequest& r, ChainWay direction) {
  Steps steps;
  const std::vector<RingOrder> rings = ring_orders(r.group, rail_of(r));
  const std::uint32_t pieces = pieces_of(r, rings.size());
  Message message;
  message.stream = 1 / static_cast<double>(rings.size());
  message.share = message.stream / pieces;
  message.adds = direction == ChainWay::kToRoot;
  for (const RingOrder& ring : rings) {
    const std::vector<ChainHop> hops = hops_of(ring, direction);
    std::vector<std::uint32_t> before(hops.size(), kNoPlace);  // The last piece on each hop.
    for (std::uint32_t p = 0; p < pieces; ++p) {
      message.piece = static_cast<std::uint32_t>(steps.pieces.size());
      steps.pieces.push_back(message.adds ? Fragment{kEverybody, 0} : Fragment{0, kEverybody});
      std::uint32_t arrived = kNoPlace;
      for (std::size_t h = 0; h < hops.size(); ++h) {
        message.from = hops[h].from;
        message.to = hops[h].to;
        message.relay = hops[h].relay;
        arrived = before[h] = steps.add(message, {arrived, before[h]});
      }
    }
  }
  return steps;
}

}  // namespace tenk
