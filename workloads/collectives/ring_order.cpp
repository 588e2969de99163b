#include "workloads/collectives/ring_order.h"

#include <algorithm>

#include "workloads/collectives/collective.h"
#include "workloads/collectives/inside.h"

namespace tenk {

std::vector<RingOrder> ring_orders(const Group& group, std::uint32_t rail) {
  const GroupShape shape = shape_of(group);
  const bool inside = shape.nodes == 1;
  std::vector<std::vector<std::vector<std::uint32_t>>> rings;
  std::size_t most = 1;
  for (const auto& node : group.nodes) {
    const std::size_t first = inside ? 0 : owner_of(rail, node.size(), shape.rails);
    rings.push_back(rings_inside(group.fabric, node, first));
    most = std::max(most, rings.back().size());
  }
  std::vector<RingOrder> orders(most);
  for (std::size_t v = 0; v < most; ++v) {
    for (const auto& of_node : rings) {
      const std::vector<std::uint32_t>& ring = of_node[v % of_node.size()];
      const std::uint32_t entry = place_of(group, ring.front());
      for (const std::uint32_t a : ring) {
        orders[v].place.push_back(place_of(group, a));
        orders[v].relay.push_back(kNoPlace);
      }
      if (!inside && ring.size() > 1) orders[v].relay.back() = entry;
    }
  }
  return orders;
}

std::uint32_t rail_of(const StepRequest& r) {
  if (r.group.nodes.size() == 1) return 0;
  return static_cast<std::uint32_t>(r.channel / static_cast<std::uint64_t>(r.tuning.nic_channels));
}

}  // namespace tenk
