// What do tests of fabrics ask of a network and its routes?
#pragma once
#include <map>
#include <string>
#include <vector>

#include "topologies/cluster.h"

namespace tenk::testing {

// A cluster on any fabric, given as flow maps without braces: "kind: dragonfly, p: 2", and where
// the kind does not fix the size "nodes: 12".
std::string cluster_text(const std::string& fabric, const std::string& nodes = "",
                         const std::string& node = "endpoint");

// Connections by trunk.
std::map<std::uint32_t, double> sum(const std::vector<Usage>& usage);
void check_equal(const std::map<std::uint32_t, double>& a,
                 const std::map<std::uint32_t, double>& b);

// NIC devices in order of PortId.
std::vector<DeviceId> ports_of(const Fabric& f);
// The one link of a port into the network; the way back is the next link.
LinkId host_link(const Fabric& f, DeviceId nic);

std::uint64_t switches(const Fabric& f, const std::string& kind);  // By facts.
std::uint64_t cables(const Fabric& f, const std::string& tier);    // By facts.

// Fair rates of connections between bare NICs (in host link rates), one from i to to[i] each.
std::vector<double> fair_rates(const Fabric& f, const std::vector<std::uint32_t>& to, int way = 0);

}  // namespace tenk::testing
