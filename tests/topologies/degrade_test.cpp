#include <catch2/catch.hpp>

#include "sim/base/error.h"
#include "tests/support.h"

namespace tenk {
namespace {

Fabric with(const std::string& degrade, int nodes = 8) {
  std::string text = testing::endpoints(nodes, "levels: [{down: 2, up: 4}, {down: 4}]");
  text.insert(text.size() - 1, ", degrade: [" + degrade + "]");
  return testing::fabric(text);
}

std::vector<double> capacities(const Fabric& f) {
  std::vector<double> all;
  for (const Link& l : f.graph().links()) all.push_back(l.capacity.value());
  return all;
}

TEST_CASE("A switch that fails is all its cables failing, and no other") {
  // 4 leaves with a cable to each of 4 spines.
  const auto switched = capacities(with("{switch: spine2, rate: 0Gbps}"));
  CHECK(switched == capacities(with("{link: \"leaf0:spine2\", rate: 0Gbps}, "
                                    "{link: \"leaf1:spine2\", rate: 0Gbps}, "
                                    "{link: \"leaf2:spine2\", rate: 0Gbps}, "
                                    "{link: \"leaf3:spine2\", rate: 0Gbps}")));
  CHECK(std::count(switched.begin(), switched.end(), 0.0) == 8);  // 4 cables, both ways.
}

TEST_CASE("A node's NIC that is slow is its cables to the switches, not the inside of the node") {
  const auto slow = capacities(with("{node: 3, rate: 100Gbps}"));
  CHECK(slow == capacities(with("{link: \"node3.nic0:leaf1\", rate: 100Gbps}")));
  std::string text = testing::servers(2, "tiers: 2, radix: 64, rails: 8");
  text.insert(text.size() - 1, ", degrade: [{node: 1, rate: 100Gbps}]");
  const auto server = capacities(testing::fabric(text));
  CHECK(std::count(server.begin(), server.end(), (100_Gbps).value()) == 16);  // 8 NICs, both ways.
}

TEST_CASE("A switch or node that is not there is refused with those that are") {
  CHECK_THROWS_WITH(with("{switch: spine9, rate: 0Gbps}"),
                    Catch::Contains("no switch \"spine9\" in this cluster; it has leaf0 to leaf3, "
                                    "spine0 to spine3"));
  CHECK_THROWS_WITH(with("{switch: node0.nic0, rate: 0Gbps}"), Catch::Contains("no switch"));
  CHECK_THROWS_WITH(with("{node: 8, rate: 0Gbps}"), Catch::Contains("at most 7; found 8"));
  CHECK_THROWS_WITH(with("{switch: spine0, node: 1, rate: 0Gbps}"),
                    Catch::Contains("one link, one switch or one node"));
  CHECK_THROWS_WITH(with("{swich: spine0, rate: 0Gbps}"),
                    Catch::Contains("did you mean \"switch\"?"));
}

}  // namespace
}  // namespace tenk
