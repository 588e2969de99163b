#include "workloads/collectives/collective.h"

#include "sim/base/error.h"
#include "sim/base/kinds.h"

namespace tenk {

Group make_group(const Fabric& fabric, std::span<const std::uint32_t> members) {
  Group group{fabric, members, {}};
  for (std::size_t first = 0, last = 0; first < members.size(); first = last) {
    while (last < members.size() &&
           fabric.node_of(members[last]) == fabric.node_of(members[first])) {
      ++last;
    }
    group.nodes.push_back(members.subspan(first, last - first));
  }
  return group;
}

GroupShape shape_of(const Group& group) {
  GroupShape shape;
  shape.ranks = static_cast<std::uint32_t>(group.members.size());
  shape.nodes = static_cast<std::uint32_t>(group.nodes.size());
  shape.rails = shape.ranks;
  for (const auto& node : group.nodes) {
    std::uint32_t nics = 0;
    for (std::size_t i = 0; i < node.size(); ++i) {  // Members that share a NIC follow each other.
      nics += i == 0 || group.fabric.port_of(node[i]) != group.fabric.port_of(node[i - 1]);
    }
    shape.rails = std::min(shape.rails, nics);
    shape.even = shape.even && node.size() == group.nodes[0].size();
  }
  return shape;
}

std::uint32_t place_of(const Group& group, std::uint32_t accelerator) {
  const auto at = std::lower_bound(group.members.begin(), group.members.end(), accelerator);
  TENK_CHECK(at != group.members.end() && *at == accelerator, "a member of the group");
  return static_cast<std::uint32_t>(at - group.members.begin());
}

int Request::channels() const {
  if (shape.nodes == 1) return tuning->node_channels;
  return static_cast<int>(shape.rails) * tuning->nic_channels;
}

double wire_overhead(Protocol protocol) {
  if (protocol == Protocol::kLL) return 2;
  return protocol == Protocol::kLL128 ? 128.0 / 120 : 1;
}

Time network_step(const Request& request, Algorithm algorithm, Protocol protocol) {
  const auto p = static_cast<std::size_t>(protocol);
  const CollectiveTuning& t = *request.tuning;
  const bool simple = protocol == Protocol::kSimple;
  const Known& extra = simple ? t.nic.hop : t.nic.ll_hop;
  return t.network[static_cast<std::size_t>(algorithm)][p] + Time::seconds(extra.value) +
         request.path * (simple ? 2 : 1);
}

Time chunk_delay(const Request& request) {
  constexpr double kMiB = 1048576;
  const NicTuning& nic = request.tuning->nic;
  return Time::seconds(
      std::min(nic.fill.value * request.bytes.value() / kMiB, nic.fill_most.value));
}

Bandwidth paced(double bytes, Time floor) {
  if (floor <= Time() || bytes <= 0) return Bandwidth::unlimited();
  return Bandwidth::per_second(bytes / floor.s());
}

namespace {

// Keeps the better of `best` and what `kind` predicts for its protocols.
void consider(const CollectiveKind& kind, const Request& request, Choice& best) {
  for (const Protocol p : {Protocol::kLL, Protocol::kLL128, Protocol::kSimple}) {
    const std::optional<Terms> terms = kind.terms(request, p);
    if (!terms) continue;
    if (best.kind == nullptr || terms->predicted < best.terms.predicted) best = {&kind, p, *terms};
  }
}

}  // namespace

Choice choose(const Request& request) {
  Choice best;
  const auto asked = request.tuning->asked.find(request.op);
  if (asked != request.tuning->asked.end()) {
    const CollectiveKind* kind = find_kind(collective_kinds(), asked->second);
    TENK_CHECK(kind != nullptr && kind->serves(request.op), "an algorithm of this operation");
    consider(*kind, request, best);
    if (best.kind != nullptr) return best;
  }
  for (const CollectiveKind* kind : collective_kinds()) {
    if (!kind->serves(request.op) || kind->on_request) continue;
    if (!request.tuning->forbids(kind->name)) consider(*kind, request, best);
  }
  if (best.kind == nullptr) {
    throw Error(ErrorKind::kInvalid, "every algorithm for this operation is forbidden");
  }
  return best;
}

}  // namespace tenk
