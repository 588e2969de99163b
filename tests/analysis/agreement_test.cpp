// Do two simulators that share no line of code agree? Fluid and SimGrid run the same messages of
// random flow sets and random jobs on random small fabrics with single paths. (Random DAGs without
// a fabric: tests/engine/simgrid_test.cpp.)
#include <catch2/catch.hpp>

#include <numeric>

#include "analysis/flows.h"
#include "sim/engine/engine.h"
#include "tests/support.h"
#include "tests/workloads/workload_maker.h"
#include "workloads/expand.h"
#include "workloads/lower.h"
#include "workloads/place.h"

namespace tenk {
namespace {

using testing::fabric;

// A fabric of bare NICs whose connections have one path each.
std::string draw_cluster(Random& random, std::uint32_t nodes) {
  const auto rates = std::array{"100Gbps", "200Gbps", "400Gbps"};
  const std::string link =
      "link: {rate: " + std::string(rates[random.below(rates.size())]) + ", latency: 600ns}";
  const std::string hash =
      ", routing: {policy: ecmp-hash, seed: " + std::to_string(random.below(1000)) + "}";
  const std::array<std::string, 5> fabrics = {
      "kind: clos, tiers: 2, radix: 8, " + link + hash,
      "kind: clos, tiers: 3, radix: 4, " + link + hash,
      "kind: clos, levels: [{down: 3, up: 2}, {down: 2, oversubscription: 1.5}], " + link + hash,
      "kind: dragonfly, p: 2, a: 3, h: 2, groups: 4, " + link + ", routing: {policy: minimal}",
      "kind: dragonfly, p: 2, a: 4, h: 1, groups: 3, " + link + ", routing: {policy: minimal}"};
  return "{nodes: " + std::to_string(nodes) + ", node: endpoint, fabric: {" +
         fabrics[random.below(fabrics.size())] + "}}";
}

// The largest difference of a start or end, of the makespan.
double difference(const Plan& plan) {
  const Timeline fluid = simulate(plan, "fluid"), other = simulate(plan, "simgrid");
  double worst = 0;
  for (std::size_t a = 0; a < plan.activities.size(); ++a) {
    worst = std::max(worst, std::abs((fluid.start[a] - other.start[a]).s()));
    worst = std::max(worst, std::abs((fluid.end[a] - other.end[a]).s()));
  }
  return worst / fluid.makespan.s();
}

constexpr double kSame = 1e-6;

TEST_CASE("Fluid and SimGrid end each flow of 100 random flow sets at the same time") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed, "flow sets");
    const auto nodes = static_cast<std::uint32_t>(random.between(4, 16));
    const std::string cluster = draw_cluster(random, nodes);
    CAPTURE(seed, cluster);
    std::vector<Flow> flows(static_cast<std::size_t>(random.between(1, 80)));
    for (std::size_t i = 0; i < flows.size(); ++i) {
      Flow& flow = flows[i];
      flow.id = static_cast<std::int64_t>(i);
      flow.src = static_cast<std::uint32_t>(random.below(nodes));
      flow.dst = static_cast<std::uint32_t>((flow.src + 1 + random.below(nodes - 1)) % nodes);
      flow.bytes = std::exp2(10 + 16 * random.uniform());
      flow.start_us = random.below(2) == 0 ? 0 : 100 * random.uniform();
    }
    REQUIRE(difference(plan_of(route(fabric(cluster), flows))) < kSame);
  }
}

TEST_CASE("Fluid and SimGrid agree on every message of 100 random jobs") {
  std::size_t messages = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed, "agreement");
    testing::GridShape grid;
    grid.tp = static_cast<std::uint32_t>(random.between(1, 4));
    grid.pp = static_cast<std::uint32_t>(random.between(1, 3));
    grid.dp = static_cast<std::uint32_t>(random.between(grid.tp * grid.pp == 1 ? 2 : 1, 4));
    if (grid.ranks() > 24) grid.dp = 1;
    const std::string cluster = draw_cluster(random, grid.ranks() > 16 ? 24 : 16);
    CAPTURE(seed, cluster, grid.tp, grid.pp, grid.dp);
    Workload w = testing::random_grid(grid, random);
    w.units = 32;  // Communication slows computation.
    const Fabric f = fabric(cluster);
    std::vector<std::uint32_t> places(f.accelerators());
    std::iota(places.begin(), places.end(), 0u);
    random.shuffle(std::span<std::uint32_t>(places));
    places.resize(w.ranks());
    const Traffic t = place(f, w, testing::hopper(), places);
    const Plan plan = lower(w, t, no_symmetry(t));
    const Plan steps = expand(plan, f, w, testing::hopper(), t, places).plan;
    messages += steps.activities.size();
    REQUIRE(difference(steps) < kSame);
  }
  CHECK(messages > 10'000);
}

}  // namespace
}  // namespace tenk
