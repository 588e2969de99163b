// Routes around dead and slow links, against an oracle that walks the graph hop by hop.
#include <catch2/catch.hpp>

#include <map>
#include <set>

#include "sim/base/random.h"
#include "tests/support.h"
#include "tests/topologies/routes.h"

namespace tenk {
namespace {

using testing::endpoints;
using testing::fabric;

// Connections by link, spread evenly at each switch over the live links that lead to the leaf of
// the destination by a shortest path.
class Oracle {
 public:
  Oracle(const Fabric& f, std::uint32_t from, std::uint32_t to)
      : graph_(f.graph()), leaf_(leaf_of(f, to)) {
    const DeviceId first = leaf_of(f, from);
    if (first != leaf_) spread(first, 1);
  }

  std::map<std::uint32_t, double> load;

 private:
  static DeviceId leaf_of(const Fabric& f, std::uint32_t host) {
    return f.graph().link(testing::host_link(f, testing::ports_of(f)[host])).to;
  }
  const std::string& kind(DeviceId d) const { return graph_.device_kind(graph_.device(d).kind); }
  bool joined(DeviceId from) const {  // To the leaf, be it by dead links.
    for (const LinkId l : graph_.out_links(from)) {
      if (graph_.link(l).to == leaf_) return true;
    }
    return false;
  }
  // Where a shortest path may go on: up until the leaf, or a switch joined to it, is near.
  std::vector<LinkId> onward(DeviceId from) const {
    std::vector<LinkId> links;
    const bool near = joined(from);
    for (const LinkId l : graph_.out_links(from)) {
      const Link& link = graph_.link(l);
      if (link.capacity.value() == 0) continue;
      if (near ? link.to == leaf_ : leads(from, link.to)) links.push_back(l);
    }
    return links;
  }
  bool leads(DeviceId from, DeviceId to) const {
    const std::string &a = kind(from), &b = kind(to);
    if (a == "leaf") return b == "spine" && !onward(to).empty();
    if (a == "spine") return b == "core" && !onward(to).empty();
    return b == "spine" && joined(to) && !onward(to).empty();  // From a core down.
  }
  void spread(DeviceId at, double share) {
    if (at == leaf_) return;
    const std::vector<LinkId> links = onward(at);
    for (const LinkId l : links) {
      load[l.value] += share / static_cast<double>(links.size());
      spread(graph_.link(l).to, share / static_cast<double>(links.size()));
    }
  }

  const Graph& graph_;
  DeviceId leaf_;
};

bool between_switches(const Graph& graph, const Link& l) {
  return graph.device(l.from).node == kNoNode && graph.device(l.to).node == kNoNode;
}

// What a route puts on each link between switches.
std::map<std::uint32_t, double> by_link(const Fabric& f, const std::vector<Usage>& usage) {
  const auto by_trunk = testing::sum(usage);
  std::map<std::uint32_t, double> load;
  for (std::uint32_t l = 0; l < f.graph().links().size(); ++l) {
    const TrunkId trunk = f.trunk_of(LinkId(l));
    if (!between_switches(f.graph(), f.graph().links()[l])) continue;
    const auto found = by_trunk.find(trunk.value);
    if (found != by_trunk.end()) load[l] = found->second / f.trunks()[trunk.value].links;
  }
  return load;
}

// Some cables of the network, dead or slow.
std::string breakages(const Fabric& whole, Random& random) {
  const Graph& g = whole.graph();
  std::vector<std::string> names;
  std::map<std::string, int> parallel;
  for (std::uint32_t l = 0; l < g.links().size(); l += 2) {
    const Link& link = g.links()[l];
    if (!between_switches(g, link)) continue;
    const std::string name = g.name(link.from) + ":" + g.name(link.to);
    names.push_back(name + "#" + std::to_string(parallel[name]++));
  }
  std::string list;
  std::set<std::string> broken;
  for (std::uint64_t i = 0; i <= random.below(4); ++i) {
    const std::string& name = names[random.below(names.size())];
    if (!broken.insert(name).second) continue;
    list += std::string(list.empty() ? "" : ", ") + "{link: \"" + name +
            "\", rate: " + (random.below(3) > 0 ? "0Gbps" : "90Gbps") + "}";
  }
  return ", degrade: [" + list + "]";
}

struct Case {
  Fabric broken;
  std::uint32_t hosts;
};

Case draw(Random& random, const std::string& routing) {
  static const std::array<std::string, 5> kNetworks = {
      "tiers: 2, radix: 8", "tiers: 3, radix: 4", "tiers: 3, radix: 8",
      "levels: [{down: 3, up: 4}, {down: 4, up: 6}, {down: 8}]",
      "levels: [{down: 2, up: 4}, {down: 2, up: 2}, {down: 16}]"};
  const auto hosts = static_cast<std::uint32_t>(16 + random.below(16));
  std::string cluster =
      endpoints(static_cast<int>(hosts), kNetworks[random.below(kNetworks.size())], routing);
  cluster.insert(cluster.size() - 1, breakages(fabric(cluster), random));
  CAPTURE(cluster);
  return {fabric(cluster), hosts};
}

TEST_CASE("Sprayed routes around dead and slow links are those of an oracle that walks the graph") {
  int routes = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed, "broken clos");
    const Case c = draw(random, "");
    std::vector<Usage> pairs, all;
    std::vector<std::uint32_t> group;
    bool cut = false;
    for (std::uint32_t h = 0; h < c.hosts; ++h) {
      if (random.below(3) > 0) group.push_back(h);
    }
    for (const std::uint32_t a : group) {
      for (const std::uint32_t b : group) {
        if (a == b) continue;
        const Oracle oracle(c.broken, a, b);
        std::vector<Usage> route;
        try {
          c.broken.connect(a, b, {}, route);
        } catch (const Error&) {
          CHECK(oracle.load.empty());
          cut = true;
          continue;
        }
        testing::check_equal(by_link(c.broken, route), oracle.load);
        c.broken.connect(a, b, {2}, pairs);
        ++routes;
      }
    }
    if (cut || group.size() < 2) continue;
    c.broken.connect_all_pairs(group, {2}, all);
    testing::check_equal(testing::sum(all), testing::sum(pairs));
  }
  CHECK(routes > 10'000);
}

TEST_CASE("A hashed path takes live links only, each leading on from the one before") {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    Random random(seed, "broken hash");
    const Case c = draw(random, ", routing: {policy: ecmp-hash, seed: 3}");
    for (int i = 0; i < 100; ++i) {
      const auto a = static_cast<std::uint32_t>(random.below(c.hosts));
      const auto b = static_cast<std::uint32_t>(random.below(c.hosts));
      if (a == b) continue;
      const Oracle oracle(c.broken, a, b);
      std::vector<Usage> route;
      try {
        c.broken.connect(a, b, {1, random.below(100)}, route);
      } catch (const Error&) {
        CHECK(oracle.load.empty());
        continue;
      }
      for (const auto& [link, load] : by_link(c.broken, route)) {
        CHECK(load == 1);
        CHECK(oracle.load.count(link) == 1);
      }
    }
  }
}

TEST_CASE("Two leaves that each lost a different spine of 32 share 30, not 31") {
  const Fabric f = fabric(
      "{nodes: 2048, node: endpoint, fabric: {kind: clos, tiers: 2, radix: 64, link: {rate: "
      "400Gbps, latency: 600ns}}, degrade: [{link: \"leaf0:spine3\", rate: 0Gbps}, {link: "
      "\"leaf1:spine7\", rate: 0Gbps}]}");
  std::vector<Usage> usage;
  f.connect(0, 32, {}, usage);
  REQUIRE(usage.size() == 4);  // NIC, one trunk up, one down, NIC.
  CHECK(usage[2].connections == 1);
  CHECK(f.trunks()[usage[2].trunk.value].links == 30);

  const auto rates = [&](std::uint32_t to_leaf1) {  // Of the 32 hosts of leaf 0.
    std::vector<std::uint32_t> to(f.accelerators());
    for (std::uint32_t i = 0; i < to.size(); ++i) to[i] = i;
    for (std::uint32_t i = 0; i < 32; ++i) to[i] = (i < to_leaf1 ? 32 : 64) + i;
    return testing::fair_rates(f, to);
  };
  // All to leaf 1: 30 uplinks for 32 hosts. All to leaf 2, which lost nothing: 31.
  CHECK(rates(32)[0] == Approx(30.0 / 32));
  CHECK(rates(0)[0] == Approx(31.0 / 32));
  // Half and half: each of the 30 common uplinks carries 16/30 + 16/31 of a host's rate, 1.0495;
  // that to spine 7 only 16/31.
  CHECK(rates(16)[0] == Approx(1 / (16.0 / 30 + 16.0 / 31)));
  CHECK(rates(16)[31] == Approx(1 / (16.0 / 30 + 16.0 / 31)));
}

TEST_CASE("Trunks split where links differ, and where a dead link changes paths, nowhere else") {
  const auto members = [](const Fabric& f) {
    std::map<std::uint32_t, int> by_links;  // Trunks between switches, by their links.
    for (const Trunk& t : f.trunks()) {
      if (f.graph().link_kind(t.kind).starts_with("leaf-spine")) ++by_links[t.links];
    }
    return by_links;
  };
  // 8 leaves of 8 uplinks, two each to 4 spines; a trunk up and one down a leaf.
  const std::string whole = endpoints(64, "tiers: 2, radix: 16");
  const auto with = [&](const std::string& more) {
    return whole.substr(0, whole.size() - 1) + ", " + more + "}";
  };
  using Count = std::map<std::uint32_t, int>;
  CHECK(members(fabric(whole)) == Count{{8, 16}});
  // Slow: 7 fellows and the slow one, up and down; 14 trunks as before.
  CHECK(members(fabric(with("degrade: [{link: \"leaf2:spine0#1\", rate: 50Gbps}]"))) ==
        Count{{8, 14}, {7, 2}, {1, 2}});
  // Dead: spine 0 gives leaf 2 less than other spines do, so at each leaf the 2 cables to spine 0
  // stand beside the 6 others; at leaf 2 one of them lives and one is dead.
  CHECK(members(fabric(with("degrade: [{link: \"leaf2:spine0#1\", rate: 0Gbps}]"))) ==
        Count{{6, 16}, {2, 14}, {1, 4}});
}

}  // namespace
}  // namespace tenk
