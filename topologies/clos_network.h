// What do all CLOS kinds (clos, fat-tree, superpod, rail-only) share once they are sized?
//
// `build_clos` adds the switches and cables of one network, `route_clos` lays its trunks and
// routes (clos_router.cpp), `clos_facts` counts. A network may be one of several equal planes.
#pragma once
#include <memory>
#include <span>

#include "topologies/clos_spec.h"

namespace tenk {

// `ports` are the NIC devices of this plane in order of its PortIds; its switches are numbered from
// plane * their count on.
void build_clos(const ClosSpec& spec, const ClosShape& d, std::uint32_t plane,
                std::span<const DeviceId> ports, GraphBuilder& b);

// `first_link` is the first that build_clos added for this plane.
std::shared_ptr<const Router> route_clos(const ClosSpec& spec, const ClosShape& shape,
                                         LinkId first_link, const Graph& graph, TrunkTable& trunks);

// Adaptive routing where links differ (clos_adaptive.cpp); `shape` knows its first links. O(links),
// and O(leaves^2) for each all-to-all.
bool links_differ(const ClosShape& shape, const Graph& graph);
std::shared_ptr<const Router> route_adaptive_clos(const ClosShape& shape, const Graph& graph,
                                                  TrunkTable& trunks);

// Bisection: the cheapest cut between the first half of the nodes and the rest, with every switch
// on its better side. Exact ("formula") where no tier is oversubscribed or whole equal units fall
// on each side; else an upper bound ("bound").
NetworkFacts clos_facts(const ClosSpec& spec, const ClosShape& d);

// The network of a kind that is one CLOS: reads link and routing, and sizes it.
std::shared_ptr<const Network> finish_clos(Section& section, ClosSpec spec,
                                           const NetworkShape& shape);

}  // namespace tenk
