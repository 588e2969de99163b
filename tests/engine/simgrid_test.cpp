// The outside opinion: SimGrid runs the same plans.
#include <catch2/catch.hpp>

#include <sys/wait.h>

#include <cerrno>
#include <cmath>

#include "sim/base/error.h"
#include "sim/engine/engine.h"
#include "sim/engine/simgrid/helper.h"
#include "tests/engine/random_plan.h"

namespace tenk {
namespace {

using testing::random_plan;

TEST_CASE("Fluid and SimGrid agree on each start and end of 100 random plans") {
  // Two solvers and two event loops; fluid rounds to picoseconds.
  double worst = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    CAPTURE(seed);
    const Plan plan = random_plan(seed, {.trunks = 3 + static_cast<std::uint32_t>(seed % 9),
                                         .activities = 20 + static_cast<std::uint32_t>(seed),
                                         .units = seed % 2 == 1,
                                         .whole = true});
    const Timeline fluid = simulate(plan, "fluid"), other = simulate(plan, "simgrid");
    const double scale = fluid.makespan.s();
    for (std::size_t a = 0; a < plan.activities.size(); ++a) {
      worst = std::max(worst, std::abs((fluid.start[a] - other.start[a]).s()) / scale);
      worst = std::max(worst, std::abs((fluid.end[a] - other.end[a]).s()) / scale);
    }
    for (std::size_t t = 0; t < plan.capacity.size(); ++t) {
      REQUIRE(fluid.loads[t].bytes == Approx(other.loads[t].bytes).epsilon(1e-6));
      REQUIRE(fluid.loads[t].peak_utilisation ==
              Approx(other.loads[t].peak_utilisation).epsilon(1e-6));
    }
    REQUIRE(worst < 1e-6);
  }
  CAPTURE(worst);
  CHECK(worst < 1e-8);
}

// Transfers of 1 GB that all start at 0, transfer i on trunk 0 (1 GB/s) with connections[i].
Plan together(const std::vector<double>& connections) {
  Plan plan;
  plan.capacity = {1_GBps};
  for (const double c : connections) {
    const ClassUsage use{ClassId(), c};
    Activity a;
    a.kind = Activity::Kind::kTransfer;
    a.coflow = ClassId(plan.usage.size());
    a.bytes = 1e9;
    plan.activities.push_back(a);
    plan.usage.add({&use, 1});
    plan.successors.add({});
    plan.ranks_of.add({});
    plan.waits_for.push_back(0);
  }
  plan.trunk_count = {1};
  plan.coflow_count.assign(connections.size(), 1);
  return plan;
}

TEST_CASE("SimGrid shares by connections, in whatever unit they are given") {
  // x + 2 x = 1 GB/s: both at 1/3 GB/s for 3 s.
  CHECK(simulate(together({1, 2}), "simgrid").makespan.s() == Approx(3));
  // Of a sprayed pair each link has half a connection and a whole one: 0.5 x + x = 1, 1.5 s.
  CHECK(simulate(together({0.5, 1}), "simgrid").makespan.s() == Approx(1.5));
}

TEST_CASE("SimGrid refuses shares that have no common unit, and names what would do") {
  CHECK_THROWS_WITH(simulate(together({1, std::sqrt(2)}), "simgrid"),
                    Catch::Contains("whole connections") && Catch::Contains("ecmp-hash") &&
                        Catch::Contains("fluid"));
}

TEST_CASE("A latency delays the bytes and gives nobody a larger share") {
  // Alone for 0.5 s at 1 GB/s, then both at half: ends at 1.5 and 2 s.
  Plan plan = together({1, 1});
  plan.activities[1].time = 500_ms;
  const Timeline t = simulate(plan, "simgrid");
  CHECK(t.end[0].s() == Approx(1.5));
  CHECK(t.end[1].s() == Approx(2));
}

TEST_CASE("A cap holds one transfer and leaves the rest to the others") {
  // 0.25 GB/s for 4 s; the other at 0.75 GB/s until 1.333 s.
  Plan plan = together({1, 1});
  plan.activities[0].cap = Bandwidth::per_second(0.25e9);
  const Timeline t = simulate(plan, "simgrid");
  CHECK(t.end[0].s() == Approx(4));
  CHECK(t.end[1].s() == Approx(4.0 / 3));
}

TEST_CASE("No helper is left behind, whether it answers or fails") {
  const auto children = [] { return waitpid(-1, nullptr, WNOHANG); };
  simulate(together({1, 2}), "simgrid");
  CHECK(children() == -1);
  CHECK(errno == ECHILD);
  simgrid_protocol::Job endless;  // One activity, which waits for another.
  endless.path = {simgrid_protocol::kNone};
  endless.seconds = endless.bytes = {0};
  endless.slows = endless.waits_for = {1};
  endless.takes = endless.releases = {0};
  endless.path_first = {0};
  endless.next_first = endless.rank_first = {0, 0};
  CHECK_THROWS_WITH(ask_simgrid(endless), Catch::Contains("not every activity"));
  CHECK(children() == -1);
}

TEST_CASE("What either side of the SimGrid helper reads is checked") {
  using namespace simgrid_protocol;
  Answer answer;
  answer.end = {1, 2, 3};
  const std::vector<char> bytes = pack(answer);
  CHECK(unpack<Answer>(bytes).end == answer.end);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    CHECK_THROWS_AS(unpack<Answer>(std::span(bytes).first(length)), std::runtime_error);
  }
  std::vector<char> other = bytes;
  other[0] ^= 1;  // The version.
  CHECK_THROWS_AS(unpack<Answer>(other), std::runtime_error);
  std::vector<char> huge = bytes;
  for (std::size_t i = 8; i < 16; ++i) huge[i] = 0x7f;  // The length of the first list.
  CHECK_THROWS_AS(unpack<Answer>(huge), std::runtime_error);
}

}  // namespace
}  // namespace tenk
