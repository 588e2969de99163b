#include "sim/engine/constraints.h"

#include <catch2/catch.hpp>

#include "sim/engine/engine.h"
#include "tests/engine/random_plan.h"

namespace tenk {
namespace {

TEST_CASE("Of links in a row the narrowest stands for all, and says how full the others are") {
  // Coflow 0 crosses trunks 0, 1 and 2 once, once and twice; coflow 1 crosses 0 and 1 alike; both
  // cross 3, in another proportion. Trunk 1 is narrower than 0: full first, when 0 is at 2/3.
  // Trunk 2 is crossed by coflow 0 only. Nothing crosses 4.
  Plan plan;
  plan.capacity = {3_GBps, 2_GBps, 3_GBps, 3_GBps, 1_GBps};
  plan.usage.add(std::vector<ClassUsage>{
      {ClassId(0u), 1}, {ClassId(1u), 1}, {ClassId(2u), 2}, {ClassId(3u), 1}});
  plan.usage.add(std::vector<ClassUsage>{{ClassId(0u), 5}, {ClassId(1u), 5}, {ClassId(3u), 1}});
  const Constraints c = constraints_of(plan);
  CHECK(c.capacity == std::vector<Bandwidth>{2_GBps, 3_GBps, 3_GBps});
  CHECK(c.followed == std::vector<std::uint32_t>{0, 0, 1, 2, 0});
  CHECK(c.share[0] == Approx(2.0 / 3));
  CHECK(c.share == std::vector<double>{c.share[0], 1, 1, 1, 0});
  CHECK(c.usage[0].size() == 3);
  REQUIRE(c.usage[1].size() == 2);
  CHECK(c.usage[1][0].trunk == ClassId(0u));
  CHECK(c.usage[1][0].connections == 5);
}

TEST_CASE("A wider trunk behind every trunk changes no time, and is as busy as it is wide") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    CAPTURE(seed);
    const Plan plan = testing::random_plan(seed, {.units = seed % 2 == 1});
    Plan doubled = plan;
    const std::size_t trunks = plan.capacity.size();
    doubled.usage = {};
    for (std::size_t t = 0; t < trunks; ++t) doubled.capacity.push_back(plan.capacity[t] * 4);
    for (std::size_t f = 0; f < plan.usage.size(); ++f) {
      std::vector<ClassUsage> row(plan.usage[f].begin(), plan.usage[f].end());
      for (const ClassUsage& u : plan.usage[f]) {
        row.push_back({ClassId(u.trunk.value + trunks), 2 * u.connections});
      }
      doubled.usage.add(row);
    }
    const Timeline one = simulate(plan, "fluid"), two = simulate(doubled, "fluid");
    CHECK(one.start == two.start);
    CHECK(one.end == two.end);
    for (std::size_t t = 0; t < trunks; ++t) {
      CHECK(two.loads[t].bytes == one.loads[t].bytes);
      CHECK(two.loads[trunks + t].bytes == Approx(2 * one.loads[t].bytes));
      CHECK(two.loads[trunks + t].peak_utilisation == Approx(one.loads[t].peak_utilisation / 2));
    }
  }
}

}  // namespace
}  // namespace tenk
