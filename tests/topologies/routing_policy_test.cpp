// What routing policies of a CLOS do to the load of its links.
#include <catch2/catch.hpp>

#include <map>
#include <numeric>

#include "tests/support.h"

namespace tenk {
namespace {

Fabric clos(const std::string& routing, const std::string& degrade = "",
            const std::string& network = "levels: [{down: 2, up: 4}, {down: 4}]") {
  std::string text = testing::endpoints(8, network, ", routing: {" + routing + "}");
  if (!degrade.empty()) text.insert(text.size() - 1, ", degrade: [" + degrade + "]");
  return testing::fabric(text);
}

// Connections on each link; a trunk's are shared evenly by its links.
std::vector<double> load(const Fabric& f, std::uint32_t a, std::uint32_t b) {
  std::vector<Usage> usage;
  f.connect(a, b, {}, usage);
  std::vector<double> on_trunk(f.trunks().size(), 0), on_link;
  for (const Usage& u : usage) on_trunk[u.trunk.value] += u.connections;
  for (std::size_t l = 0; l < f.graph().links().size(); ++l) {
    const TrunkId t = f.trunk_of(LinkId(l));
    on_link.push_back(on_trunk[t.value] / f.trunks()[t.value].links);
  }
  return on_link;
}

void check_close(const std::vector<double>& a, const std::vector<double>& b, double margin) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) REQUIRE(a[i] == Approx(b[i]).margin(margin));
}

TEST_CASE("Adaptive routing of equal links is spraying") {
  for (const char* network : {"levels: [{down: 2, up: 4}, {down: 4}]", "tiers: 3, radix: 4"}) {
    const Fabric adaptive = clos("policy: adaptive", "", network);
    const Fabric spray = clos("policy: spray", "", network);
    for (std::uint32_t b = 1; b < 8; ++b)
      check_close(load(adaptive, 0, b), load(spray, 0, b), 1e-12);
  }
}

TEST_CASE("Adaptive routing fills paths in proportion to their narrowest links") {
  // Of leaf 0's four uplinks one has 100 of 400 Gb/s; down to leaf 3 another has 200. From leaf 0
  // to leaf 3: room 100 : 200 : 400 : 400 of 1,100; all narrowest links are equally full.
  const Fabric f = clos("policy: adaptive",
                        "{link: \"leaf0:spine0\", rate: 100Gbps}, "
                        "{link: \"leaf3:spine1\", rate: 200Gbps}");
  std::multimap<double, double> by_capacity;
  const auto loads = load(f, 0, 7);
  double sent = 0;
  for (std::size_t l = 0; l < loads.size(); ++l) {
    const Link& link = f.graph().links()[l];
    if (f.graph().link_kind(link.kind) != "leaf-spine up" || loads[l] <= 0) continue;
    by_capacity.emplace(loads[l], link.capacity.value());
    sent += loads[l];
  }
  CHECK(sent == Approx(1));
  std::vector<double> shares;
  for (const auto& [share, capacity] : by_capacity) shares.push_back(share);
  REQUIRE(shares.size() == 4);
  CHECK(shares[0] == Approx(100.0 / 1100));
  CHECK(shares[1] == Approx(200.0 / 1100));
  CHECK(shares[2] == Approx(400.0 / 1100));
  CHECK(shares[3] == Approx(400.0 / 1100));
}

TEST_CASE("Adaptive routing never makes a pair's narrowest link fuller than spraying does") {
  for (const char* degrade : {"{link: \"leaf0:spine0\", rate: 50Gbps}",
                              "{switch: spine1, rate: "
                              "30Gbps}",
                              "{link: \"leaf1:spine2\", rate: 0Gbps}"}) {
    const Fabric adaptive = clos("policy: adaptive", degrade);
    const Fabric spray = clos("policy: spray", degrade);
    const auto fullest = [](const Fabric& f, std::uint32_t a, std::uint32_t b) {
      double worst = 0;
      const auto loads = load(f, a, b);
      for (std::size_t l = 0; l < loads.size(); ++l) {
        if (loads[l] > 0) worst = std::max(worst, loads[l] / f.graph().links()[l].capacity.value());
      }
      return worst;
    };
    for (std::uint32_t a = 0; a < 8; ++a) {
      for (std::uint32_t b = 0; b < 8; ++b) {
        if (a != b) CHECK(fullest(adaptive, a, b) <= fullest(spray, a, b) * (1 + 1e-12));
      }
    }
  }
}

TEST_CASE("ecmp-expected is the mean of ecmp-hash over seeds, and flowlets tend to it") {
  const std::vector<double> expected = load(clos("policy: ecmp-expected"), 0, 7);
  std::vector<double> mean(expected.size(), 0);
  constexpr int kSeeds = 400;
  for (int seed = 0; seed < kSeeds; ++seed) {
    const auto one = load(clos("policy: ecmp-hash, seed: " + std::to_string(seed)), 0, 7);
    CHECK(std::count_if(one.begin(), one.end(), [](double x) { return x > 0; }) == 4);
    for (std::size_t l = 0; l < mean.size(); ++l) mean[l] += one[l] / kSeeds;
  }
  // A share of 1/4 over 400 draws: deviation sqrt(3/16/400) = 0.022; four of them.
  check_close(mean, expected, 0.09);
  // One connection in 1,024 pieces: deviation sqrt(3/16/1024) = 0.0135.
  check_close(load(clos("policy: flowlets, pieces: 1024"), 0, 7), expected, 0.055);
  // In one piece it takes one path.
  const auto whole = load(clos("policy: flowlets, pieces: 1"), 0, 7);
  CHECK(std::count(whole.begin(), whole.end(), 1.0) == 4);
}

}  // namespace
}  // namespace tenk
