// What do many tests need?
#pragma once
#include <string>

#include "sim/base/config.h"
#include "sim/base/section.h"
#include "topologies/cluster.h"

namespace tenk::testing {

inline Config yaml(const std::string& text) { return Config::parse(text, "test.yaml"); }

inline Fabric fabric(const std::string& cluster) {
  Faults faults;
  const ClusterSpec spec = read_cluster(Section(yaml(cluster), "cluster", faults));
  faults.throw_if_any();
  return build_fabric(spec);
}

// A scenario of bare NICs: `nodes` of them on the fabric given as a flow map without braces.
inline std::string endpoints(int nodes, const std::string& network, const std::string& more = "") {
  return "{nodes: " + std::to_string(nodes) + ", node: endpoint, fabric: {kind: clos, " + network +
         ", link: {rate: 400Gbps, latency: 600ns}" + more + "}}";
}
inline std::string servers(int nodes, const std::string& network, const std::string& more = "") {
  return "{nodes: " + std::to_string(nodes) + ", node: hgx-h100-8, fabric: {kind: clos, " +
         network + ", link: {rate: 400Gbps, latency: 600ns}" + more + "}}";
}

}  // namespace tenk::testing
