// Every server that we know, inside.
#include <catch2/catch.hpp>

#include <set>

#include "sim/base/presets.h"
#include "sim/plan/collective_tuning.h"
#include "tests/support.h"
#include "topologies/nodes/node.h"

namespace tenk {
namespace {

using testing::yaml;

// Whether the links lead from one device to another without a gap.
bool leads(const NodeTemplate& node, const NodeTemplate::Path& path, std::uint32_t from,
           std::uint32_t to) {
  std::uint32_t at = from;
  for (const std::uint32_t link : path) {
    const auto& cable = node.cables[link / 2];
    const bool forward = link % 2 == 0;
    if ((forward ? cable.a : cable.b) != at) return false;
    at = forward ? cable.b : cable.a;
  }
  return at == to;
}

TEST_CASE("In every preset all paths lead where they say, and all devices are joined") {
  for (const std::string& name : preset_names("nodes")) {
    CAPTURE(name);
    const NodeTemplate node = read_node(load_preset("nodes", name));
    const std::size_t n = node.accelerators.size();
    REQUIRE(node.port_of.size() == n);
    REQUIRE(node.to_peer.size() == n * n);
    std::set<std::uint32_t> used;
    for (std::size_t a = 0; a < n; ++a) {
      const std::uint32_t port = node.ports[node.port_of[a]];
      used.insert(node.port_of[a]);
      CHECK(leads(node, node.to_port[a], node.accelerators[a], port));
      CHECK(leads(node, node.from_port[a], port, node.accelerators[a]));
      for (std::size_t b = 0; b < n; ++b) {
        if (a == b) continue;
        CHECK(leads(node, node.to_peer[a * n + b], node.accelerators[a], node.accelerators[b]));
      }
    }
    CHECK(used.size() == node.ports.size());  // No NIC is idle.
    for (const auto& cable : node.cables) CHECK(cable.rate.value() > 0);
  }
}

TEST_CASE("Every preset names tunings that exist") {
  for (const std::string& name : preset_names("nodes")) {
    CAPTURE(name);
    const NodeTemplate node = read_node(load_preset("nodes", name));
    const CollectiveTuning tuning = load_collective_tuning(node.collectives, node.nic);
    CHECK(tuning.network_efficiency.value > 0);
    if (node.reduces_in_switch) CHECK(tuning.nvls.has_value());
  }
}

TEST_CASE("Only servers with NVLink 4 and later through switches reduce there") {
  const std::set<std::string> reducing = {"hgx-h100-8",  "hgx-h100-8-4nic", "hgx-h200-8",
                                          "hgx-h800-8",  "hgx-b200-8",      "hgx-b300-8",
                                          "gb200-nvl72", "gb300-nvl72"};
  for (const std::string& name : preset_names("nodes")) {
    CAPTURE(name);
    CHECK(read_node(load_preset("nodes", name)).reduces_in_switch == (reducing.count(name) == 1));
  }
}

TEST_CASE("GPUs that share a NIC form one rail") {
  const Fabric f = testing::fabric(
      "{nodes: 2, node: hgx-a100-8-4nic, fabric: {kind: clos, tiers: 2, radix: 64, rails: 4, "
      "link: {rate: 100Gbps, latency: 1us}}}");
  CHECK(f.node().ports.size() == 4);
  CHECK(f.port_of(0) == f.port_of(1));
  CHECK(f.port_of(1) != f.port_of(2));
}

TEST_CASE("A mesh and a PCIe server that cannot be are refused with what was expected") {
  const auto refuse = [](const std::string& text, const std::string& why) {
    CHECK_THROWS_WITH(read_node(yaml(text)), Catch::Contains(why));
  };
  const std::string common =
      "link: {value: 25, unit: GB/s, how: assumed, ci: 0, source: x}\n"
      "link-latency: {value: 1, unit: us, how: assumed, ci: 0, source: x}\n"
      "nic-link: {value: 25, unit: GB/s, how: assumed, ci: 0, source: x}\n"
      "nic-link-latency: {value: 1, unit: us, how: assumed, ci: 0, source: x}\n";
  const std::string mesh = "kind: mesh\naccelerator: x\ncollectives: nccl-volta\n" + common;
  refuse(mesh + "gpus: 4\npairs: [0-4]\n", "found \"0-4\"");
  refuse(mesh + "gpus: 4\npairs: [1-0 x2]\n", "the lower first");
  refuse(mesh + "gpus: 4\n", "lanes-per-pair");
  refuse(mesh + "gpus: 4\nnics: 3\nlanes-per-pair: 1\n", "share NICs evenly");
  refuse("kind: mash\ncollectives: nccl-volta\n", "mesh");
}

}  // namespace
}  // namespace tenk
