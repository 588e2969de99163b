#include "sim/graph/fabric.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "sim/base/error.h"

namespace tenk {

Fabric::Fabric(Parts parts) : parts_(std::move(parts)) {
  per_node_ = static_cast<std::uint32_t>(parts_.node.accelerators.size());
  links_per_node_ = static_cast<std::uint32_t>(2 * parts_.node.cables.size());
  TENK_CHECK(per_node_ > 0 && parts_.router != nullptr, "a fabric has accelerators and a router");
  TENK_CHECK(parts_.trunk_of_link.size() == parts_.graph.links().size(), "each link has a trunk");
}

PortId Fabric::port_of(std::uint32_t accelerator) const {
  const auto ports = static_cast<std::uint32_t>(parts_.node.ports.size());
  return PortId(node_of(accelerator) * ports + parts_.node.port_of[local_of(accelerator)]);
}

bool Fabric::peers(std::uint32_t local_a, std::uint32_t local_b) const {
  return !parts_.node.to_peer[local_a * per_node_ + local_b].empty();
}

Time Fabric::walk(std::uint32_t node, const NodeTemplate::Path& path, double weight,
                  std::vector<Usage>& out) const {
  Time latency;
  for (const std::uint32_t local : path) {
    const LinkId link(node * links_per_node_ + local);
    latency += parts_.graph.link(link).latency;
    out.push_back({trunk_of(link), weight});
  }
  return latency;
}

Time Fabric::connect(std::uint32_t a, std::uint32_t b, const Wire& wire,
                     std::vector<Usage>& out) const {
  TENK_CHECK(a != b, "a connection joins two accelerators");
  const NodeTemplate& n = parts_.node;
  const std::uint32_t from = local_of(a), to = local_of(b);
  if (node_of(a) == node_of(b) && peers(from, to)) {
    return walk(node_of(a), n.to_peer[from * per_node_ + to], wire.weight, out);
  }
  Time latency;
  std::uint32_t sender = a;
  if (n.port_of[from] != n.port_of[to] && peers(from, to)) {  // PXN
    latency += walk(node_of(a), n.to_peer[from * per_node_ + to], wire.weight, out);
    sender = node_of(a) * per_node_ + to;
  }
  latency += walk(node_of(a), n.to_port[local_of(sender)], wire.weight, out);
  latency += parts_.router->connect(port_of(sender), port_of(b), wire, out);
  return latency + walk(node_of(b), n.from_port[to], wire.weight, out);
}

Time Fabric::connect_to_switch(std::uint32_t a, bool back, const Wire& wire,
                               std::vector<Usage>& out) const {
  const std::uint32_t own = local_of(a), other = own == 0 ? 1 : 0;
  TENK_CHECK(per_node_ > 1, "a switch joins several accelerators");
  const NodeTemplate::Path& path =
      parts_.node.to_peer[back ? other * per_node_ + own : own * per_node_ + other];
  TENK_CHECK(path.size() == 2, "two accelerators of a node have one switch between them");
  return walk(node_of(a), {back ? path.back() : path.front()}, wire.weight, out);
}

// Connections of every ordered pair that shares a node.
Time Fabric::inside_all_pairs(std::span<const std::uint32_t> group, const Wire& wire,
                              std::vector<Usage>& out) const {
  Time latency;
  for (std::size_t first = 0, last = 0; first < group.size(); first = last) {
    while (last < group.size() && node_of(group[last]) == node_of(group[first])) ++last;
    for (std::size_t i = first; i < last; ++i) {
      for (std::size_t j = first; j < last; ++j) {
        if (i != j) latency = std::max(latency, connect(group[i], group[j], wire, out));
      }
    }
  }
  return latency;
}

Time Fabric::connect_all_pairs(std::span<const std::uint32_t> group, const Wire& wire,
                               std::vector<Usage>& out) const {
  TENK_CHECK(std::is_sorted(group.begin(), group.end()), "the group is in ascending order");
  if (group.size() > parts_.router->most_all_pairs()) {
    throw Error(ErrorKind::kInvalid,
                fmt::format("all-to-all over {} ranks under routing.policy ecmp-hash: at most {} "
                            "can be enumerated; use ecmp-expected, which has the same mean load",
                            group.size(), parts_.router->most_all_pairs()));
  }
  Time latency = inside_all_pairs(group, wire, out);
  std::map<std::uint32_t, std::vector<std::uint32_t>> by_local;  // local index -> accelerators
  for (const std::uint32_t g : group) by_local[local_of(g)].push_back(g);
  const std::size_t nodes = by_local.begin()->second.size();
  if (nodes * by_local.size() == 1 || node_of(group.front()) == node_of(group.back())) {
    return latency;
  }
  bool aligned = true;  // Every node of the group holds the same local indices, all NVLink peers.
  for (const auto& [local, members] : by_local) {
    aligned = aligned && members.size() == nodes;
    for (std::size_t i = 0; aligned && i < nodes; ++i) {
      aligned = node_of(members[i]) == node_of(by_local.begin()->second[i]);
    }
    for (const auto& other : by_local) {
      aligned = aligned && (other.first == local || peers(local, other.first));
    }
  }
  if (!aligned) {
    for (const std::uint32_t a : group) {
      for (const std::uint32_t b : group) {
        if (node_of(a) == node_of(b)) continue;
        latency = std::max(latency, connect(a, b, wire, out));
      }
    }
    return latency;
  }
  // PXN: in each node, what its members send to the others of rail `to` gathers at local `to`.
  const double others = static_cast<double>(nodes - 1);
  const double in_node = static_cast<double>(by_local.size());
  Time inside, edge;
  std::vector<PortId> ports;
  for (const auto& [to, members] : by_local) {
    ports.clear();
    for (const std::uint32_t m : members) {
      ports.push_back(port_of(m));
      for (const auto& from : by_local) {
        if (from.first == to) continue;
        const auto& path = parts_.node.to_peer[from.first * per_node_ + to];
        inside = std::max(inside, walk(node_of(m), path, wire.weight * others, out));
      }
      const double through_nic = wire.weight * others * in_node;
      Time ends = walk(node_of(m), parts_.node.to_port[to], through_nic, out);
      ends += walk(node_of(m), parts_.node.from_port[to], through_nic, out);
      edge = std::max(edge, ends);
    }
    const Wire gathered{wire.weight * in_node, wire.key, wire.way};
    const Time crossing = parts_.router->connect_all_pairs(ports, gathered, out);
    latency = std::max(latency, inside + edge + crossing);
  }
  return latency;
}

void merge_usage(std::vector<Usage>& usage) {
  std::stable_sort(usage.begin(), usage.end(),
                   [](const Usage& a, const Usage& b) { return a.trunk < b.trunk; });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < usage.size(); ++i) {
    if (kept > 0 && usage[kept - 1].trunk == usage[i].trunk) {
      usage[kept - 1].connections += usage[i].connections;
    } else {
      usage[kept++] = usage[i];
    }
  }
  usage.resize(kept);
}

}  // namespace tenk
