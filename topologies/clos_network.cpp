#include "topologies/clos_network.h"

#include <algorithm>

#include <fmt/format.h>

namespace tenk {
namespace {

// Nodes in unit `u` of those that are there (a network may have room for more).
std::uint32_t nodes_in_unit(const ClosShape& d, std::uint32_t u) {
  const std::uint32_t before = std::min(d.nodes, u * d.nodes_per_unit);
  return std::min(d.nodes_per_unit, d.nodes - before);
}

std::uint32_t units_in_use(const ClosShape& d) {
  return (d.nodes + d.nodes_per_unit - 1) / d.nodes_per_unit;
}

std::uint32_t pods_in_use(const ClosShape& d) {
  return d.pod_of(units_in_use(d) * d.rails - 1) + 1;
}

int diameter(const ClosShape& d) {
  if (pods_in_use(d) > 1) return 4;
  return units_in_use(d) * d.rails > 1 ? 2 : 0;
}

// Ports down over ports up of a full leaf, times the same of a full pod.
double oversubscription(const ClosSpec& spec, const ClosShape& d) {
  const double leaf = d.hosts_per_leaf() / spec.levels[0].up;
  if (diameter(d) < 4) return diameter(d) == 0 ? 1 : leaf;
  const double pod =
      d.leaves_per_pod * spec.levels[0].up / (d.spines_per_pod * (d.core_up * d.core_up_share));
  return std::max(leaf, leaf * pod);
}

// Cheapest cut, in link rates, between the first half of the nodes (side 0) and the rest. Planes
// are alike, so in the best cut all cores stand on one side, and all spines of a pod.
double half_cut(const ClosShape& d) {
  const std::uint32_t half = d.nodes / 2, node_ports = d.ports_per_node / d.rails;
  const double leaf_up = d.up * d.up_share;
  const double pod_up = d.spines_per_pod * (d.core_up * d.core_up_share);
  double whole[2] = {0, 0};  // By the side of the cores.
  for (std::uint32_t pod = 0; pod < d.pods; ++pod) {
    double leaves[2] = {0, 0};  // By the side of the pod's spines.
    const std::uint32_t last = std::min(d.leaves, (pod + 1) * d.leaves_per_pod);
    for (std::uint32_t leaf = pod * d.leaves_per_pod; leaf < last; ++leaf) {
      const std::uint32_t unit = leaf / d.rails, first = unit * d.nodes_per_unit;
      const std::uint32_t here = nodes_in_unit(d, unit);
      const std::uint32_t in_first = std::min(here, half - std::min(half, first));
      const double hosts[2] = {static_cast<double>(in_first * node_ports),
                               static_cast<double>((here - in_first) * node_ports)};
      for (const int side : {0, 1}) {
        leaves[side] += std::min(hosts[1 - side], hosts[side] + leaf_up);
      }
    }
    for (const int side : {0, 1}) {
      whole[side] += std::min(leaves[side], leaves[1 - side] + pod_up);
    }
  }
  return std::min(whole[0], whole[1]);
}

bool equal_halves(const ClosShape& d) {
  const std::uint32_t units = units_in_use(d), pods = pods_in_use(d);
  if (units == 1) return d.nodes % 2 == 0;
  if (d.nodes % d.nodes_per_unit != 0) return false;
  return pods == 1 ? units % 2 == 0 : pods % 2 == 0 && units * d.rails == pods * d.leaves_per_pod;
}

void count_parts(const ClosSpec& spec, const ClosShape& d, NetworkFacts& facts) {
  const auto ports = [](std::uint64_t down, std::uint64_t up) { return down + up; };
  const std::uint64_t node_ports = d.ports_per_node / d.rails;
  const std::uint64_t hosts = std::min(d.nodes, d.nodes_per_unit) * node_ports;
  const std::uint64_t leaves = std::min(d.leaves, d.leaves_per_pod);
  const auto radix = [&](std::size_t level) {
    return static_cast<std::uint64_t>(spec.levels[level].radix);
  };
  const Bandwidth rate = spec.link.rate;
  facts.switches = {{"leaf", d.leaves, ports(hosts, d.up), radix(0)},
                    {"spine", std::uint64_t{d.pods} * d.spines_per_pod,
                     ports(leaves * d.leaf_parallel, d.core_up), radix(1)}};
  facts.cables = {{"host", d.ports, rate},
                  {"leaf-spine", std::uint64_t{d.leaves} * d.up, rate * d.up_share}};
  if (d.core_up > 0) {
    facts.switches.push_back({"core", std::uint64_t{d.spines_per_pod} * d.cores_per_plane,
                              std::uint64_t{d.pods} * d.core_parallel, radix(2)});
    facts.cables.push_back({"spine-core", std::uint64_t{d.pods} * d.spines_per_pod * d.core_up,
                            rate * d.core_up_share});
  }
}

class Clos : public Network {
 public:
  Clos(ClosSpec spec, const ClosShape& shape) : spec_(std::move(spec)), shape_(shape) {}
  void build(GraphBuilder& b, std::span<const DeviceId> ports) const override {
    build_clos(spec_, shape_, 0, ports, b);
  }
  std::shared_ptr<const Router> route(const Graph& graph, LinkId first_link,
                                      TrunkTable& trunks) const override {
    return route_clos(spec_, shape_, first_link, graph, trunks);
  }
  NetworkFacts facts() const override { return clos_facts(spec_, shape_); }

 private:
  ClosSpec spec_;
  ClosShape shape_;
};

}  // namespace

void build_clos(const ClosSpec& spec, const ClosShape& d, std::uint32_t plane,
                std::span<const DeviceId> ports, GraphBuilder& b) {
  const auto switches = [&](std::string_view kind, std::uint32_t count) {
    const std::uint16_t k = b.device_kind(kind);
    std::vector<DeviceId> ids;
    for (std::uint32_t i = 0; i < count; ++i) {
      ids.push_back(b.add({k, 1, kNoNode, plane * count + i}));
    }
    return ids;
  };
  const auto leaves = switches("leaf", d.leaves);
  const auto spines = switches("spine", d.pods * d.spines_per_pod);
  const auto cores = switches("core", d.spines_per_pod * d.cores_per_plane);
  const auto cable = [&](DeviceId from, DeviceId to, double share, const std::string& kind) {
    b.add({from, to, spec.link.rate * share, spec.link.latency, b.link_kind(kind + " up"),
           b.link_kind(kind + " down")});
  };
  for (std::uint32_t p = 0; p < d.ports; ++p) {
    cable(ports[p], leaves[d.leaf_of(PortId(p))], 1, "host");
  }
  for (std::uint32_t leaf = 0; leaf < d.leaves; ++leaf) {
    for (std::uint32_t t = 0; t < d.up; ++t) {
      const std::uint32_t spine = d.pod_of(leaf) * d.spines_per_pod + t / d.leaf_parallel;
      cable(leaves[leaf], spines[spine], d.up_share, "leaf-spine");
    }
  }
  for (std::uint32_t s = 0; s < spines.size(); ++s) {
    for (std::uint32_t t = 0; t < d.core_up; ++t) {
      const std::uint32_t core_plane = s % d.spines_per_pod;
      cable(spines[s], cores[core_plane * d.cores_per_plane + t / d.core_parallel], d.core_up_share,
            "spine-core");
    }
  }
}

NetworkFacts clos_facts(const ClosSpec& spec, const ClosShape& d) {
  NetworkFacts facts;
  count_parts(spec, d, facts);
  facts.port_rate = spec.link.rate;
  facts.nodes_per_switch = std::min(d.nodes, d.nodes_per_unit);
  facts.diameter_hops = diameter(d);
  facts.oversubscription = oversubscription(spec, d);
  facts.bisection = spec.link.rate * half_cut(d);
  const bool exact = equal_halves(d) || (facts.oversubscription <= 1 && d.nodes % 2 == 0);
  facts.bisection_how = exact ? "formula" : "bound";
  const std::uint32_t needed =
      d.core_up > 0 ? d.pods * d.core_parallel : d.leaves * d.leaf_parallel;
  if (needed > spec.levels.back().down) {
    facts.buildable = false;
    facts.reason =
        fmt::format("a top-tier switch needs {} ports and has {}", needed, spec.levels.back().down);
  }
  if (spec.open_core) {
    facts.assumptions.push_back(
        fmt::format("top tier: the scenario gives no size; {} switches of {} ports assumed",
                    d.spines_per_pod * std::max(1u, d.cores_per_plane), needed));
  }
  return facts;
}

std::shared_ptr<const Network> finish_clos(Section& section, ClosSpec spec,
                                           const NetworkShape& shape) {
  spec.link = read_link(section.section("link"));
  spec.routing = read_clos_routing(section);
  const ClosShape d = size_clos(section, spec, shape);
  return std::make_shared<Clos>(std::move(spec), d);
}

}  // namespace tenk
