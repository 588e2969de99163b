// Do bare NICs get from each fabric what the textbooks say?
//
// Every port sends to one other port at once; rates are max-min fair, in host link rates.
#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>

#include "sim/base/random.h"
#include "tests/support.h"
#include "tests/topologies/routes.h"

namespace tenk {
namespace {

using testing::cluster_text;
using testing::fabric;
using testing::fair_rates;

using Destinations = std::vector<std::uint32_t>;

double slowest(const Fabric& f, const Destinations& to, int way = 0) {
  const auto rates = fair_rates(f, to, way);
  return *std::min_element(rates.begin(), rates.end());
}

Destinations permutation(std::uint32_t ports, std::uint64_t seed) {
  Destinations to(ports);
  std::iota(to.begin(), to.end(), 0u);
  Random(seed, "permutation").shuffle(std::span(to));
  return to;
}

Destinations shift(std::uint32_t ports, std::uint32_t by) {
  Destinations to(ports);
  for (std::uint32_t i = 0; i < ports; ++i) to[i] = (i + by) % ports;
  return to;
}

TEST_CASE("A sprayed CLOS of full bisection gives every host its whole link, whoever it sends to") {
  for (const char* network :
       {"kind: fat-tree, k: 8", "kind: clos, tiers: 3, radix: 8", "kind: clos, tiers: 2, radix: 16",
        "kind: clos, levels: [{down: 8, up: 12}, {down: 64}]"}) {
    CAPTURE(network);
    const Fabric f = fabric(cluster_text(network, "nodes: 128"));
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      CHECK(slowest(f, permutation(128, seed)) == Approx(1).epsilon(1e-9));
    }
    for (const std::uint32_t by : {4u, 16u, 64u}) {
      CHECK(slowest(f, shift(128, by)) == Approx(1).epsilon(1e-9));
    }
  }
}

TEST_CASE("A tier oversubscribed r to 1 gives each host 1/r across it, and its all within") {
  const Fabric leaf = fabric(
      cluster_text("kind: clos, levels: [{down: 6, oversubscription: 3}, {down: 8}]", "nodes: 48"));
  CHECK(slowest(leaf, shift(48, 6)) == Approx(1 / 3.0).epsilon(1e-9));
  CHECK(slowest(leaf, shift(48, 24)) == Approx(1 / 3.0).epsilon(1e-9));
  Destinations neighbours(48);
  for (std::uint32_t i = 0; i < 48; ++i) neighbours[i] = i / 6 * 6 + (i + 1) % 6;
  CHECK(slowest(leaf, neighbours) == Approx(1).epsilon(1e-9));
  // 3,072 / 7 in small: 8 leaves of 4 in a pod of 4 spines, 8 / 7 cables up at each: 7 to 1.
  const Fabric pod = fabric(cluster_text(
      "kind: clos, levels: [{down: 4, up: 4}, {down: 8, oversubscription: 7}]", "nodes: 128"));
  CHECK(slowest(pod, shift(128, 32)) == Approx(1 / 7.0).epsilon(1e-9));
  CHECK(slowest(pod, permutation(32, 1)) == Approx(1).epsilon(1e-9));
  CHECK(pod.facts().oversubscription == Approx(7));
}

TEST_CASE("Minimal routes of a dragonfly give 1/(a p) when each group sends to the next") {
  // All a p hosts of a group share the one cable to the next group (Kim et al. 2008, section 4.1).
  for (const std::uint32_t h : {1u, 2u, 3u}) {
    const std::uint32_t p = h, a = 2 * h, ports = p * a * (a * h + 1);
    const Fabric f = fabric(cluster_text("kind: dragonfly, p: " + std::to_string(p) +
                                         ", a: " + std::to_string(a) + ", h: " + std::to_string(h) +
                                         ", routing: {policy: minimal}"));
    CHECK(slowest(f, shift(ports, a * p)) == Approx(1.0 / (a * p)).epsilon(1e-9));
  }
  // Four cables a pair, 16 hosts a group.
  const Fabric wide = fabric(
      cluster_text("kind: dragonfly, p: 4, a: 4, h: 4, groups: 5, routing: {policy: minimal}"));
  CHECK(slowest(wide, shift(80, 16)) == Approx(4.0 / 16).epsilon(1e-9));
}

TEST_CASE("Valiant's detours give half of the link in the same worst case") {
  // Each cable of group x to z carries 1/(g-2) of what x sends and of what somebody sends to z:
  // a p x 2/(g-2) <= 1 gives (g-2)/(2 (g-1)) for a p = a h = g - 1: 71/144 for p = 6.
  const auto balanced = [](std::uint32_t p, const std::string& policy) {
    return fabric(cluster_text("kind: dragonfly, p: " + std::to_string(p) +
                               ", a: " + std::to_string(2 * p) + ", h: " + std::to_string(p) +
                               ", routing: {policy: " + policy + "}"));
  };
  CHECK(slowest(balanced(2, "valiant"), shift(72, 8)) == Approx(7 / 16.0).epsilon(1e-9));
  CHECK(slowest(balanced(2, "ugal"), shift(72, 8), 1) == Approx(7 / 16.0).epsilon(1e-9));
  CHECK(slowest(balanced(2, "ugal"), shift(72, 8), 0) == Approx(1 / 8.0).epsilon(1e-9));
  const Fabric large = balanced(6, "valiant");
  const double got = slowest(large, shift(12 * 6 * 73, 72));
  CHECK(got == Approx(71 / 144.0).epsilon(1e-9));
  CHECK(got == Approx(0.5).epsilon(0.02));
}

TEST_CASE("All to all, minimal routes of a balanced dragonfly are better than detours") {
  // Shifts by every distance are the all-to-all; each cable of a pair carries (a p)^2 connections
  // of N-1: about all of the link. Detours use two global cables each.
  const auto busiest = [](const std::string& policy) {
    const Fabric f = fabric(
        cluster_text("kind: dragonfly, p: 2, a: 4, h: 2, routing: {policy: " + policy + "}"));
    std::vector<std::uint32_t> all(72);
    std::iota(all.begin(), all.end(), 0u);
    std::vector<Usage> usage;
    f.connect_all_pairs(all, {}, usage);
    double most = 0;
    for (const auto& [trunk, connections] : testing::sum(usage)) most = std::max(most, connections);
    return most;
  };
  CHECK(busiest("minimal") == Approx(71));  // A host link: 71 others; a global cable: 64.
  // A global cable x to z: first half, 8 hosts x 56 others / 7 groups = 64; second half the same.
  CHECK(busiest("valiant") == Approx(128));
}

TEST_CASE("Connections hashed onto paths collide: about four on the busiest link of a k=8 tree") {
  // Mean of the busiest link over 20 random permutations of 128 hosts: 4.15 (packet simulators:
  // 4, acceptance/topologies.md). Spray would carry 1.
  double total = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Fabric f = fabric(cluster_text(
        "kind: fat-tree, k: 8, routing: {policy: ecmp-hash, seed: " + std::to_string(seed) + "}"));
    const Destinations to = permutation(128, seed);
    std::vector<Usage> usage;
    for (std::uint32_t i = 0; i < 128; ++i) {
      if (to[i] != i) f.connect(i, to[i], {1, i}, usage);
    }
    double most = 0;
    for (const auto& [trunk, connections] : testing::sum(usage)) most = std::max(most, connections);
    total += most;
    CHECK(slowest(f, to) <= 1 / most + 1e-9);
  }
  INFO("average " << total / 20);
  CHECK(total / 20 > 3);
  CHECK(total / 20 < 5);
}

TEST_CASE("A full mesh gives one pair one cable and all pairs the sum of them") {
  const Fabric f = fabric(cluster_text("kind: full-mesh", "nodes: 12"));
  CHECK(f.router().private_rate() == 400_Gbps);
  CHECK(slowest(f, shift(12, 5)) == Approx(1).epsilon(1e-9));
  std::vector<Usage> usage;
  std::vector<std::uint32_t> all(12);
  std::iota(all.begin(), all.end(), 0u);
  f.connect_all_pairs(all, {}, usage);
  for (const auto& [trunk, connections] : testing::sum(usage)) {
    CHECK(f.trunks()[trunk].capacity.value() / connections == Approx((400_Gbps).value()));
  }
}

}  // namespace
}  // namespace tenk
