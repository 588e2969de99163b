#include "topologies/cluster.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/base/kinds.h"
#include "sim/base/presets.h"
#include "topologies/nodes/node.h"

namespace tenk {
namespace {

const NetworkKind* read_kind(Section& fabric) {
  const std::string kind = fabric.word("kind", names_of(network_kinds()));
  const Config* given = fabric.raw("kind");
  const bool known =
      given != nullptr && given->kind() == Config::Kind::kScalar && given->text() == kind;
  return known ? find_kind(network_kinds(), kind) : nullptr;  // Reported.
}

// A fabric that fixes its size needs no `nodes`: then all its ports are used.
std::uint32_t read_nodes(Section& cluster, Section& fabric, const NetworkKind* kind,
                         const NodeTemplate& node) {
  const std::int64_t most = kMaxAccelerators / static_cast<std::int64_t>(node.accelerators.size());
  const bool own = kind == nullptr || kind->own_nodes != nullptr;
  if (cluster.has("nodes") || !own) {
    return static_cast<std::uint32_t>(cluster.integer("nodes", {1, most}));
  }
  cluster.raw("nodes");
  if (kind == nullptr) return 1;
  const auto ports = static_cast<std::uint32_t>(node.ports.size());
  const std::int64_t nodes = kind->own_nodes(fabric, ports);
  if (nodes < 1 || nodes > most) {
    fabric.fail(fmt::format("this {} has room for {} nodes of {} NICs; 1 to {} can be simulated",
                            kind->name, nodes, ports, most));
  }
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(nodes, 1, most));
}

// Leaves the first `used` accelerators of the node to the job, with the NICs that are theirs; the
// others stay where they are, idle, and keep their price.
void use_accelerators(std::uint32_t used, NodeTemplate& node) {
  const auto all = static_cast<std::uint32_t>(node.accelerators.size());
  std::vector<NodeTemplate::Path> to_peer;
  for (std::uint32_t a = 0; a < used; ++a) {
    for (std::uint32_t b = 0; b < used; ++b) to_peer.push_back(node.to_peer[a * all + b]);
  }
  node.to_peer = std::move(to_peer);
  node.accelerators.resize(used);
  node.port_of.resize(used);
  node.to_port.resize(used);
  node.from_port.resize(used);
  std::vector<std::uint32_t> ports;
  for (std::uint32_t& port :
       node.port_of) {  // Ports keep their order: they are used from first on.
    const std::uint32_t device = node.ports[port];
    const auto found = std::find(ports.begin(), ports.end(), device);
    port = static_cast<std::uint32_t>(found - ports.begin());
    if (found == ports.end()) ports.push_back(device);
  }
  node.ports = std::move(ports);
}

// Adds the devices and cables of all nodes; returns the NIC devices in order of PortId.
std::vector<DeviceId> add_nodes(const ClusterSpec& spec, GraphBuilder& builder) {
  std::vector<Device> devices;  // Kinds are looked up once, not for every node.
  for (const auto& d : spec.node.devices) {
    devices.push_back({builder.device_kind(d.kind), d.units, kNoNode, d.index});
  }
  std::vector<Cable> cables;
  for (const auto& c : spec.node.cables) {
    cables.push_back({{},
                      {},
                      c.rate,
                      c.latency,
                      builder.link_kind(c.kind_ab),
                      builder.link_kind(c.kind_ba),
                      c.lanes});
  }
  std::vector<DeviceId> ports, local;
  for (std::uint32_t node = 0; node < spec.nodes; ++node) {
    local.clear();
    for (Device& d : devices) {
      d.node = node;
      local.push_back(builder.add(d));
    }
    for (std::size_t c = 0; c < cables.size(); ++c) {
      cables[c].a = local[spec.node.cables[c].a];
      cables[c].b = local[spec.node.cables[c].b];
      builder.add(cables[c]);
    }
    for (const std::uint32_t p : spec.node.ports) ports.push_back(local[p]);
  }
  return ports;
}

}  // namespace

ClusterSpec read_cluster(Section section) {
  ClusterSpec spec;
  const auto presets = preset_names("nodes");
  const std::string preset = section.word("node", presets);
  const bool known = std::find(presets.begin(), presets.end(), preset) != presets.end();
  spec.node = read_node(load_preset("nodes", known ? preset : "endpoint"));
  spec.node.name = preset;
  spec.node.nic = section.word("nic", preset_names("nics"), spec.node.nic);
  const auto all = static_cast<std::int64_t>(spec.node.accelerators.size());
  const std::int64_t used = section.integer("gpus-per-node", {1, all}, all);
  if (used < all) use_accelerators(static_cast<std::uint32_t>(used), spec.node);
  Section fabric = section.section("fabric");
  const NetworkKind* kind = read_kind(fabric);
  spec.nodes = read_nodes(section, fabric, kind, spec.node);
  if (kind != nullptr) {  // Else its other keys cannot be judged.
    spec.network =
        kind->read(fabric, {spec.nodes, static_cast<std::uint32_t>(spec.node.ports.size())});
    fabric.finish();
  }
  spec.degrade = read_degrade(section, spec.nodes);
  spec.stragglers = read_stragglers(section, spec.size());
  section.finish();
  return spec;
}

Fabric build_fabric(const ClusterSpec& spec) {
  GraphBuilder builder;
  const std::vector<DeviceId> ports = add_nodes(spec, builder);
  const LinkId first_link(builder.peek().links().size());
  spec.network->build(builder, ports);
  for (const Degrade& d : spec.degrade) apply(d, builder);
  Fabric::Parts parts;
  parts.graph = std::move(builder).freeze();
  TrunkTable trunks(parts.graph);
  parts.router = spec.network->route(parts.graph, first_link, trunks);
  trunks.finish();
  parts.trunks = std::move(trunks.trunks);
  parts.trunk_of_link = std::move(trunks.trunk_of_link);
  parts.node = spec.node;
  parts.nodes = spec.nodes;
  parts.facts = spec.network->facts();
  return Fabric(std::move(parts));
}

}  // namespace tenk
