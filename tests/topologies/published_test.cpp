// Do closed forms and published machines come out with their switches, cables and ratios?
//
// Sources by row: acceptance table of the project (papers and vendor pages named there).
#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>

#include "tests/support.h"
#include "tests/topologies/routes.h"

namespace tenk {
namespace {

using testing::cables;
using testing::cluster_text;
using testing::fabric;
using testing::switches;

double bisection_cables(const Fabric& f) { return f.facts().bisection.value() / 50e9; }

TEST_CASE("The k-ary fat tree has 5k^2/4 switches, 3k^3/4 cables, diameter 4 and k^3/8 bisection") {
  struct Row {
    std::uint64_t k, hosts, edge, aggregation, core, links;
  };
  for (const Row& r : {Row{8, 128, 32, 32, 16, 384}, Row{16, 1024, 128, 128, 64, 3072},
                       Row{32, 8192, 512, 512, 256, 24576}}) {
    const Fabric f = fabric(cluster_text("kind: fat-tree, k: " + std::to_string(r.k)));
    CHECK(f.nodes() == r.hosts);
    CHECK(switches(f, "leaf") == r.edge);
    CHECK(switches(f, "spine") == r.aggregation);
    CHECK(switches(f, "core") == r.core);
    CHECK(cables(f, "host") + cables(f, "leaf-spine") + cables(f, "spine-core") == r.links);
    CHECK(f.facts().diameter_hops == 4);
    CHECK(bisection_cables(f) == static_cast<double>(r.hosts) * 0.5);
    CHECK(f.facts().bisection_how == "formula");
    CHECK(f.facts().oversubscription == 1);
    CHECK(f.facts().buildable);
    for (const auto& s : f.facts().switches) CHECK((s.ports == r.k && s.radix == r.k));
    // The same tree as a clos by radix that is full.
    const Fabric clos = fabric(cluster_text("kind: clos, tiers: 3, radix: " + std::to_string(r.k),
                                            "nodes: " + std::to_string(r.hosts)));
    CHECK(clos.graph().links().size() == f.graph().links().size());
  }
}

TEST_CASE("A leaf-spine of 64-port switches serves 2,048 hosts with 64 leaves and 32 spines") {
  const Fabric f = fabric(cluster_text("kind: clos, tiers: 2, radix: 64", "nodes: 2048"));
  CHECK(switches(f, "leaf") == 64);
  CHECK(switches(f, "spine") == 32);
  CHECK(f.facts().diameter_hops == 2);
  CHECK(bisection_cables(f) == 1024);  // L u / 2
  const Fabric tapered = fabric(
      cluster_text("kind: clos, tiers: 2, radix: 64, oversubscription: {leaf: 3}", "nodes: 768"));
  CHECK(tapered.facts().oversubscription == 3);
  CHECK(bisection_cables(tapered) == 128);  // 16 x 16 / 2: 16 leaves of 48 down and 16 up.
}

TEST_CASE("The dragonfly has g a(a-1)/2 local and g a h/2 global cables and diameter 3") {
  struct Row {
    std::uint64_t h, hosts, routers, groups, local, global;
  };
  // Balanced: a = 2p = 2h, N = 4h^4 + 2h^2 (Kim et al. 2008).
  for (const Row& r : {Row{2, 72, 36, 9, 54, 36}, Row{4, 1056, 264, 33, 264 * 7 / 2, 264 * 4 / 2},
                       Row{8, 16512, 2064, 129, 2064 * 15 / 2, 2064 * 8 / 2}}) {
    const std::string h = std::to_string(r.h);
    const Fabric f = fabric(
        cluster_text("kind: dragonfly, p: " + h + ", a: " + std::to_string(2 * r.h) + ", h: " + h));
    CHECK(f.nodes() == r.hosts);
    CHECK(switches(f, "router") == r.routers);
    CHECK(cables(f, "local") == r.local);
    CHECK(cables(f, "global") == r.global);
    CHECK(f.facts().diameter_hops == 3);
    CHECK(f.facts().switches[0].radix == 4 * r.h - 1);
    CHECK(f.facts().switches[0].ports == 4 * r.h - 1);
    CHECK(f.facts().oversubscription == 1);
    const std::uint64_t pairs = (r.groups * r.groups - 1) / 4;  // Of groups that are cut: g is odd.
    CHECK(bisection_cables(f) == static_cast<double>(pairs));
    CHECK_THAT(f.facts().bisection_how, Catch::Contains("odd"));
  }
  const Fabric even = fabric(cluster_text("kind: dragonfly, p: 2, a: 4, h: 3, groups: 6"));
  CHECK(bisection_cables(even) == 9 * 2);  // (6/2)^2 pairs of 12/5 = 2 cables.
  CHECK(even.facts().bisection_how == "formula");
}

TEST_CASE("A dragonfly with more groups than cables reach, or more nodes than ports, says so") {
  const Fabric wide = fabric(cluster_text("kind: dragonfly, p: 1, a: 2, h: 1, groups: 4"));
  CHECK_FALSE(wide.facts().buildable);
  CHECK_THAT(wide.facts().reason, Catch::Contains("needs 3 global ports and has 2"));
  const Fabric full = fabric(cluster_text("kind: dragonfly, p: 1, a: 2, h: 1", "nodes: 7"));
  CHECK_FALSE(full.facts().buildable);
  CHECK_THAT(full.facts().reason, Catch::Contains("7 node ports on 6 routers of 1"));
}

TEST_CASE("A SuperPOD by units has the switches and cables of the B200 reference architecture") {
  struct Row {
    std::uint64_t units, nodes, leaf, spine, core, cables;
  };
  for (const Row& r :
       {Row{2, 64, 16, 8, 0, 512}, Row{4, 128, 32, 16, 0, 1024}, Row{8, 256, 64, 32, 0, 2048},
        Row{16, 512, 128, 128, 64, 4096}, Row{32, 1024, 256, 256, 128, 8192}}) {
    const Fabric f =
        fabric(cluster_text("kind: superpod, units: " + std::to_string(r.units), "", "hgx-h100-8"));
    CHECK(f.nodes() == r.nodes);
    CHECK(f.accelerators() == 8 * r.nodes);
    CHECK(switches(f, "leaf") == r.leaf);
    CHECK(switches(f, "spine") == r.spine);
    CHECK(switches(f, "core") == r.core);
    CHECK(cables(f, "host") == r.cables);
    CHECK(cables(f, "leaf-spine") == r.cables);
    CHECK(cables(f, "spine-core") == (r.core > 0 ? r.cables : 0));
    CHECK(f.facts().buildable);
    CHECK(f.facts().nodes_per_switch == 32);
    CHECK(bisection_cables(f) == static_cast<double>(4 * r.nodes));
  }
  // H100: 127 nodes, one slot of the last unit is the fabric manager's: 1,016 GPUs, 4 units.
  const Fabric h100 = fabric(cluster_text("kind: superpod, units: 4", "nodes: 127", "hgx-h100-8"));
  CHECK(h100.accelerators() == 1016);
  CHECK(cables(h100, "host") == 1016);
  CHECK(cables(h100, "leaf-spine") == 1024);
}

TEST_CASE("Frontier has 2,368 switches, 37,888 ports, 10,804 global cables and a taper of 57 %") {
  const Fabric f =
      fabric(cluster_text("kind: dragonfly, p: 16, a: 32, h: 16, groups: 74, "
                          "global-cables: 4"));
  CHECK(switches(f, "router") == 2368);
  CHECK(f.nodes() == 37888);
  CHECK(cables(f, "global") == 10804);  // 74 x 73 / 2 x 4
  CHECK(cables(f, "local") == 74ull * 32 * 31 / 2);
  CHECK(1 / f.facts().oversubscription == Approx(0.570).epsilon(1e-3));  // 73 x 4 / 512
  CHECK(f.facts().oversubscription == Approx(1.753).epsilon(1e-3));
  CHECK(f.facts().switches[0].ports == 16 + 31 + 10);  // 292 global cables on 32 routers.
  CHECK(f.facts().buildable);
  CHECK(f.facts().diameter_hops == 3);
  CHECK(bisection_cables(f) == 37 * 37 * 4);
}

TEST_CASE("Aurora's 10,624 nodes fill 166 of 175 groups of 512 endpoints") {
  const Fabric f = fabric(cluster_text("kind: dragonfly, p: 16, a: 32, h: 16, groups: 175",
                                       "nodes: 10624", "hgx-h100-8"));
  CHECK(cables(f, "host") == 84992);  // 166 x 64 nodes x 8
  CHECK(switches(f, "router") == 5600);
  CHECK(cables(f, "global") == 175ull * 174);  // 512 / 174 = 2 cables fit evenly.
  CHECK(f.facts().nodes_per_switch == 2);
  CHECK(f.facts().buildable);
  const auto nics = testing::ports_of(f);
  const auto router = [&](std::size_t port) {
    return f.graph().device(f.graph().link(testing::host_link(f, nics[port])).to).index;
  };
  CHECK(router(nics.size() - 1) == 166 * 32 - 1);
  CHECK(router(15) == 0);
  CHECK(router(16) == 1);
}

TEST_CASE("Perlmutter phase 1 has 12 groups of 32 switches and 128 nodes: 1,536 nodes, 3 hops") {
  const Fabric f = fabric(cluster_text("kind: dragonfly, p: 4, a: 32, h: 16, groups: 12"));
  CHECK(f.nodes() == 1536);
  CHECK(switches(f, "router") == 12ull * 32);
  CHECK(f.facts().nodes_per_switch == 4);
  CHECK(f.facts().diameter_hops <= 3);
  CHECK(f.facts().buildable);
}

TEST_CASE("Meta's 24k cluster has 8 pods of 3,072 at full bisection and 1:7 between them") {
  const Fabric f = fabric(
      cluster_text("kind: clos, levels: [{down: 16, up: 16}, {down: 192, oversubscription: 7}]",
                   "nodes: 3072", "hgx-h100-8"));
  CHECK(f.accelerators() == 24576);
  CHECK(switches(f, "leaf") == 8ull * 192);
  CHECK(switches(f, "spine") == 8ull * 16);
  CHECK(f.facts().oversubscription == Approx(7));
  CHECK(f.facts().diameter_hops == 4);
  CHECK(bisection_cables(f) == Approx(12288 / 7.0));  // Exact capacity, not 28 cables.
  CHECK(f.facts().bisection_how == "formula");
}

TEST_CASE(
    "A rail-only network is one CLOS a rail: fewer switches than one for all, same bisection") {
  const std::string levels = "tiers: 2, radix: 64";
  const Fabric rails =
      fabric(cluster_text("kind: rail-only, " + levels, "nodes: 64", "hgx-h100-8"));
  CHECK(switches(rails, "leaf") == 8ull * 2);
  CHECK(switches(rails, "spine") == 8);  // Two leaves of 32 up on one spine of 64 ports.
  CHECK(cables(rails, "host") == 512);
  CHECK(bisection_cables(rails) == 256);
  CHECK_THAT(rails.facts().bisection_how, Catch::Contains("nothing joins the rails"));
  // Between rails: one NVLink hop, then the rail of the destination.
  std::vector<Usage> usage;
  CHECK_NOTHROW(rails.connect(0, 8 * 40 + 5, {}, usage));
  CHECK(usage.size() > 4);
}

TEST_CASE("10,240 ports in a full mesh have 10,240 x 10,239 connections and cannot be built") {
  const Fabric f = fabric(cluster_text("kind: full-mesh", "nodes: 1280", "hgx-h100-8"));
  CHECK(cables(f, "mesh") == 10240ull * 10239 / 2);
  CHECK_FALSE(f.facts().buildable);
  CHECK_THAT(f.facts().reason, Catch::Contains("104,847,360 connections"));
  CHECK(bisection_cables(f) == 5120.0 * 5120);
  CHECK(f.facts().switches.empty());
  CHECK(f.facts().diameter_hops == 0);
}

TEST_CASE("A ring over 4,096 ports of Frontier or Aurora, and their all-to-all, can be laid") {
  for (const char* machine : {"groups: 74, global-cables: 4", "groups: 175"}) {
    const Fabric f = fabric(cluster_text(std::string("kind: dragonfly, p: 16, a: 32, h: 16, ") +
                                         machine + ", routing: {policy: ugal}"));
    const std::uint32_t step = f.nodes() / 4096;
    for (const int way : {0, 1}) {
      std::vector<Usage> ring;
      for (std::uint32_t i = 0; i < 4096; ++i) {
        f.connect(i * step, (i + 1) % 4096 * step, {1, 0, way}, ring);
      }
      double hosts = 0, all_hosts = 0;
      const auto on_hosts = [&](std::span<const Usage> usage) {
        double sum = 0;
        for (const Usage& u : usage) {
          const auto& kind = f.graph().link_kind(f.trunks()[u.trunk.value].kind);
          if (kind == "host up") sum += u.connections;
        }
        return sum;
      };
      hosts = on_hosts(ring);
      CHECK(hosts == 4096);
      std::vector<std::uint32_t> everyone(f.nodes());
      std::iota(everyone.begin(), everyone.end(), 0u);
      std::vector<Usage> all;
      f.connect_all_pairs(everyone, {1, 0, way}, all);
      all_hosts = on_hosts(all);
      CHECK(all_hosts == Approx(f.nodes() * (f.nodes() - 1.0)));
    }
  }
}

}  // namespace
}  // namespace tenk
