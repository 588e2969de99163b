#include <catch2/catch.hpp>

#include <map>

#include "tests/support.h"
#include "tests/topologies/routes.h"

namespace tenk {
namespace {

using testing::check_equal;
using testing::endpoints;
using testing::fabric;
using testing::servers;
using testing::sum;

struct Counts {
  std::uint64_t leaves, spines, cores, host, leaf_spine, spine_core;
  bool operator==(const Counts&) const = default;
};
std::ostream& operator<<(std::ostream& o, const Counts& c) {
  return o << c.leaves << " leaves, " << c.spines << " spines, " << c.cores << " cores; cables "
           << c.host << ", " << c.leaf_spine << ", " << c.spine_core;
}

Counts count(const Fabric& f) {
  std::map<std::string, std::uint64_t> cables;
  for (const Link& l : f.graph().links()) ++cables[f.graph().link_kind(l.kind)];
  return {f.graph().count("leaf"), f.graph().count("spine"), f.graph().count("core"),
          cables["host up"],       cables["leaf-spine up"],  cables["spine-core up"]};
}

TEST_CASE(
    "A DGX SuperPOD B200 of 2 to 32 scalable units has the switches and cables of its "
    "reference architecture") {
  // 64-port switches, 32 nodes a unit, one leaf a rail and unit (acceptance/topologies.md).
  const auto two = "tiers: 2, radix: 64, rails: 8", three = "tiers: 3, radix: 64, rails: 8";
  CHECK(count(fabric(servers(64, two))) == Counts{16, 8, 0, 512, 512, 0});
  CHECK(count(fabric(servers(128, two))) == Counts{32, 16, 0, 1024, 1024, 0});
  CHECK(count(fabric(servers(256, two))) == Counts{64, 32, 0, 2048, 2048, 0});
  CHECK(count(fabric(servers(512, three))) == Counts{128, 128, 64, 4096, 4096, 4096});
  CHECK(count(fabric(servers(1024, three))) == Counts{256, 256, 128, 8192, 8192, 8192});
}

TEST_CASE("A full three-tier CLOS of radix k is the k-ary fat tree") {
  // k^3/4 hosts, k^2/2 edge, k^2/2 aggregation, k^2/4 core, k^3/4 cables a tier (Al-Fares 2008).
  for (const int k : {4, 8, 16}) {
    const auto n = static_cast<std::uint64_t>(k * k * k / 4);
    const auto half = static_cast<std::uint64_t>(k * k / 2);
    const Fabric f = fabric(endpoints(k * k * k / 4, "tiers: 3, radix: " + std::to_string(k)));
    CHECK(count(f) == Counts{half, half, half / 2, n, n, n});
    CHECK(f.facts().buildable);
  }
}

TEST_CASE(
    "Llama 3's cluster has 1,024 racks in pods of 192, and 7:1 of exact capacity between "
    "pods") {
  const Fabric f =
      fabric(servers(2048, "levels: [{down: 16, up: 16}, {down: 192, oversubscription: 7}]"));
  const Counts c = count(f);
  CHECK(c.leaves == 1024);
  CHECK(c.spines == 6 * 16);           // 1,024 / 192 = 5.3 pods of 16 cluster switches.
  CHECK(c.spine_core == 6 * 16 * 28);  // 192 / 7 = 27.4 uplinks: 28 cables.
  double up = 0;
  for (const Link& l : f.graph().links()) {
    if (f.graph().link_kind(l.kind) == "spine-core up") up += l.capacity.value();
  }
  CHECK(up == Approx(6 * 3072 / 7.0 * (400_Gbps).value()));
}

TEST_CASE("A route crosses only the tiers it must and takes the latency of its links") {
  const Fabric f = fabric(endpoints(32, "tiers: 3, radix: 4"));  // Edge of 2, pods of 4 hosts.
  std::vector<Usage> usage;
  const Time hop = 600_ns;
  CHECK(f.connect(0, 1, {}, usage) == hop * 2);
  CHECK(usage.size() == 2);
  usage.clear();
  CHECK(f.connect(0, 2, {}, usage) == hop * 4);
  CHECK(usage.size() == 4);
  usage.clear();
  CHECK(f.connect(0, 31, {}, usage) == hop * 6);
  CHECK(usage.size() == 6);
}

TEST_CASE("All pairs from structure use what all connections one by one use") {
  const std::string networks[] = {"tiers: 2, radix: 8", "tiers: 3, radix: 4",
                                  "levels: [{down: 3, up: 2}, {down: 2, up: 3}]",
                                  "levels: [{down: 2, oversubscription: 3}]"};
  const std::string breaks[] = {"", "degrade: [{link: \"leaf0:spine0#0\", rate: 100Gbps}]",
                                "degrade: [{link: \"leaf1:spine1#0\", rate: 0Gbps}]"};
  for (const std::string& network : networks) {
    for (const std::string& broken : breaks) {
      if (!broken.empty() && network.find("oversub") != std::string::npos) continue;
      std::string cluster = endpoints(11, network);
      if (!broken.empty()) cluster.insert(cluster.size() - 1, ", " + broken);
      CAPTURE(cluster);
      const Fabric f = fabric(cluster);
      const std::vector<std::uint32_t> group = {0, 1, 2, 4, 5, 7, 9, 10};
      std::vector<Usage> whole, single;
      const Time t = f.connect_all_pairs(group, {2}, whole);
      Time longest;
      for (const auto a : group) {
        for (const auto b : group) {
          if (a != b) longest = std::max(longest, f.connect(a, b, {2}, single));
        }
      }
      check_equal(sum(whole), sum(single));
      CHECK(t == longest);
    }
  }
}

TEST_CASE(
    "All pairs of servers go by NVLink to the rail of the peer, structure and one by one "
    "alike") {
  const Fabric f = fabric(servers(6, "tiers: 2, radix: 16, rails: 8"));
  std::vector<std::uint32_t> group;
  for (std::uint32_t g = 0; g < 48; ++g) {
    if (g % 8 < 3) group.push_back(g);  // Three GPUs of each node.
  }
  std::vector<Usage> whole, single;
  f.connect_all_pairs(group, {}, whole);
  for (const auto a : group) {
    for (const auto b : group) {
      if (a != b) f.connect(a, b, {}, single);
    }
  }
  check_equal(sum(whole), sum(single));
  // No connection leaves its rail: the uplinks of the leaves carry nothing in one scalable unit.
  for (const auto& [trunk, connections] : sum(whole)) {
    const std::string& kind = f.graph().link_kind(f.trunks()[trunk].kind);
    CHECK(kind.find("leaf-spine") == std::string::npos);
  }
}

TEST_CASE("Hashed connections take one path each, depend on the seed, and are spread") {
  const auto path = [](int seed, std::uint64_t key) {
    const Fabric f =
        fabric(endpoints(128, "tiers: 3, radix: 8",
                         ", routing: {policy: ecmp-hash, seed: " + std::to_string(seed) + "}"));
    std::vector<Usage> usage;
    f.connect(0, 127, {1, key}, usage);
    REQUIRE(usage.size() == 6);
    for (const Usage& u : usage) CHECK(u.connections == 1);
    return usage;
  };
  CHECK(path(1, 0) == path(1, 0));
  std::map<std::uint32_t, int> first_hop;
  for (std::uint64_t key = 0; key < 64; ++key) ++first_hop[path(1, key)[1].trunk.value];
  CHECK(first_hop.size() == 4);
}

TEST_CASE("Hashed all-to-all beyond 4,096 ports is refused and names ecmp-expected") {
  const Fabric f = fabric(endpoints(4097, "levels: [{down: 128, up: 64}, {down: 64}]",
                                    ", routing: {policy: ecmp-hash}"));
  std::vector<std::uint32_t> group;
  for (std::uint32_t g = 0; g < 4097; ++g) group.push_back(g);
  std::vector<Usage> usage;
  CHECK_THROWS_WITH(f.connect_all_pairs(group, {}, usage), Catch::Contains("ecmp-expected"));
}

TEST_CASE("Wrong clusters are refused with every fault and its position") {
  const auto refusal = [](const std::string& text) {
    try {
      fabric(text);
    } catch (const Error& e) {
      CHECK(e.exit_code() == 3);
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  CHECK_THAT(refusal(servers(4, "tiers: 2, radix: 64, rails: 3")), Catch::Contains("divisor of 8"));
  CHECK_THAT(refusal(servers(4, "tiers: 2, radix: 8")), Catch::Contains("a leaf has 4 ports"));
  CHECK_THAT(refusal(endpoints(4, "tiers: 4, radix: 8")), Catch::Contains("tiers"));
  CHECK_THAT(refusal(endpoints(4, "levels: []")), Catch::Contains("1 to 3 levels"));
  CHECK_THAT(refusal("{nodes: 4, node: endpoint, fabric: {kind: close, a: b}}"),
             Catch::Contains("clos"));
  CHECK_THAT(refusal("{nodes: 0, node: hgx-h100-9, fabric: {kind: clos, tiers: 2, radix: 4}}"),
             Catch::Contains("hgx-h100-8") && Catch::Contains("nodes") && Catch::Contains("link"));
  CHECK_THAT(refusal("{nodes: 8, node: endpoint, fabric: {kind: clos, tiers: 2, radix: 8, link: "
                     "{rate: 1Gbps, latency: 1us}}, degrade: [{link: \"leaf0:spine9\", rate: "
                     "0Gbps}]}"),
             Catch::Contains("no cable \"leaf0:spine9\""));
}

TEST_CASE("A job on 4 of a server's 8 GPUs has their 4 NICs; the others stay in the graph, idle") {
  const std::string cluster =
      "{nodes: 2, node: hgx-h100-8, gpus-per-node: 4, fabric: {kind: clos, tiers: 2, radix: 64, "
      "rails: 4, link: {rate: 400Gbps, latency: 300ns}}}";
  const Fabric f = fabric(cluster);
  CHECK(f.accelerators() == 8);
  CHECK(f.graph().count("gpu") == 16);
  CHECK(count(f).host == 8);
  std::vector<Usage> inside, between;
  f.connect(0, 3, {}, inside);
  f.connect(0, 7, {}, between);
  CHECK(inside.size() == 2);  // NVLink out, NVLink in.
  CHECK(between.size() > 4);
  CHECK(f.node_of(3) == 0);
  CHECK(f.node_of(4) == 1);
}

}  // namespace
}  // namespace tenk
