// Does every network kind keep the promises of network.h and fabric.h?
#include <algorithm>
#include <catch2/catch.hpp>
#include <optional>
#include <set>

#include "tests/support.h"
#include "tests/topologies/routes.h"

namespace tenk {
namespace {

using testing::cluster_text;
using testing::host_link;
using testing::ports_of;

struct Case {
  std::string fabric;
  std::string nodes = "";
  std::string node = "endpoint";
};

// Small members of each kind: whole, odd, partly populated, uneven, hashed.
const std::vector<Case>& cases() {
  static const std::vector<Case> kCases = {
      {"kind: clos, tiers: 2, radix: 8", "nodes: 32"},
      {"kind: clos, tiers: 2, radix: 8, oversubscription: {leaf: 3}", "nodes: 11"},
      {"kind: clos, tiers: 2, radix: 8, routing: {policy: ecmp-hash, seed: 3}", "nodes: 17"},
      {"kind: clos, tiers: 3, radix: 4, routing: {policy: ecmp-expected}", "nodes: 16"},
      {"kind: clos, tiers: 3, radix: 6", "nodes: 31"},
      {"kind: clos, levels: [{down: 3, up: 2}, {down: 4, oversubscription: 3}]", "nodes: 36"},
      {"kind: clos, levels: [{down: 2, up: 3}, {down: 2, up: 3}, {down: 8}]", "nodes: 13"},
      {"kind: clos, levels: [{down: 4, oversubscription: 3}, {down: 32}]", "nodes: 3"},
      {"kind: clos, tiers: 2, radix: 8, rails: 4", "nodes: 5", "hgx-h100-8"},
      {"kind: clos, tiers: 3, radix: 4, rails: 8", "nodes: 5", "hgx-h100-8"},
      {"kind: fat-tree, k: 2"},
      {"kind: fat-tree, k: 4"},
      {"kind: fat-tree, k: 4, routing: {policy: ecmp-hash}", "nodes: 15"},
      {"kind: fat-tree, k: 6", "nodes: 20"},
      {"kind: fat-tree, k: 8, rails: 8", "", "hgx-h100-8"},
      {"kind: fat-tree, k: 8, rails: 2", "nodes: 9", "hgx-h100-8"},
      {"kind: superpod, units: 1", "", "hgx-h100-8"},
      {"kind: superpod", "nodes: 40", "hgx-h100-8"},
      {"kind: superpod, units: 9", "nodes: 270", "hgx-h100-8"},
      {"kind: rail-only, tiers: 2, radix: 8", "nodes: 12", "hgx-h100-8"},
      {"kind: rail-only, tiers: 3, radix: 4, rails: 4", "nodes: 7", "hgx-h100-8"},
      {"kind: rail-only, levels: [{down: 4, up: 2}, {down: 3}]", "nodes: 9"},
      {"kind: dragonfly, p: 2, a: 4, h: 2"},
      {"kind: dragonfly, p: 2, a: 4, h: 2, routing: {policy: minimal}", "nodes: 37"},
      {"kind: dragonfly, p: 1, a: 2, h: 1, routing: {policy: valiant}"},
      {"kind: dragonfly, p: 2, a: 3, h: 4, groups: 4, routing: {policy: valiant}"},
      {"kind: dragonfly, p: 2, a: 3, h: 4, groups: 4, global-cables: 2, local-cables: 3"},
      {"kind: dragonfly, p: 1, a: 1, h: 6, groups: 4"},
      {"kind: dragonfly, p: 1, a: 4, h: 3, groups: 2, routing: {policy: valiant}"},
      {"kind: dragonfly, p: 2, a: 2, h: 1, groups: 5, routing: {policy: minimal}"},
      {"kind: dragonfly, p: 3, a: 2, h: 2, groups: 5", "nodes: 3", "hgx-h100-8"},
      {"kind: dragonfly, p: 16, a: 2, h: 2", "", "hgx-h100-8"},
      {"kind: dragonfly, p: 1, a: 2, h: 1, groups: 3", "nodes: 14"},
      {"kind: full-mesh", "nodes: 9"},
      {"kind: full-mesh", "nodes: 3", "hgx-h100-8"}};
  return kCases;
}

Fabric build(const Case& c) { return testing::fabric(cluster_text(c.fabric, c.nodes, c.node)); }

bool is(const Case& c, const std::string& kind) {
  return c.fabric.find("kind: " + kind) == 0 &&
         (c.fabric.size() == 6 + kind.size() || c.fabric[6 + kind.size()] == ',');
}

bool joined(const Case& c, const Fabric& f, PortId a, PortId b) {
  if (!is(c, "rail-only")) return true;
  const auto ports = static_cast<std::uint32_t>(f.node().ports.size());
  const std::uint32_t share = c.fabric.find("rails: 4") != std::string::npos ? 2 : 1;
  return a.value % ports / share == b.value % ports / share;
}

// At most about 40 ports, evenly spread, the first and the last among them.
std::vector<PortId> sample(const Fabric& f) {
  const std::size_t all = ports_of(f).size(), step = std::max<std::size_t>(1, all / 37);
  std::vector<PortId> some;
  for (std::size_t p = 0; p < all; p += step) some.emplace_back(p);
  if (some.back().value + 1 < all) some.emplace_back(all - 1);
  return some;
}

// Connections on each link: those of a trunk spread evenly over its members.
std::map<std::uint32_t, double> by_link(const Fabric& f, const std::vector<Usage>& usage) {
  const auto on_trunk = testing::sum(usage);
  std::map<std::uint32_t, double> on_link;
  for (std::size_t l = 0; l < f.graph().links().size(); ++l) {
    const TrunkId t = f.trunk_of(LinkId(l));
    const auto found = on_trunk.find(t.value);
    if (found != on_trunk.end()) {
      on_link[static_cast<std::uint32_t>(l)] = found->second / f.trunks()[t.value].links;
    }
  }
  return on_link;
}

// Links between switches on the shortest path from a NIC to the farthest it reaches.
int farthest_hops(const Fabric& f, DeviceId nic) {
  const Graph& g = f.graph();
  std::vector<int> hops(g.devices().size(), -1);
  std::vector<DeviceId> queue = {nic};
  hops[nic.value] = 0;
  int most = 0;
  for (std::size_t next = 0; next < queue.size(); ++next) {
    const DeviceId at = queue[next];
    const bool nic_again = next > 0 && g.device(at).node != kNoNode;
    if (nic_again) most = std::max(most, hops[at.value] - 2);
    for (const LinkId l : g.out_links(at)) {
      const DeviceId to = g.link(l).to;
      const bool network = g.device(at).node == kNoNode || g.device(to).node == kNoNode;
      if (nic_again || !network || hops[to.value] >= 0) continue;
      hops[to.value] = hops[at.value] + 1;
      queue.push_back(to);
    }
  }
  return most;
}

TEST_CASE("Every network kind is in the table of small networks") {
  for (const NetworkKind* kind : network_kinds()) {
    CAPTURE(kind->name);
    CHECK(std::any_of(cases().begin(), cases().end(),
                      [&](const Case& c) { return is(c, std::string(kind->name)); }));
    CHECK(!kind->summary.empty());
  }
}

TEST_CASE("What a kind says of its parameters is a section that it accepts") {
  for (const NetworkKind* kind : network_kinds()) {
    CAPTURE(kind->name);
    const std::string section = std::string("fabric:\n  kind: ") + std::string(kind->name) + "\n" +
                                std::string(kind->parameters);
    CHECK(testing::fabric("nodes: 64\nnode: hgx-h100-8\n" + section).facts().port_rate == 400_Gbps);
  }
}

TEST_CASE("Facts count the switches and cables that the graph has") {
  for (const Case& c : cases()) {
    if (is(c, "full-mesh")) continue;  // Its graph stands for more cables than it holds.
    CAPTURE(c.fabric, c.nodes);
    const Fabric f = build(c);
    const Graph& g = f.graph();
    std::uint64_t counted = 0;
    for (const auto& s : f.facts().switches) {
      CAPTURE(s.kind);
      CHECK(s.count == g.count(s.kind));
      counted += s.count;
      std::uint64_t most = 0;
      for (std::size_t d = 0; d < g.devices().size(); ++d) {
        if (g.device_kind(g.device(DeviceId(d)).kind) != s.kind) continue;
        most = std::max<std::uint64_t>(most, g.out_links(DeviceId(d)).size());
      }
      CHECK(s.ports == most);
      if (s.radix > 0 && f.facts().buildable) CHECK(s.ports <= s.radix);
    }
    const auto fabric_devices = std::count_if(g.devices().begin(), g.devices().end(),
                                              [](const Device& d) { return d.node == kNoNode; });
    CHECK(counted == static_cast<std::uint64_t>(fabric_devices));
    for (const auto& cable : f.facts().cables) {
      CAPTURE(cable.tier);
      std::uint64_t links = 0;
      for (const Link& l : g.links()) {
        const std::string& kind = g.link_kind(l.kind);
        if (kind != cable.tier && kind != cable.tier + " up" && kind != cable.tier + " down") {
          continue;
        }
        ++links;
        CHECK(l.capacity.value() == Approx(cable.rate.value()));
      }
      CHECK(cable.count * 2 == links);
    }
  }
}

TEST_CASE("Facts know the diameter, and how many nodes share an edge switch") {
  for (const Case& c : cases()) {
    CAPTURE(c.fabric, c.nodes);
    const Fabric f = build(c);
    int most = 0;
    for (const DeviceId nic : ports_of(f)) most = std::max(most, farthest_hops(f, nic));
    CHECK(f.facts().diameter_hops == most);
    std::map<std::uint32_t, std::set<std::uint32_t>> nodes;  // By edge switch.
    for (const DeviceId nic : ports_of(f)) {
      nodes[f.graph().link(host_link(f, nic)).to.value].insert(f.graph().device(nic).node);
    }
    std::size_t largest = 0;
    for (const auto& [edge, on_it] : nodes) largest = std::max(largest, on_it.size());
    const bool straddles = f.node().ports.size() > 1 && is(c, "dragonfly");
    if (!is(c, "full-mesh") && !straddles) CHECK(f.facts().nodes_per_switch == largest);
  }
}

void check_route(const Fabric& f, const std::vector<Usage>& usage, DeviceId from, DeviceId to) {
  const Graph& g = f.graph();
  std::map<std::uint32_t, double> balance;  // In minus out, by device.
  double most = 0;
  for (const auto& [link, connections] : by_link(f, usage)) {
    most = std::max(most, connections);
    balance[g.link(LinkId(link)).to.value] += connections;
    balance[g.link(LinkId(link)).from.value] -= connections;
  }
  CHECK(most <= 1 + 1e-9);
  for (const auto& [device, rest] : balance) {
    const double due = device == to.value ? 1 : device == from.value ? -1 : 0;
    if (std::abs(rest - due) > 1e-9) FAIL(g.name(DeviceId(device)) << " keeps " << rest - due);
  }
  const auto on = by_link(f, usage);
  const auto at = [&](LinkId l) { return on.count(l.value) == 0 ? 0.0 : on.at(l.value); };
  CHECK(at(host_link(f, from)) == Approx(1));
  CHECK(at(LinkId(host_link(f, to).value + 1)) == Approx(1));
}

TEST_CASE("Routes enter and leave by the right ports and conserve flow at every switch") {
  for (const Case& c : cases()) {
    CAPTURE(c.fabric, c.nodes);
    const Fabric f = build(c);
    const auto nics = ports_of(f);
    const Time most = f.graph().link(host_link(f, nics[0])).latency * (f.facts().diameter_hops + 2);
    const bool shortest = c.fabric.find("valiant") == std::string::npos;
    for (int way = 0; way < f.router().ways(); ++way) {
      for (const PortId a : sample(f)) {
        for (const PortId b : sample(f)) {
          if (a == b) continue;
          std::vector<Usage> usage;
          if (!joined(c, f, a, b)) {
            CHECK_THROWS_WITH(f.router().connect(a, b, {}, usage), Catch::Contains("NVLink"));
            continue;
          }
          const Time t = f.router().connect(a, b, {1, 0, way}, usage);
          check_route(f, usage, nics[a.value], nics[b.value]);
          CHECK(t > Time());
          if (way == 0 && shortest) CHECK(t <= most);
        }
      }
    }
  }
}

void check_all_pairs(const Case& c, const Fabric& f) {
  for (int way = 0; way < f.router().ways(); ++way) {
    std::vector<PortId> ports;
    for (const PortId p : sample(f)) {
      if (joined(c, f, sample(f).front(), p)) ports.push_back(p);
    }
    if (ports.size() < 2) continue;
    std::vector<Usage> whole, single;
    const Time t = f.router().connect_all_pairs(ports, {2, 0, way}, whole);
    Time longest;
    for (const PortId a : ports) {
      for (const PortId b : ports) {
        if (a == b) continue;
        longest = std::max(longest, f.router().connect(a, b, {2, 0, way}, single));
      }
    }
    testing::check_equal(testing::sum(whole), testing::sum(single));
    CHECK(t == longest);
  }
}

TEST_CASE("All pairs of ports use what the pairs use one by one, each way") {
  for (const Case& c : cases()) {
    CAPTURE(c.fabric, c.nodes);
    check_all_pairs(c, build(c));
  }
}

TEST_CASE("Every cable between switches can be slowed or cut by its name") {
  for (const Case& c : cases()) {
    const Fabric whole = build(c);
    const Graph& g = whole.graph();
    std::set<std::string> kinds;
    for (std::size_t l = 0; l < g.links().size(); l += 2) {
      const Link& link = g.links()[l];
      const bool network = g.device(link.from).node == kNoNode;
      if (!network || !kinds.insert(g.link_kind(link.kind)).second) continue;
      const std::string name = g.name(link.from) + ":" + g.name(link.to);
      for (const std::string rate : {"100Gbps", "0Gbps"}) {
        CAPTURE(c.fabric, c.nodes, name, rate);
        std::string text = cluster_text(c.fabric, c.nodes, c.node);
        text.pop_back();
        text.append(", degrade: [{link: \"").append(name).append("#0\", rate: ");
        text.append(rate).append("}]}");
        const Fabric broken = testing::fabric(text);
        CHECK(broken.graph().links()[l].capacity < link.capacity);
        std::optional<std::string> refusal;
        try {
          check_all_pairs(c, broken);
          const auto nics = ports_of(broken);
          for (const PortId b : sample(broken)) {
            if (b.value == 0 || !joined(c, broken, PortId(0u), b)) continue;
            std::vector<Usage> there, back;
            broken.router().connect(PortId(0u), b, {}, there);
            check_route(broken, there, nics[0], nics[b.value]);
            broken.router().connect(b, PortId(0u), {}, back);
            check_route(broken, back, nics[b.value], nics[0]);
          }
        } catch (const Error& e) {
          refusal = e.what();
        }
        if (refusal) {
          CHECK(rate == "0Gbps");
          CHECK_THAT(*refusal, Catch::Contains("no path from"));
        }
      }
    }
  }
}

TEST_CASE("A fabric that fixes its size uses all its ports unless the cluster says less") {
  CHECK(testing::fabric(cluster_text("kind: fat-tree, k: 8")).nodes() == 128);
  CHECK(testing::fabric(cluster_text("kind: fat-tree, k: 8", "nodes: 5")).nodes() == 5);
  CHECK(testing::fabric(cluster_text("kind: dragonfly, p: 2, a: 4, h: 2")).nodes() == 72);
  CHECK(testing::fabric(cluster_text("kind: superpod, units: 2", "", "hgx-h100-8")).nodes() == 64);
  const Fabric crowded = testing::fabric(cluster_text("kind: fat-tree, k: 4", "nodes: 17"));
  CHECK_FALSE(crowded.facts().buildable);
  CHECK_THAT(crowded.facts().reason, Catch::Contains("needs 5 ports and has 4"));
  const Fabric full = testing::fabric(cluster_text("kind: full-mesh", "nodes: 20"));
  CHECK_FALSE(full.facts().buildable);
  CHECK_THAT(full.facts().reason, Catch::Contains("each card needs 19 ports"));
}

TEST_CASE("Wrong parameters are refused with the remedy") {
  const auto refusal = [](const std::string& text) {
    try {
      testing::fabric(text);
    } catch (const Error& e) {
      CHECK(e.exit_code() == 3);
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  const auto bare = [&](const std::string& fabric, const std::string& nodes = "") {
    return refusal(cluster_text(fabric, nodes));
  };
  CHECK_THAT(bare("kind: fat-tree, k: 7"), Catch::Contains("use 6 or 8"));
  CHECK_THAT(bare("kind: fat-tree"), Catch::Contains("needs \"k\""));
  CHECK_THAT(bare("kind: clos, tiers: 2, radix: 8"), Catch::Contains("needs \"nodes\""));
  CHECK_THAT(bare("kind: dragon-fly, p: 2"),
             Catch::Contains("did you mean \"dragonfly\"") && !Catch::Contains("needs"));
  CHECK_THAT(bare("kind: dragonfly, p: 2, a: 4, h: 2, routing: {policy: minmal}"),
             Catch::Contains("did you mean \"minimal\"?"));
  CHECK_THAT(bare("kind: dragonfly, p: 2, a: 4, h: 2, routing: {policy: spray}"),
             Catch::Contains("unknown") && Catch::Contains("ugal"));
  CHECK_THAT(bare("kind: clos, tiers: 2, radix: 8, routing: {policy: ugal}", "nodes: 8"),
             Catch::Contains("spray"));
  CHECK_THAT(bare("kind: dragonfly, p: 1, a: 4000, h: 4000"), Catch::Contains("give \"groups\""));
  CHECK_THAT(bare("kind: dragonfly, p: 1, a: 4000, h: 4, groups: 4000"),
             Catch::Contains("a tier may have"));
  CHECK_THAT(bare("kind: superpod, units: 2"), Catch::Contains("8 NICs"));
  CHECK_THAT(refusal(cluster_text("kind: superpod, units: 2", "nodes: 65", "hgx-h100-8")),
             Catch::Contains("2 units hold 64 nodes"));
  CHECK_THAT(refusal(cluster_text("kind: superpod", "", "hgx-h100-8")),
             Catch::Contains("sized by \"units\""));
  CHECK_THAT(refusal(cluster_text("kind: rail-only, tiers: 2, radix: 8, rails: 3", "nodes: 2",
                                  "hgx-h100-8")),
             Catch::Contains("divisor of 8"));
}

}  // namespace
}  // namespace tenk
