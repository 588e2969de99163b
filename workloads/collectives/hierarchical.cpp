// All-to-all in two steps (the 2-D algorithm of Tutel: Hwang et al., MLSys 2023; the same way as
// NCCL's PXN, but step by step): inside each node every member hands what is for member j of any
// node to its node's member j; then members of the same number exchange between the nodes, one
// message for each two nodes and rail. Bytes between nodes are those of pairwise; messages are
// long.
#include "workloads/collectives/collective.h"

namespace tenk {
namespace {

bool serves_hierarchical(Collective op) { return op == Collective::kAllToAll; }

// What a member sends in both steps, in buffers: to its own node all but its own share, away from
// it all but the node's.
double sent_by(double members, double nodes) { return 2 - 1 / members - 1 / nodes; }

// Start, and the rate of members inside, are those of grouped sends (profiles/collectives); both
// steps one after the other (assumed).
std::optional<Terms> hierarchical_terms(const Request& r, Protocol protocol) {
  if (protocol != Protocol::kSimple || r.shape.nodes < 2 || !r.shape.even ||
      r.shape.ranks == r.shape.nodes) {
    return std::nullopt;
  }
  const CollectiveTuning& t = *r.tuning;
  const double nodes = r.shape.nodes, members = r.shape.ranks / nodes;
  const double nic = r.line_rate().value() * t.nic.pair_efficiency.value / members;
  const double seconds =
      r.bytes.value() * ((1 - 1 / members) / t.pairs.out.value + (1 - 1 / nodes) / nic);
  Terms terms;
  terms.channels = r.channels();
  terms.latency =
      Time::seconds(2 * t.pairs.base.value) + network_step(r, Algorithm::kRing, protocol);
  terms.bytes = r.bytes.value() * sent_by(members, nodes);
  terms.cap = Bandwidth::per_second(terms.bytes / seconds);
  terms.predicted = terms.latency;  // Only one protocol is offered.
  return terms;
}

std::vector<Lane> lay_hierarchical(const Group& group, const CollectiveTuning&, int way) {
  const std::size_t nodes = group.nodes.size(), members = group.nodes[0].size();
  const double sent = sent_by(static_cast<double>(members), static_cast<double>(nodes));
  Lane lane;
  for (const auto& node : group.nodes) {
    group.fabric.connect_all_pairs(node, {1 / (sent * static_cast<double>(members)), 0, way},
                                   lane.usage);
  }
  for (std::size_t j = 0; j < members; ++j) {
    std::vector<std::uint32_t> rail;
    for (const auto& node : group.nodes) rail.push_back(node[j]);
    group.fabric.connect_all_pairs(rail, {1 / (sent * static_cast<double>(nodes)), 0, way},
                                   lane.usage);
  }
  merge_usage(lane.usage);
  return {lane};
}

std::uint64_t count_hierarchical(const StepRequest& r) {
  const std::uint64_t n = r.group.members.size(), nodes = r.group.nodes.size();
  const std::uint64_t members = n / nodes;
  return n * ((members - 1) * nodes + (nodes - 1) * members);
}

// A message for each two members, on either step of its way. Members are numbered node by node.
Steps write_hierarchical(const StepRequest& r) {
  Steps steps;
  const auto n = static_cast<std::uint32_t>(r.group.members.size());
  const auto nodes = static_cast<std::uint32_t>(r.group.nodes.size());
  const std::uint32_t members = n / nodes;
  const auto piece = [n](std::uint32_t from, std::uint32_t to) { return from * n + to; };
  for (std::uint32_t from = 0; from < n; ++from) {
    for (std::uint32_t to = 0; to < n; ++to) steps.pieces.push_back({from, to});
  }
  Message message;
  message.share = 1 / (sent_by(members, nodes) * n);
  message.stream = 1.0 / ((members - 1) * nodes);
  std::vector<std::uint32_t> arrived(std::size_t{n} * n, kNoPlace);  // By piece: at its relay.
  std::vector<std::uint32_t> last(n, kNoPlace);                      // Into a member.
  for (std::uint32_t from = 0; from < n; ++from) {
    for (std::uint32_t to = 0; to < n; ++to) {
      const std::uint32_t relay = from / members * members + to % members;
      if (relay == from) continue;
      message.from = from;
      message.to = relay;
      message.piece = piece(from, to);
      last[relay] = arrived[message.piece] = steps.add(message, {});
    }
  }
  message.stream = 1.0 / ((nodes - 1) * members);
  for (std::uint32_t from = 0; from < n; ++from) {
    for (std::uint32_t to = 0; to < n; ++to) {
      if (from / members == to / members) continue;
      message.from = from / members * members + to % members;
      message.to = to;
      message.piece = piece(from, to);
      steps.add(message, {arrived[message.piece], last[message.from]});
    }
  }
  return steps;
}

}  // namespace

extern const CollectiveKind kHierarchical{
    .name = "hierarchical",
    .summary = "all-to-all inside the nodes, then between members of one number",
    .serves = serves_hierarchical,
    .terms = hierarchical_terms,
    .lay = lay_hierarchical,
    .count_steps = count_hierarchical,
    .write_steps = write_hierarchical,
    .on_request = true};

}  // namespace tenk
