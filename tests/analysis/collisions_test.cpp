#include "analysis/collisions.h"

#include <catch2/catch.hpp>

#include "analysis/flows.h"
#include "analysis/predict.h"
#include "sim/base/random.h"
#include "tests/support.h"

namespace tenk {
namespace {

std::uint64_t links_in(const Collisions& c) {
  std::uint64_t links = 0;
  for (const CollisionBin& bin : c.histogram) links += bin.links;
  return links;
}

// A permutation of all hosts, each flow once.
RoutedFlows permutation(const Fabric& f, std::uint64_t seed) {
  std::vector<std::uint32_t> to(f.accelerators());
  for (std::uint32_t i = 0; i < to.size(); ++i) to[i] = i;
  Random(seed, "permutation").shuffle(std::span<std::uint32_t>(to));
  std::vector<Flow> flows;
  for (std::uint32_t i = 0; i < to.size(); ++i) {
    if (to[i] != i) flows.push_back({i, i, to[i], 1e6, 0});
  }
  return route(f, flows);
}

TEST_CASE("On a k = 8 fat tree the busiest link of a hashed permutation carries about 4 flows") {
  // 128 flows, 7/8 of them between pods, over 128 links of a tier: the most balls in any of 128
  // bins of 1 ball on average is 4 or 5 (Gonnet 1981: ln n / ln ln n = 3.1 and a little).
  double sum = 0;
  for (int seed = 0; seed < 20; ++seed) {
    const Fabric f = testing::fabric(
        "{nodes: 128, node: endpoint, fabric: {kind: fat-tree, k: 8, link: {rate: 100Gbps, "
        "latency: "
        "1us}, routing: {policy: ecmp-hash, seed: " +
        std::to_string(seed) + "}}}");
    const RoutedFlows routed = permutation(f, static_cast<std::uint64_t>(seed));
    REQUIRE(routed.collisions);
    const Collisions& c = *routed.collisions;
    CHECK(c.links == 128);
    CHECK(links_in(c) == c.links);
    CHECK(c.mean <= 1);
    CHECK((c.busiest >= 3 && c.busiest <= 7));
    sum += static_cast<double>(c.busiest);
  }
  CHECK(sum / 20 == Approx(4.3).margin(0.8));
}

TEST_CASE("Collisions are told where connections are hashed and nowhere else") {
  const std::string network = "levels: [{down: 2, up: 4}, {down: 4}]";
  CHECK(permutation(
            testing::fabric(testing::endpoints(8, network, ", routing: {policy: ecmp-hash}")), 1)
            .collisions);
  CHECK_FALSE(permutation(testing::fabric(testing::endpoints(8, network)), 1).collisions);
}

TEST_CASE("An all-to-all puts its connections on links as the histogram says") {
  // 8 hosts below 4 leaves: 8 x 6 connections leave their leaf, over 16 uplinks: 3 a link.
  const Config file = testing::yaml("{version: 1, cluster: " +
                                    testing::endpoints(8, "levels: [{down: 2, up: 4}, {down: 4}]",
                                                       ", routing: {policy: ecmp-hash, seed: 5}") +
                                    "}");
  const std::vector<Bytes> sizes = {64_MiB};
  const CollectiveTable t = predict_collective(read_scenario(file, ScenarioUse::kClusterOnly),
                                               Collective::kAllToAll, sizes);
  REQUIRE(t.collisions);
  CHECK(t.collisions->traffic == "world pairwise");
  CHECK(t.collisions->links == 16);
  CHECK(t.collisions->mean == Approx(3));
  CHECK(links_in(*t.collisions) == 16);
  double connections = 0;
  for (const CollisionBin& bin : t.collisions->histogram) {
    CHECK(bin.from == bin.to);
    connections += static_cast<double>(bin.from * bin.links);
  }
  CHECK(connections == 48);
}

}  // namespace
}  // namespace tenk
