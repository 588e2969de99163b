// One message from the first member of a pair to the second.
//
// Latency: one operation and one step of the ring tables (assumed: NCCL's cost model has no entry
// for point-to-point operations).
#include "workloads/collectives/collective.h"

namespace tenk {
namespace {

bool serves_send(Collective op) { return op == Collective::kSend; }

std::optional<Terms> send_terms(const Request& r, Protocol protocol) {
  const bool inside = r.shape.nodes == 1;
  if (protocol == Protocol::kLL128 || (protocol == Protocol::kLL && !inside)) return std::nullopt;
  const auto p = static_cast<std::size_t>(protocol);
  constexpr auto kRing = static_cast<std::size_t>(Algorithm::kRing);
  const CollectiveTuning& t = *r.tuning;
  Terms terms;
  terms.latency = t.base[kRing][p] +
                  (inside ? t.nvlink[kRing][p] : network_step(r, Algorithm::kRing, protocol));
  terms.bytes = r.bytes.value();
  terms.predicted = terms.latency + duration(r.bytes.value() * wire_overhead(protocol), r.bus());
  return terms;
}

std::vector<Lane> lay_send(const Group& group, const CollectiveTuning&, int way) {
  Lane lane;
  group.fabric.connect(group.members[0], group.members[1], {1, 0, way}, lane.usage);
  merge_usage(lane.usage);
  return {lane};
}

}  // namespace

extern const CollectiveKind kSend{.name = "send",
                                  .summary = "one message from one rank to another",
                                  .serves = serves_send,
                                  .terms = send_terms,
                                  .lay = lay_send};

}  // namespace tenk
