// All-to-all as a connection between every two members, all at once. Traffic to another rail
// gathers at the NVLink neighbour on that rail (NCCL's PXN) where the nodes allow it.
//
// Inside a node what goes out of a GPU is limited, and what its channels move altogether, the copy
// to itself included: with two GPUs half of the work is that copy.
#include "workloads/collectives/collective.h"
#include "workloads/collectives/pairs.h"

namespace tenk {
namespace {

bool serves_pairwise(Collective op) { return op == Collective::kAllToAll; }

std::optional<Terms> pairwise_terms(const Request& r, Protocol protocol) {
  const double n = r.shape.ranks;
  const CollectiveTuning& t = *r.tuning;
  const std::optional<Time> latency = pair_latency(r, protocol, r.bytes.value() / n);
  if (!latency) return std::nullopt;
  Terms terms;
  terms.channels = r.channels();
  terms.latency = *latency;
  terms.bytes = r.bytes.value() / n;
  const PointToPoint& p = t.pairs;
  if (protocol == Protocol::kLL) {
    terms.cap = Bandwidth::per_second(p.ll_rate.value / (n - 1));
  } else if (r.shape.nodes == 1) {
    terms.cap = Bandwidth::per_second(std::min(p.out.value / (n - 1), p.all.value / n));
  } else {
    const double away = n - n / r.shape.nodes;
    const Bandwidth nic = r.line_rate() * (t.nic.pair_efficiency.value / r.shape.rails);
    terms.cap = nic / away;
  }
  terms.predicted = terms.latency;  // Only one protocol is offered.
  return terms;
}

std::vector<Lane> lay_pairwise(const Group& group, const CollectiveTuning&, int way) {
  Lane lane;
  group.fabric.connect_all_pairs(group.members, {1, 0, way}, lane.usage);
  merge_usage(lane.usage);
  return {lane};
}

std::uint64_t count_pairwise(const StepRequest& r) {
  const std::uint64_t n = r.group.members.size();
  return n * (n - 1);
}

Steps write_pairwise(const StepRequest& r) {
  Steps steps;
  const auto n = static_cast<std::uint32_t>(r.group.members.size());
  for (std::uint32_t from = 0; from < n; ++from) {
    for (std::uint32_t to = 0; to < n; ++to) {
      if (from == to) continue;
      steps.pieces.push_back({from, to});
      Message message;
      message.from = from;
      message.to = to;
      message.piece = static_cast<std::uint32_t>(steps.pieces.size() - 1);
      steps.add(message, {});
    }
  }
  return steps;
}

}  // namespace

extern const CollectiveKind kPairwise{.name = "pairwise",
                                      .summary = "a connection between every two members",
                                      .serves = serves_pairwise,
                                      .terms = pairwise_terms,
                                      .lay = lay_pairwise,
                                      .count_steps = count_pairwise,
                                      .write_steps = write_pairwise};

}  // namespace tenk
