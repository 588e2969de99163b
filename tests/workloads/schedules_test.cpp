#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <tuple>

#include "workloads/schedules/list.h"

using namespace tenk;

namespace {

// A pass of a micro-batch through a virtual stage, and when it ends.
using Key = std::tuple<bool, std::int64_t, std::int64_t>;  // Forward, virtual stage, micro-batch.

struct Run {
  bool finished = false;
  std::int64_t end = 0;
};

// Runs a schedule with free communication; a forward takes f, a backward b.
Run run(const ScheduleKind& kind, const PipelineShape& shape, std::int64_t f, std::int64_t b) {
  std::vector<std::vector<PipelineStep>> order;
  for (std::int64_t s = 0; s < shape.stages; ++s) order.push_back(kind.steps(shape, s));
  std::vector<std::size_t> next(order.size());
  std::vector<std::int64_t> clock(order.size());
  std::map<Key, std::int64_t> ends;
  const std::int64_t last = shape.stages * shape.chunks - 1;
  Run result;
  for (bool moved = true; moved;) {
    moved = false;
    for (std::size_t s = 0; s < order.size(); ++s) {
      while (next[s] < order[s].size()) {
        const PipelineStep& step = order[s][next[s]];
        const std::int64_t v = step.chunk * shape.stages + static_cast<std::int64_t>(s);
        std::int64_t start = clock[s];
        const bool first = step.forward() && v == 0;
        const bool turn = !step.forward() && v == last;
        const Key input{step.forward() || turn,
                        step.forward() ? v - 1
                        : turn         ? v
                                       : v + 1,
                        step.micro_batch};
        if (!first) {
          const auto found = ends.find(input);
          if (found == ends.end()) break;
          start = std::max(start, found->second);
        }
        clock[s] = start + (step.forward() ? f : b);
        ends[{step.forward(), v, step.micro_batch}] = clock[s];
        result.end = std::max(result.end, clock[s]);
        ++next[s];
        moved = true;
      }
    }
  }
  result.finished = static_cast<std::int64_t>(ends.size()) ==
                    2 * shape.micro_batches * shape.stages * shape.chunks;
  return result;
}

template <class Check>
void for_all_shapes(Check check) {
  for (const ScheduleKind* kind : schedules()) {
    for (std::int64_t p = 1; p <= 8; ++p) {
      for (std::int64_t v = 1; v <= 4; ++v) {
        for (std::int64_t m = 1; m <= 20; ++m) {
          const PipelineShape shape{p, v, m};
          if (kind->refusal(shape).empty()) check(*kind, shape);
        }
      }
    }
  }
}

// (chunk or virtual stage, micro-batch) that stage s hands on in one direction, in order.
using Messages = std::vector<std::pair<std::int64_t, std::int64_t>>;
Messages sent(const ScheduleKind& kind, const PipelineShape& shape, std::int64_t s, bool forward) {
  Messages all;
  for (const PipelineStep& step : kind.steps(shape, s)) {
    const std::int64_t v = step.chunk * shape.stages + s;
    const std::int64_t to = forward ? v + 1 : v - 1;
    if (step.forward() != forward || to < 0 || to == shape.stages * shape.chunks) continue;
    all.emplace_back(to, step.micro_batch);
  }
  return all;
}
Messages received(const ScheduleKind& kind, const PipelineShape& shape, std::int64_t s,
                  bool forward) {
  Messages all;
  for (const PipelineStep& step : kind.steps(shape, s)) {
    const std::int64_t v = step.chunk * shape.stages + s;
    const bool first = forward ? v == 0 : v + 1 == shape.stages * shape.chunks;
    if (step.forward() == forward && !first) all.emplace_back(v, step.micro_batch);
  }
  return all;
}

}  // namespace

TEST_CASE("Every schedule runs each pass once, backward after forward, without deadlock") {
  for_all_shapes([](const ScheduleKind& kind, const PipelineShape& shape) {
    INFO(kind.name << " p " << shape.stages << " v " << shape.chunks << " m "
                   << shape.micro_batches);
    for (std::int64_t s = 0; s < shape.stages; ++s) {
      std::map<std::pair<std::int64_t, std::int64_t>, int> passes;
      for (const PipelineStep& step : kind.steps(shape, s)) {
        int& count = passes[{step.chunk, step.micro_batch}];
        REQUIRE(count == (step.forward() ? 0 : 1));
        ++count;
      }
      REQUIRE(static_cast<std::int64_t>(passes.size()) == shape.chunks * shape.micro_batches);
      for (const auto& [pass, count] : passes) REQUIRE(count == 2);
    }
    REQUIRE(run(kind, shape, 1, 2).finished);
  });
}

TEST_CASE("Neighbouring stages send and receive in the same order") {
  for_all_shapes([](const ScheduleKind& kind, const PipelineShape& shape) {
    if (shape.stages == 1) return;
    for (std::int64_t s = 0; s < shape.stages; ++s) {
      const std::int64_t next = (s + 1) % shape.stages;
      REQUIRE(sent(kind, shape, s, true) == received(kind, shape, next, true));
      REQUIRE(sent(kind, shape, next, false) == received(kind, shape, s, false));
    }
  });
}

TEST_CASE("The bubble is (p - 1)/(m v) of the work when p divides m") {
  for_all_shapes([](const ScheduleKind& kind, const PipelineShape& shape) {
    const auto& [p, v, m] = shape;
    if (kind.name == "interleaved" && m % p != 0) return;
    INFO(kind.name << " p " << p << " v " << v << " m " << m);
    for (const auto& [f, b] : {std::pair{1, 1}, {1, 2}, {2, 5}}) {
      // Work m v (f + b), bubble (p - 1)(f + b).
      REQUIRE(run(kind, shape, f, b).end == (m * v + p - 1) * (f + b));
    }
  });
}

TEST_CASE("A rest of micro-batches costs the interleaved bubble no more than a full group would") {
  const ScheduleKind& kind = *find_schedule("interleaved");
  for_all_shapes([&](const ScheduleKind& any, const PipelineShape& shape) {
    if (any.name != kind.name || shape.micro_batches < shape.stages) return;
    const auto& [p, v, m] = shape;
    const std::int64_t filled = (m + p - 1) / p * p;
    REQUIRE(run(kind, shape, 1, 2).end <= run(kind, {p, v, filled}, 1, 2).end);
    REQUIRE(run(kind, shape, 1, 2).end >= (m * v + p - 1) * 3);
  });
}

TEST_CASE("Stage s of 1F1B holds at most p - s micro-batches") {
  const ScheduleKind& kind = *find_schedule("1f1b");
  for (std::int64_t s = 0; s < 8; ++s) {
    std::int64_t held = 0;
    std::int64_t most = 0;
    for (const PipelineStep& step : kind.steps({8, 1, 20}, s)) {
      held += step.forward() ? 1 : -1;
      most = std::max(most, held);
    }
    CHECK(most == 8 - s);
  }
}

TEST_CASE("With fewer micro-batches than stages the interleaved schedule runs all forwards first") {
  const auto steps = find_schedule("interleaved")->steps({4, 2, 3}, 1);
  REQUIRE(steps.size() == 12);
  for (std::size_t i = 0; i < steps.size(); ++i) CHECK(steps[i].forward() == (i < 6));
  CHECK(steps[6].chunk == 1);
}

TEST_CASE("A rest joins the last group: 5 micro-batches on 2 stages run as 2 and 3") {
  std::vector<std::pair<std::int64_t, std::int64_t>> forwards;
  for (const PipelineStep& step : find_schedule("interleaved")->steps({2, 2, 5}, 1)) {
    if (step.forward()) forwards.emplace_back(step.chunk, step.micro_batch);
  }
  CHECK(forwards ==
        std::vector<std::pair<std::int64_t, std::int64_t>>{
            {0, 0}, {0, 1}, {1, 0}, {1, 1}, {0, 2}, {0, 3}, {0, 4}, {1, 2}, {1, 3}, {1, 4}});
}

TEST_CASE("Schedules are found by name") {
  CHECK(find_schedule("1f1b")->name == "1f1b");
  CHECK(find_schedule("interleaved")->name == "interleaved");
  CHECK(find_schedule("gpipe") == nullptr);
}
