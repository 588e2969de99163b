// How is a CLOS network given, and how many switches and cables does that make?
//
// Leaves serve node ports; spines join the leaves of a pod; cores join pods. A two-tier network is
// one pod without cores. Spine j of each pod is in plane j and reaches only the cores of plane j
// (Al-Fares, Loukissas, Vahdat, SIGCOMM 2008). With rails > 1 the NICs of a node are spread over
// that many leaves (rail-optimised, NVIDIA DGX SuperPOD reference architecture).
//
// Sizing follows the published SuperPOD tables: the top tier uses the most parallel cables per
// pair that divide its uplinks and still let one switch reach everybody, so it has the fewest
// switches.
#pragma once
#include <vector>

#include "topologies/network.h"

namespace tenk {

// One switch of a level. Uplinks may be fractional (3072 / 7): capacity is exact, cables are
// rounded up.
struct Level {
  std::int64_t down = 0;
  double up = 0;
  std::int64_t radix = 0;  // Ports it has, both ways; 0: as many as needed.
};

struct ClosSpec {
  std::vector<Level> levels;  // Leaf, spine and, with three tiers, core (down only).
  std::int64_t rails = 1;
  LinkSpec link;
  RoutingSpec routing;
  bool open_core = false;       // The core's size was left open.
  std::uint32_t sized_for = 0;  // Nodes the network has room for, even if fewer are there.
};

// Everything countable about the network; the index arithmetic of devices and links.
struct ClosShape {
  std::uint32_t nodes = 0, ports = 0, ports_per_node = 0, rails = 1;
  std::uint32_t nodes_per_unit = 0;  // Nodes that share a set of `rails` leaves.
  std::uint32_t leaves = 0, leaves_per_pod = 0, pods = 1;
  std::uint32_t up = 0, spines_per_pod = 0, leaf_parallel = 1;  // Cables of a leaf; per spine.
  std::uint32_t core_up = 0, cores_per_plane = 0, core_parallel = 1;
  double up_share = 1, core_up_share = 1;         // Capacity of a cable, as a fraction of the rate.
  std::uint32_t host0 = 0, leaf0 = 0, core0 = 0;  // First links of the three stages.

  std::uint32_t leaf_of(PortId p) const {
    const std::uint32_t node = p.value / ports_per_node, nic = p.value % ports_per_node;
    return node / nodes_per_unit * rails + nic * rails / ports_per_node;
  }
  std::uint32_t hosts_per_leaf() const { return nodes_per_unit * (ports_per_node / rails); }
  // Links of the three stages together.
  std::uint32_t links() const {
    return 2 * (ports + leaves * up + pods * spines_per_pod * core_up);
  }
  std::uint32_t pod_of(std::uint32_t leaf) const { return leaf / leaves_per_pod; }
  LinkId host_up(PortId p) const { return LinkId(host0 + 2 * p.value); }
  LinkId host_down(PortId p) const { return LinkId(host0 + 2 * p.value + 1); }
  LinkId leaf_up(std::uint32_t leaf, std::uint32_t t) const {
    return LinkId(leaf0 + 2 * (leaf * up + t));
  }
  LinkId leaf_down(std::uint32_t leaf, std::uint32_t t) const {
    return LinkId(leaf0 + 2 * (leaf * up + t) + 1);
  }
  LinkId core_up_link(std::uint32_t pod, std::uint32_t plane, std::uint32_t t) const {
    return LinkId(core0 + 2 * ((pod * spines_per_pod + plane) * core_up + t));
  }
  LinkId core_down_link(std::uint32_t pod, std::uint32_t plane, std::uint32_t t) const {
    return LinkId(core_up_link(pod, plane, t).value + 1);
  }
};

// Reads `tiers`, `radix` and `oversubscription`, or `levels`.
void read_clos_levels(Section& s, ClosSpec& spec);
// Reads `routing`: spray, ecmp-expected, ecmp-hash, flowlets or adaptive.
RoutingSpec read_clos_routing(Section& s);

// Faults go to the section; the result is then harmless but of no use.
ClosShape size_clos(Section& s, const ClosSpec& spec, const NetworkShape& shape);

}  // namespace tenk
