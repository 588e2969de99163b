// All-to-all as a connection between every two members, all at once. Traffic to another rail
// gathers at the NVLink neighbour on that rail (NCCL's PXN) where the nodes allow it.
#include "workloads/collectives/collective.h"

namespace tenk {
namespace {

bool serves_pairwise(Collective op) { return op == Collective::kAllToAll; }

std::optional<Terms> pairwise_terms(const Request& r, Protocol protocol) {
  const std::optional<Time> latency = point_to_point_latency(r, protocol);
  if (!latency) return std::nullopt;
  Terms terms;
  terms.latency = *latency;
  terms.bytes = r.bytes.value() / r.shape.ranks;
  const double n = r.shape.ranks;
  const Bandwidth own = r.shape.nodes == 1 ? r.node_bus : r.network_bus / r.shape.rails;
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
