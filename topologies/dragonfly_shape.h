// Where are the routers and cables of a dragonfly?
//
// Groups of `a` routers, each with `p` node ports, `h` ports for other groups, and cables to every
// router of its group; every two groups are joined by the same number of cables (Kim, Dally,
// Scott, Abts, ISCA 2008).
//
// The global ports of group x are dealt to its peers in turns of x + 1, x + 2, ... (the palm tree
// arrangement), once for each cable of a pair; these slots fill the routers evenly and in order,
// so that the cables of a pair lie apart. Slot k of a group joins slot last - k of its peer.
#pragma once
#include <cstdint>

#include "topologies/network.h"

namespace tenk {

struct DragonflyShape {
  std::uint32_t p = 1, a = 1, h = 1, groups = 2;
  std::uint32_t local = 1, global = 1;  // Cables of a pair of routers; of a pair of groups.
  std::uint32_t ports = 0, ports_per_node = 1;
  std::uint32_t hosts = 1;                           // Node ports of a router as used: p, or more
                                                     // if the nodes do not fit.
  std::uint32_t host0 = 0, local0 = 0, global0 = 0;  // First links of the three stages.

  std::uint32_t routers() const { return a * groups; }
  std::uint32_t router_of(PortId port) const { return port.value / hosts; }
  std::uint32_t local_pairs() const { return a * (a - 1) / 2; }
  std::uint32_t slots() const { return (groups - 1) * global; }  // Global cables of a group.
  std::uint32_t local_cables() const { return groups * local_pairs() * local; }
  std::uint32_t global_cables() const { return groups * slots() / 2; }

  // The number of the pair low < high of n things, as (0,1), (0,2), ..., (1,2), ...
  static std::uint32_t pair(std::uint32_t low, std::uint32_t high, std::uint32_t n) {
    return low * (2 * n - low - 1) / 2 + high - low - 1;
  }
  // The router of group `x` that cable `c` (as x counts) to group `y` hangs on, within the group.
  // What y counts as the same cable is global - 1 - c.
  std::uint32_t end_router(std::uint32_t x, std::uint32_t y, std::uint32_t c) const {
    const std::uint64_t slot = std::uint64_t{c} * (groups - 1) + (y + groups - x - 1) % groups;
    return static_cast<std::uint32_t>(slot * a / slots());
  }

  LinkId host_up(PortId port) const { return LinkId(host0 + 2 * port.value); }
  LinkId host_down(PortId port) const { return LinkId(host0 + 2 * port.value + 1); }
  // From router i to j of a group (different), cable k.
  LinkId local_link(std::uint32_t group, std::uint32_t i, std::uint32_t j, std::uint32_t k) const {
    const std::uint32_t at = group * local_pairs() + (i < j ? pair(i, j, a) : pair(j, i, a));
    return LinkId(local0 + 2 * (at * local + k) + (i < j ? 0 : 1));
  }
  // From group x to y (different), cable c as x counts.
  LinkId global_link(std::uint32_t x, std::uint32_t y, std::uint32_t c) const {
    const std::uint32_t at =
        x < y ? pair(x, y, groups) * global + c : pair(y, x, groups) * global + (global - 1 - c);
    return LinkId(global0 + 2 * at + (x < y ? 0 : 1));
  }
};

// Lays trunks and routes; the links stand in the order host, local, global, each pair in turn.
std::shared_ptr<const Router> route_dragonfly(const DragonflyShape& shape, RoutingPolicy policy,
                                              const Graph& graph, TrunkTable& trunks);

}  // namespace tenk
