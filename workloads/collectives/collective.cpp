#include "workloads/collectives/collective.h"

#include "sim/base/error.h"

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
    shape.rails = std::min(shape.rails, static_cast<std::uint32_t>(node.size()));
  }
  return shape;
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
  const Time table = request.tuning->network[static_cast<std::size_t>(algorithm)][p];
  return table + request.path * (protocol == Protocol::kSimple ? 2 : 1);
}

std::optional<Time> point_to_point_latency(const Request& request, Protocol protocol) {
  const bool inside = request.shape.nodes == 1;
  if (protocol == Protocol::kLL128 || (protocol == Protocol::kLL && !inside)) return std::nullopt;
  const auto p = static_cast<std::size_t>(protocol);
  constexpr auto kRing = static_cast<std::size_t>(Algorithm::kRing);
  const CollectiveTuning& t = *request.tuning;
  return t.base[kRing][p] +
         (inside ? t.nvlink[kRing][p] : network_step(request, Algorithm::kRing, protocol));
}

Choice choose(const Request& request) {
  Choice best;
  for (const CollectiveKind* kind : collective_kinds()) {
    if (!kind->serves(request.op)) continue;
    for (const Protocol p : {Protocol::kLL, Protocol::kLL128, Protocol::kSimple}) {
      const std::optional<Terms> terms = kind->terms(request, p);
      if (!terms) continue;
      if (best.kind == nullptr || terms->predicted < best.terms.predicted) {
        best = {kind, p, *terms};
      }
    }
  }
  TENK_CHECK(best.kind != nullptr, "some algorithm serves every operation");
  return best;
}

}  // namespace tenk
