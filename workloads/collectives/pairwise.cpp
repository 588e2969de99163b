// All-to-all as a connection between every two members, all at once. Traffic to another rail
// gathers at the NVLink neighbour on that rail (NCCL's PXN) where the nodes allow it.
//
// Latency: one operation and one step, however many peers there are (assumed: NCCL's cost model
// has no entry for point-to-point operations).
#include "workloads/collectives/collective.h"

namespace tenk {
namespace {

bool serves_pairwise(Collective op) { return op == Collective::kAllToAll; }

std::optional<Terms> pairwise_terms(const Request& r, Protocol protocol) {
  if (protocol == Protocol::kLL128) return std::nullopt;
  const bool inside = r.shape.nodes == 1;
  if (protocol == Protocol::kLL && !inside) return std::nullopt;
  const auto p = static_cast<std::size_t>(protocol);
  constexpr auto kRing = static_cast<std::size_t>(Algorithm::kRing);
  const CollectiveTuning& t = *r.tuning;
  Terms terms;
  terms.latency = t.base[kRing][p] +
                  (inside ? t.nvlink[kRing][p] : network_step(r, Algorithm::kRing, protocol));
  terms.bytes = r.bytes.value() / r.shape.ranks;
  const double n = r.shape.ranks;
  const Bandwidth own = inside ? r.node_bus : r.network_bus / r.shape.rails;
  terms.predicted =
      terms.latency + duration(r.bytes.value() * (n - 1) / n * wire_overhead(protocol), own);
  return terms;
}

std::vector<Lane> lay_pairwise(const Group& group, const CollectiveTuning&, int way) {
  Lane lane;
  group.fabric.connect_all_pairs(group.members, {1, 0, way}, lane.usage);
  merge_usage(lane.usage);
  return {lane};
}

}  // namespace

extern const CollectiveKind kPairwise{.name = "pairwise",
                                      .summary = "a connection between every two members",
                                      .serves = serves_pairwise,
                                      .terms = pairwise_terms,
                                      .lay = lay_pairwise};

}  // namespace tenk
