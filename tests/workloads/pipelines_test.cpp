// Whole programs of every schedule, on a free network.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/workloads/training_cases.h"
#include "workloads/schedules/list.h"

using namespace tenk;
using cases::tiny_gpt;

namespace {

cases::Rehearsal rehearse(const std::string& parallel, int m, const std::string& more = "") {
  const TrainingSpec t = cases::read(tiny_gpt(32, m, parallel, 1, more));
  return cases::rehearse(build_training(t, cases::h100()));
}

}  // namespace

TEST_CASE("Programs of every schedule end, stages that wait for their sends included") {
  for (const ScheduleKind* kind : schedules()) {
    for (const std::int64_t p : {2, 3, 4, 6, 8, 32}) {
      for (const std::int64_t m : {1, 2, 5, 8, 16, 18, 64}) {
        for (const bool overlap : {true, false}) {
          if (!kind->refusal({p, 1, m}).empty()) continue;
          if (kind->both_ways && !overlap) continue;
          INFO(kind->name << " p " << p << " m " << m << " overlap " << overlap);
          const std::string parallel = fmt::format("pp: {}, schedule: {}", p, kind->name);
          const std::string more = fmt::format("  overlap: {{pp: {}}}\n", overlap);
          REQUIRE(rehearse(parallel, static_cast<int>(m), more).finished);
        }
      }
    }
  }
}

TEST_CASE("On a free network the zero-bubble schedules end before 1F1B, GPipe with it") {
  const Time plain = rehearse("pp: 8, schedule: 1f1b", 32).end;
  CHECK(rehearse("pp: 8, schedule: zb-h1", 32).end < plain);
  CHECK(rehearse("pp: 8, schedule: dualpipe", 32).end < plain);
  CHECK(rehearse("pp: 8, schedule: gpipe", 32).end.s() == Approx(plain.s()).epsilon(0.02));
}
