#include <catch2/catch.hpp>

#include <cmath>
#include <numeric>
#include <set>

#include "sim/base/error.h"
#include "tests/support.h"

namespace tenk {
namespace {

ClusterSpec cluster(int nodes, const std::string& stragglers) {
  std::string text = testing::servers(nodes, "tiers: 2, radix: 64, rails: 8");
  text.insert(text.size() - 1, ", stragglers: " + stragglers);
  Faults faults;
  const ClusterSpec spec = read_cluster(Section(testing::yaml(text), "cluster", faults));
  faults.throw_if_any();
  return spec;
}

std::vector<double> speeds(int nodes, const std::string& stragglers) {
  const ClusterSpec spec = cluster(nodes, stragglers);
  return speeds_of(spec.stragglers, spec.size());
}

TEST_CASE("Entries name accelerators or whole nodes, and multiply") {
  const auto s = speeds(4, "[{node: 1, count: 2, speed: 0.5}, {accelerator: 9, speed: 0.8}]");
  REQUIRE(s.size() == 32);
  CHECK((s[7] == 1 && s[8] == 0.5 && s[23] == 0.5 && s[24] == 1));
  CHECK(s[9] == 0.4);  // 0.5 x 0.8
  CHECK(speeds(4, "[]").empty());
}

TEST_CASE("A spread has the mean and the deviation that were asked for, and is the seed's alone") {
  const auto s = speeds(2000, "[{spread: 0.04, seed: 7}]");
  const double n = static_cast<double>(s.size());
  const double mean = std::accumulate(s.begin(), s.end(), 0.0) / n;
  double squares = 0;
  for (const double x : s) squares += (x - mean) * (x - mean);
  // 16,000 draws: the mean is known to 0.04 / 126 = 0.0003, the deviation to 0.04 / 179 = 0.0002.
  CHECK(std::abs(mean - 1) < 0.001);
  CHECK(std::abs(std::sqrt(squares / n) - 0.04) < 0.001);
  CHECK(s == speeds(2000, "[{spread: 0.04, seed: 7}]"));
  CHECK(s != speeds(2000, "[{spread: 0.04, seed: 8}]"));
  // Steps of an eighth of the deviation: within four deviations either way at most 65 speeds.
  CHECK(std::set<double>(s.begin(), s.end()).size() <= 65);
}

TEST_CASE("A spread of nodes gives all accelerators of a node one speed") {
  const auto s = speeds(50, "[{spread: 0.04, of: node}]");
  for (std::size_t a = 0; a < s.size(); ++a) CHECK(s[a] == s[a / 8 * 8]);
  CHECK(std::set<double>(s.begin(), s.end()).size() > 5);
}

TEST_CASE("A straggler that is not there or says nothing is refused with what is possible") {
  CHECK_THROWS_WITH(cluster(2, "[{node: 2, speed: 0.5}]"), Catch::Contains("at most 1; found 2"));
  CHECK_THROWS_WITH(cluster(2, "[{accelerator: 16, speed: 0.5}]"),
                    Catch::Contains("at most 15; found 16"));
  CHECK_THROWS_WITH(cluster(2, "[{node: 1, count: 2, speed: 0.5}]"),
                    Catch::Contains("at most 1; found 2"));
  CHECK_THROWS_WITH(cluster(2, "[{speed: 0.5}]"), Catch::Contains("this one has none"));
  CHECK_THROWS_WITH(cluster(2, "[{node: 0, spread: 0.1}]"), Catch::Contains("has several"));
  CHECK_THROWS_WITH(cluster(2, "[{node: 0, speed: 0}]"), Catch::Contains("at least 0.01"));
  CHECK_THROWS_WITH(cluster(2, "[{spread: 3}]"), Catch::Contains("at most 0.15"));
  CHECK_THROWS_WITH(cluster(2, "[{node: 0, sped: 1}]"), Catch::Contains("did you mean \"speed\"?"));
}

}  // namespace
}  // namespace tenk
