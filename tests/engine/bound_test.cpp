#include <catch2/catch.hpp>

#include "sim/base/error.h"
#include "sim/engine/engine.h"
#include "tests/engine/random_plan.h"

namespace tenk {
namespace {

using testing::random_plan;

TEST_CASE("Without contention no activity starts or ends later than with it") {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    CAPTURE(seed);
    const Plan plan = random_plan(seed, {.units = seed % 2 == 1});
    const Timeline bound = simulate(plan, "bound"), fluid = simulate(plan, "fluid");
    for (std::size_t a = 0; a < plan.activities.size(); ++a) {
      const Time slack = Time::picoseconds(static_cast<std::int64_t>(a) + 1);
      REQUIRE(bound.start[a] <= fluid.start[a] + slack);
      REQUIRE(bound.end[a] <= fluid.end[a] + slack);
    }
    REQUIRE(bound.makespan <= fluid.makespan + Time::picoseconds(1));
  }
}

TEST_CASE("Transfers that never meet take the same with and without contention") {
  // A chain: each waits for the one before.
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    Plan plan = random_plan(seed);
    const std::size_t n = plan.activities.size();
    plan.successors = {};
    for (std::size_t a = 0; a < n; ++a) {
      const ActivityId next(a + 1);
      plan.successors.add({&next, a + 1 < n ? 1u : 0u});
      plan.waits_for[a] = a > 0 ? 1 : 0;
    }
    const Timeline bound = simulate(plan, "bound"), fluid = simulate(plan, "fluid");
    REQUIRE(bound.start == fluid.start);
    REQUIRE(bound.end == fluid.end);
    for (std::size_t t = 0; t < plan.capacity.size(); ++t) {
      REQUIRE(bound.loads[t].bytes == Approx(fluid.loads[t].bytes));
      REQUIRE(bound.loads[t].peak_utilisation == Approx(fluid.loads[t].peak_utilisation));
    }
  }
}

TEST_CASE("Two transfers on one trunk each take their own time, and load it twice") {
  // 1 GB/s: 1 GB takes 1 s, 3 GB take 3 s; together they ask for twice the capacity.
  Plan plan;
  plan.capacity = {1_GBps};
  const ClassUsage use{ClassId(), 1};
  for (const double bytes : {1e9, 3e9}) {
    Activity a;
    a.kind = Activity::Kind::kTransfer;
    a.coflow = ClassId(plan.usage.size());
    a.bytes = bytes;
    plan.activities.push_back(a);
    plan.usage.add({&use, 1});
    plan.successors.add({});
    plan.waits_for.push_back(0);
  }
  const Timeline t = simulate(plan, "bound");
  CHECK(t.end == std::vector<Time>{1_s, 3_s});
  CHECK(t.loads[0].peak_utilisation == Approx(2));
  CHECK(t.loads[0].bytes == Approx(4e9));
  CHECK(t.events == 3);                              // Bytes flow from 0; ends at 1 and 3 s.
  CHECK_THROWS_AS(check_bounds(plan, t), BugError);  // Not with contention, which needs 4 s.
}

TEST_CASE("Every engine refuses what takes longer than time can tell") {
  Plan plan = random_plan(1, {.whole = true});
  for (Activity& a : plan.activities) a.bytes *= 1e16;
  for (const EngineKind* engine : engine_kinds()) {
    CAPTURE(engine->name);
    CHECK_THROWS_WITH(engine->run(plan), Catch::Contains("52 days"));
  }
}

}  // namespace
}  // namespace tenk
