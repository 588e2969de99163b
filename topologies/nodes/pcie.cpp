// Servers without NVLink: what goes from GPU to GPU goes through PCIe switches and CPUs.
//
//   GPU i -- PCIe switch -- CPU -- the next CPU;  NIC -- PCIe switch
//
// Copies through host memory and root ports reach far less than the lanes carry, so the rates of
// the preset are what transfers reach on each part, measured.
#include <algorithm>

#include "sim/plan/device_profile.h"
#include "topologies/nodes/node.h"

namespace tenk {
namespace {

struct PcieSpec {
  std::uint32_t gpus = 1, nics = 1, switches = 1, cpus = 1;
  Bandwidth gpu, host, socket;
  Time latency, socket_latency;
};

PcieSpec read_spec(Section& s) {
  PcieSpec spec;
  spec.gpus = static_cast<std::uint32_t>(s.integer("gpus", {1, 32}));
  spec.nics = static_cast<std::uint32_t>(s.integer("nics", {1, 32}, spec.gpus));
  spec.switches = static_cast<std::uint32_t>(s.integer("pcie-switches", {1, 32}));
  spec.cpus = static_cast<std::uint32_t>(s.integer("cpus", {1, 8}));
  spec.gpu = Bandwidth::per_second(read_known(s, "gpu-link", "B/s").value);
  spec.host = Bandwidth::per_second(read_known(s, "host-link", "B/s").value);
  spec.socket = Bandwidth::per_second(read_known(s, "inter-socket", "B/s").value);
  spec.latency = Time::seconds(read_known(s, "pcie-latency", "s").value);
  spec.socket_latency = Time::seconds(read_known(s, "inter-socket-latency", "s").value);
  if (spec.gpus % spec.switches != 0 || spec.switches % spec.cpus != 0 ||
      spec.gpus % spec.nics != 0) {
    s.fail("pcie-switches", "GPUs must share PCIe switches and NICs evenly, and switches the CPUs");
    spec.switches = spec.cpus = 1;
    spec.nics = spec.gpus;
  }
  return spec;
}

// Local devices in order: GPUs, NICs, PCIe switches, CPUs; local links as read_pcie adds the
// cables: of each GPU, each NIC, each PCIe switch, each CPU to the next.
struct PcieIndex {
  const PcieSpec& spec;
  std::uint32_t pcie(std::uint32_t i) const { return spec.gpus + spec.nics + i; }
  std::uint32_t cpu(std::uint32_t i) const { return pcie(spec.switches) + i; }
  std::uint32_t switch_of(std::uint32_t gpu) const { return gpu / (spec.gpus / spec.switches); }
  std::uint32_t nic_of(std::uint32_t gpu) const { return gpu / (spec.gpus / spec.nics); }
  std::uint32_t switch_of_nic(std::uint32_t nic) const {
    return switch_of(nic * (spec.gpus / spec.nics));
  }
  std::uint32_t cpu_of(std::uint32_t pcie) const { return pcie / (spec.switches / spec.cpus); }
  std::uint32_t gpu_link(std::uint32_t i) const { return 2 * i; }
  std::uint32_t nic_link(std::uint32_t i) const { return 2 * (spec.gpus + i); }
  std::uint32_t host_link(std::uint32_t i) const { return 2 * (spec.gpus + spec.nics + i); }
  std::uint32_t socket_link(std::uint32_t i) const { return host_link(spec.switches) + 2 * i; }

  // From one PCIe switch to another, up to the CPUs and along them.
  void cross(std::uint32_t from, std::uint32_t to, NodeTemplate::Path& path) const {
    if (from == to) return;
    path.push_back(host_link(from));
    const std::uint32_t a = cpu_of(from), b = cpu_of(to);
    for (std::uint32_t c = a; c < b; ++c) path.push_back(socket_link(c));
    for (std::uint32_t c = a; c > b; --c) path.push_back(socket_link(c - 1) + 1);
    path.push_back(host_link(to) + 1);
  }
};

void add_parts(const PcieSpec& spec, const PcieIndex& at, NodeTemplate& node) {
  for (std::uint32_t i = 0; i < spec.gpus; ++i) node.devices.push_back({"gpu", i, 1});
  for (std::uint32_t i = 0; i < spec.nics; ++i) node.devices.push_back({"nic", i, 1});
  for (std::uint32_t i = 0; i < spec.switches; ++i) node.devices.push_back({"pcie-switch", i, 1});
  for (std::uint32_t i = 0; i < spec.cpus; ++i) node.devices.push_back({"cpu", i, 1});
  for (std::uint32_t i = 0; i < spec.gpus; ++i) {
    node.cables.push_back(
        {i, at.pcie(at.switch_of(i)), spec.gpu, spec.latency, "gpu-pcie up", "gpu-pcie down", 1});
  }
  for (std::uint32_t i = 0; i < spec.nics; ++i) {
    node.cables.push_back({spec.gpus + i, at.pcie(at.switch_of_nic(i)), spec.gpu, spec.latency,
                           "nic-pcie up", "nic-pcie down", 1});
  }
  for (std::uint32_t i = 0; i < spec.switches; ++i) {
    node.cables.push_back({at.pcie(i), at.cpu(at.cpu_of(i)), spec.host, spec.latency, "cpu-pcie up",
                           "cpu-pcie down", 1});
  }
  for (std::uint32_t i = 0; i + 1 < spec.cpus; ++i) {
    node.cables.push_back({at.cpu(i), at.cpu(i + 1), spec.socket, spec.socket_latency,
                           "inter-socket up", "inter-socket down", 1});
  }
}

NodeTemplate read_pcie(Section& s) {
  NodeTemplate node;
  node.accelerator = s.text("accelerator", "");
  const PcieSpec spec = read_spec(s);
  const PcieIndex at{spec};
  add_parts(spec, at, node);
  for (std::uint32_t i = 0; i < spec.nics; ++i) node.ports.push_back(spec.gpus + i);
  for (std::uint32_t i = 0; i < spec.gpus; ++i) {
    const std::uint32_t nic = at.nic_of(i);
    node.accelerators.push_back(i);
    node.port_of.push_back(nic);
    NodeTemplate::Path out = {at.gpu_link(i)}, in = {at.nic_link(nic)};
    at.cross(at.switch_of(i), at.switch_of_nic(nic), out);
    at.cross(at.switch_of_nic(nic), at.switch_of(i), in);
    out.push_back(at.nic_link(nic) + 1);
    in.push_back(at.gpu_link(i) + 1);
    node.to_port.push_back(out);
    node.from_port.push_back(in);
    for (std::uint32_t j = 0; j < spec.gpus; ++j) {
      NodeTemplate::Path path;
      if (i != j) {
        path.push_back(at.gpu_link(i));
        at.cross(at.switch_of(i), at.switch_of(j), path);
        path.push_back(at.gpu_link(j) + 1);
      }
      node.to_peer.push_back(path);
    }
  }
  return node;
}

}  // namespace

extern const NodeKind kPcie{
    .name = "pcie", .summary = "GPUs that reach each other over PCIe only", .read = read_pcie};

}  // namespace tenk
