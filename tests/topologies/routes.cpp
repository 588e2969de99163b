#include "tests/topologies/routes.h"

#include <catch2/catch.hpp>

#include "sim/engine/max_min.h"

namespace tenk::testing {

std::string cluster_text(const std::string& fabric, const std::string& nodes,
                         const std::string& node) {
  std::string text = "{";
  if (!nodes.empty()) text.append(nodes).append(", ");
  text.append("node: ").append(node).append(", fabric: {").append(fabric);
  return text.append(", link: {rate: 400Gbps, latency: 600ns}}}");
}

std::map<std::uint32_t, double> sum(const std::vector<Usage>& usage) {
  std::map<std::uint32_t, double> total;
  for (const Usage& u : usage) total[u.trunk.value] += u.connections;
  return total;
}

void check_equal(const std::map<std::uint32_t, double>& a,
                 const std::map<std::uint32_t, double>& b) {
  REQUIRE(a.size() == b.size());
  for (const auto& [trunk, connections] : a) {
    REQUIRE(b.count(trunk) == 1);
    CHECK(connections == Approx(b.at(trunk)).epsilon(1e-12));
  }
}

std::vector<DeviceId> ports_of(const Fabric& f) {
  std::vector<DeviceId> ports;
  for (std::size_t d = 0; d < f.graph().devices().size(); ++d) {
    const Device& device = f.graph().device(DeviceId(d));
    if (f.graph().device_kind(device.kind) == "nic") ports.emplace_back(d);
  }
  return ports;
}

LinkId host_link(const Fabric& f, DeviceId nic) {
  std::vector<LinkId> out;
  for (const LinkId l : f.graph().out_links(nic)) {
    if (f.graph().device(f.graph().link(l).to).node == kNoNode) out.push_back(l);
  }
  REQUIRE(out.size() == 1);
  return out.front();
}

std::uint64_t switches(const Fabric& f, const std::string& kind) {
  for (const auto& s : f.facts().switches) {
    if (s.kind == kind) return s.count;
  }
  return 0;
}

std::uint64_t cables(const Fabric& f, const std::string& tier) {
  for (const auto& c : f.facts().cables) {
    if (c.tier == tier) return c.count;
  }
  return 0;
}

std::vector<double> fair_rates(const Fabric& f, const std::vector<std::uint32_t>& to, int way) {
  std::vector<Bandwidth> capacity;
  for (const Trunk& t : f.trunks()) capacity.push_back(t.capacity);
  std::vector<std::vector<ClassUsage>> usage(to.size());
  std::vector<Usage> route;
  for (std::uint32_t i = 0; i < to.size(); ++i) {
    route.clear();
    if (to[i] == i) continue;
    f.connect(i, to[i], {1, i, way}, route);
    merge_usage(route);
    for (const Usage& u : route) usage[i].push_back({ClassId(u.trunk.value), u.connections});
  }
  const double rate = f.facts().port_rate.value();
  std::vector<Demand> demands;
  demands.reserve(usage.size());
  for (const auto& u : usage) demands.push_back({u, Bandwidth::per_second(rate)});
  std::vector<double> rates;
  for (const Bandwidth b : max_min_rates(capacity, demands)) rates.push_back(b.value() / rate);
  return rates;
}

}  // namespace tenk::testing
