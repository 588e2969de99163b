// HGX servers and NVLink racks: GPUs around NVSwitches, PCIe switches that join GPUs with NICs,
// CPUs.
//
//   GPU i -- NVSwitch (all chips work as one: each GPU spreads its NVLinks over them)
//   GPU i -- PCIe switch -- its NIC;  each PCIe switch serves a share of the GPUs and NICs and
//   hangs on a CPU
//
// Source: NVIDIA DGX/HGX H100 system descriptions; the numbers are data in profiles/nodes.
#include "sim/plan/device_profile.h"
#include "topologies/nodes/node.h"

namespace tenk {
namespace {

struct HgxSpec {
  std::uint32_t gpus = 0, nics = 0, pcie_switches = 0, cpus = 0;
  std::uint16_t nvswitches = 0, nvlinks = 0;
  Bandwidth nvlink, pcie, socket;
  Time nvlink_latency, pcie_latency, socket_latency;
};

Bandwidth rate(Section& s, std::string_view key) {
  return Bandwidth::per_second(read_known(s, key, "B/s").value);
}

Time latency(Section& s, std::string_view key) {
  return Time::seconds(read_known(s, key, "s").value);
}

HgxSpec read_spec(Section& s) {
  HgxSpec spec;
  spec.gpus = static_cast<std::uint32_t>(s.integer("gpus", {1, 128}));
  spec.nics = static_cast<std::uint32_t>(s.integer("nics", {1, 128}, spec.gpus));
  spec.pcie_switches = static_cast<std::uint32_t>(s.integer("pcie-switches", {1, 128}));
  spec.cpus = static_cast<std::uint32_t>(s.integer("cpus", {1, 64}));
  spec.nvswitches = static_cast<std::uint16_t>(s.integer("nvswitches", {1, 64}));
  spec.nvlinks = static_cast<std::uint16_t>(s.integer("nvlinks-per-gpu", {1, 64}));
  spec.nvlink = rate(s, "nvlink-per-gpu");
  spec.nvlink_latency = latency(s, "nvlink-latency");
  spec.pcie = rate(s, "pcie");
  spec.pcie_latency = latency(s, "pcie-latency");
  spec.socket = rate(s, "inter-socket");
  spec.socket_latency = latency(s, "inter-socket-latency");
  if (spec.gpus % spec.pcie_switches != 0 || spec.pcie_switches % spec.cpus != 0) {
    s.fail("pcie-switches", "GPUs must share PCIe switches evenly, and those the CPUs");
    spec.pcie_switches = spec.cpus = 1;
  }
  if (spec.gpus % spec.nics != 0 || spec.nics % spec.pcie_switches != 0) {
    s.fail("nics", "GPUs must share NICs evenly, and those the PCIe switches");
    spec.nics = spec.gpus;
  }
  return spec;
}

// Local devices in order: GPUs, NVSwitch, NICs, PCIe switches, CPUs.
struct HgxIndex {
  std::uint32_t gpus, nics, pcie_switches;
  std::uint32_t gpu(std::uint32_t i) const { return i; }
  std::uint32_t nvswitch() const { return gpus; }
  std::uint32_t nic(std::uint32_t i) const { return gpus + 1 + i; }
  std::uint32_t pcie(std::uint32_t i) const { return gpus + nics + 1 + i; }
  std::uint32_t cpu(std::uint32_t i) const { return gpus + nics + 1 + pcie_switches + i; }
  // Local links, as add_cables adds the cables: NVLink and GPU-PCIe of each GPU, NIC-PCIe of each
  // NIC in turn.
  std::uint32_t nvlink(std::uint32_t gpu) const { return 2 * gpu; }
  std::uint32_t gpu_pcie(std::uint32_t gpu) const { return 2 * (gpus + gpu); }
  std::uint32_t nic_pcie(std::uint32_t nic) const { return 2 * (2 * gpus + nic); }
  std::uint32_t nic_of(std::uint32_t gpu) const { return gpu / (gpus / nics); }
};

void add_devices(const HgxSpec& spec, NodeTemplate& node) {
  for (std::uint32_t i = 0; i < spec.gpus; ++i) node.devices.push_back({"gpu", i, 1});
  node.devices.push_back({"nvswitch", 0, spec.nvswitches});
  for (std::uint32_t i = 0; i < spec.nics; ++i) node.devices.push_back({"nic", i, 1});
  for (std::uint32_t i = 0; i < spec.pcie_switches; ++i) {
    node.devices.push_back({"pcie-switch", i, 1});
  }
  for (std::uint32_t i = 0; i < spec.cpus; ++i) node.devices.push_back({"cpu", i, 1});
}

void add_cables(const HgxSpec& spec, const HgxIndex& at, NodeTemplate& node) {
  const std::uint32_t share = spec.gpus / spec.pcie_switches;
  for (std::uint32_t i = 0; i < spec.gpus; ++i) {
    node.cables.push_back({at.gpu(i), at.nvswitch(), spec.nvlink, spec.nvlink_latency, "nvlink out",
                           "nvlink in", spec.nvlinks});
  }
  for (std::uint32_t i = 0; i < spec.gpus; ++i) {
    node.cables.push_back({at.gpu(i), at.pcie(i / share), spec.pcie, spec.pcie_latency,
                           "gpu-pcie up", "gpu-pcie down", 1});
  }
  for (std::uint32_t i = 0; i < spec.nics; ++i) {
    const std::uint32_t nic_share = spec.nics / spec.pcie_switches;
    node.cables.push_back({at.nic(i), at.pcie(i / nic_share), spec.pcie, spec.pcie_latency,
                           "nic-pcie up", "nic-pcie down", 1});
  }
  for (std::uint32_t i = 0; i < spec.pcie_switches; ++i) {
    node.cables.push_back({at.pcie(i), at.cpu(i / (spec.pcie_switches / spec.cpus)), spec.pcie,
                           spec.pcie_latency, "cpu-pcie up", "cpu-pcie down", 1});
  }
  for (std::uint32_t i = 0; i + 1 < spec.cpus; ++i) {
    node.cables.push_back({at.cpu(i), at.cpu(i + 1), spec.socket, spec.socket_latency,
                           "inter-socket up", "inter-socket down", 1});
  }
}

NodeTemplate read_hgx(Section& s) {
  NodeTemplate node;
  node.accelerator = s.text("accelerator");
  const HgxSpec spec = read_spec(s);
  node.reduces_in_switch = s.boolean("nvswitch-reduces", false);
  const HgxIndex at{spec.gpus, spec.nics, spec.pcie_switches};
  add_devices(spec, node);
  add_cables(spec, at, node);
  for (std::uint32_t i = 0; i < spec.nics; ++i) node.ports.push_back(at.nic(i));
  for (std::uint32_t i = 0; i < spec.gpus; ++i) {
    const std::uint32_t nic = at.nic_of(i);
    node.accelerators.push_back(at.gpu(i));
    node.port_of.push_back(nic);
    node.to_port.push_back({at.gpu_pcie(i), at.nic_pcie(nic) + 1});
    node.from_port.push_back({at.nic_pcie(nic), at.gpu_pcie(i) + 1});
    for (std::uint32_t j = 0; j < spec.gpus; ++j) {
      node.to_peer.push_back(i == j ? NodeTemplate::Path{}
                                    : NodeTemplate::Path{at.nvlink(i), at.nvlink(j) + 1});
    }
  }
  return node;
}

}  // namespace

extern const NodeKind kHgx{.name = "hgx",
                           .summary = "GPUs around NVSwitches, with NICs and CPUs on PCIe",
                           .read = read_hgx};

}  // namespace tenk
