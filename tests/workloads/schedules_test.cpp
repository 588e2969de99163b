#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <tuple>

#include "workloads/schedules/list.h"

using namespace tenk;

namespace {

// How long passes take; a backward that is not cut takes both of its parts.
struct Costs {
  std::int64_t forward = 1, input = 1, weight = 1;
  std::int64_t of(PassKind pass) const {
    if (pass == PassKind::kForward) return forward;
    if (pass == PassKind::kBackwardInput) return input;
    return pass == PassKind::kBackwardWeight ? weight : input + weight;
  }
};

// A result: forward or of the inputs' gradient; direction, part of the model, micro-batch.
using Key = std::tuple<bool, std::int64_t, std::int64_t, std::int64_t>;

struct Run {
  bool finished = false;
  std::int64_t end = 0;
};

// Runs a schedule with free communication. `whole_pairs`: what runs beside the next pass starts and
// ends with it.
class Pipeline {
 public:
  Pipeline(const ScheduleKind& kind, const PipelineShape& shape, const Costs& costs,
           bool whole_pairs = false)
      : kind_(kind), shape_(shape), costs_(costs), whole_pairs_(whole_pairs) {
    for (std::int64_t s = 0; s < shape.stages; ++s) order_.push_back(kind.steps(shape, s));
    next_.resize(order_.size());
    clock_.resize(order_.size());
  }

  Run run() {
    Run result;
    for (bool moved = true; moved;) {
      moved = false;
      for (std::size_t s = 0; s < order_.size(); ++s) {
        while (next_[s] < order_[s].size() && advance(s)) moved = true;
      }
    }
    result.finished = true;
    for (std::size_t s = 0; s < order_.size(); ++s) {
      result.finished = result.finished && next_[s] == order_[s].size();
      result.end = std::max(result.end, clock_[s]);
    }
    return result;
  }

 private:
  Key result_of(std::size_t s, const PipelineStep& step) const {
    const std::int64_t way = kind_.both_ways ? step.chunk : 0;
    return {step.forward(), way, kind_.part_of(shape_, static_cast<std::int64_t>(s), step.chunk),
            step.micro_batch};
  }
  // What a pass waits for; none of the first forward and of weights.
  std::optional<Key> input_of(std::size_t s, const PipelineStep& step) const {
    auto [forward, way, part, micro_batch] = result_of(s, step);
    const std::int64_t parts = shape_.stages * (kind_.both_ways ? 1 : shape_.chunks);
    if (step.pass == PassKind::kBackwardWeight) return Key{false, way, part, micro_batch};
    if (forward && part == 0) return std::nullopt;
    if (forward) return Key{true, way, part - 1, micro_batch};
    if (part + 1 == parts) return Key{true, way, part, micro_batch};
    return Key{false, way, part + 1, micro_batch};
  }

  // The next pass of stage s, or pair of passes, if its inputs are there.
  bool advance(std::size_t s) {
    const std::size_t count = whole_pairs_ && order_[s][next_[s]].with_next ? 2 : 1;
    std::int64_t start = clock_[s], length = 0;
    for (std::size_t k = 0; k < count; ++k) {
      const PipelineStep& step = order_[s][next_[s] + k];
      length += costs_.of(step.pass);
      const auto input = input_of(s, step);
      if (!input) continue;
      const auto found = ends_.find(*input);
      if (found == ends_.end()) return false;
      start = std::max(start, found->second);
    }
    clock_[s] = start + length;
    for (std::size_t k = 0; k < count; ++k, ++next_[s]) {
      const PipelineStep& step = order_[s][next_[s]];
      if (step.pass != PassKind::kBackwardWeight) ends_[result_of(s, step)] = clock_[s];
    }
    return true;
  }

  const ScheduleKind& kind_;
  PipelineShape shape_;
  Costs costs_;
  bool whole_pairs_;
  std::vector<std::vector<PipelineStep>> order_;
  std::vector<std::size_t> next_;
  std::vector<std::int64_t> clock_;
  std::map<Key, std::int64_t> ends_;
};

Run run(const ScheduleKind& kind, const PipelineShape& shape, std::int64_t f, std::int64_t b) {
  return Pipeline(kind, shape, {f, b - b / 2, b / 2}).run();
}

// The most micro-batches that stage s holds, each from its forward until its weights are graded.
std::int64_t most_held(const ScheduleKind& kind, const PipelineShape& shape, std::int64_t s) {
  std::int64_t held = 0, most = 0;
  for (const PipelineStep& step : kind.steps(shape, s)) {
    held += step.forward() ? 1 : step.grades() ? -1 : 0;
    most = std::max(most, held);
  }
  return most;
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

// (part, micro-batch) that stage s hands on in one direction, in order. `way`: only of the copy
// that crosses the stages in that direction.
using Messages = std::vector<std::pair<std::int64_t, std::int64_t>>;
Messages sent(const ScheduleKind& kind, const PipelineShape& shape, std::int64_t s, bool forward,
              std::int64_t way) {
  const std::int64_t parts = shape.stages * (kind.both_ways ? 1 : shape.chunks);
  Messages all;
  for (const PipelineStep& step : kind.steps(shape, s)) {
    if (kind.both_ways && step.chunk != way) continue;
    const std::int64_t v = kind.part_of(shape, s, step.chunk);
    const std::int64_t to = forward ? v + 1 : v - 1;
    if (!(forward ? step.forward() : step.backward()) || to < 0 || to == parts) continue;
    all.emplace_back(to, step.micro_batch);
  }
  return all;
}
Messages received(const ScheduleKind& kind, const PipelineShape& shape, std::int64_t s,
                  bool forward, std::int64_t way) {
  const std::int64_t parts = shape.stages * (kind.both_ways ? 1 : shape.chunks);
  Messages all;
  for (const PipelineStep& step : kind.steps(shape, s)) {
    if (kind.both_ways && step.chunk != way) continue;
    const std::int64_t v = kind.part_of(shape, s, step.chunk);
    const bool first = forward ? v == 0 : v + 1 == parts;
    if ((forward ? step.forward() : step.backward()) && !first) {
      all.emplace_back(v, step.micro_batch);
    }
  }
  return all;
}

}  // namespace

TEST_CASE("Every schedule runs each pass once, backward after forward, without deadlock") {
  for_all_shapes([](const ScheduleKind& kind, const PipelineShape& shape) {
    INFO(kind.name << " p " << shape.stages << " v " << shape.chunks << " m "
                   << shape.micro_batches);
    for (std::int64_t s = 0; s < shape.stages; ++s) {
      // Forward 1, the gradient of the inputs 2, of the weights 4: each once, in that order.
      std::map<std::pair<std::int64_t, std::int64_t>, int> passes;
      for (const PipelineStep& step : kind.steps(shape, s)) {
        int& done = passes[{step.chunk, step.micro_batch}];
        const int adds =
            (step.forward() ? 1 : 0) + (step.backward() ? 2 : 0) + (step.grades() ? 4 : 0);
        REQUIRE((done & adds) == 0);
        REQUIRE((step.forward() || (done & 1) == 1));
        REQUIRE((step.pass != PassKind::kBackwardWeight || done == 3));
        done |= adds;
      }
      const std::int64_t all = shape.micro_batches * shape.chunks;
      REQUIRE(static_cast<std::int64_t>(passes.size()) == all);
      for (const auto& [pass, done] : passes) REQUIRE(done == 7);
    }
    REQUIRE(run(kind, shape, 1, 2).finished);
  });
}

TEST_CASE("No schedule deadlocks on up to 32 stages, whatever chunks and micro-batches it takes") {
  for (const ScheduleKind* kind : schedules()) {
    for (const std::int64_t p : {9, 12, 15, 16, 23, 31, 32}) {
      for (const std::int64_t v : {1, 2, 3, 5, 8}) {
        for (const std::int64_t m : {1, 2, 7, 16, 31, 32, 33, 47, 64, 66, 80}) {
          const PipelineShape shape{p, v, m};
          if (!kind->refusal(shape).empty()) continue;
          INFO(kind->name << " p " << p << " v " << v << " m " << m);
          REQUIRE(run(*kind, shape, 1, 2).finished);
        }
      }
    }
  }
}

TEST_CASE("Neighbouring stages send and receive in the same order") {
  for_all_shapes([](const ScheduleKind& kind, const PipelineShape& shape) {
    if (shape.stages == 1) return;
    for (std::int64_t s = 0; s < shape.stages; ++s) {
      const std::int64_t next = (s + 1) % shape.stages;
      for (const bool forward : {true, false}) {
        const auto& [from, to] = forward ? std::pair(s, next) : std::pair(next, s);
        REQUIRE(sent(kind, shape, from, forward, 0) == received(kind, shape, to, forward, 0));
        if (!kind.both_ways) continue;
        REQUIRE(sent(kind, shape, to, forward, 1) == received(kind, shape, from, forward, 1));
      }
    }
  });
}

TEST_CASE("The bubble of 1F1B and GPipe is (p - 1)/m, interleaved (p - 1)/(m v) if p divides m") {
  for_all_shapes([](const ScheduleKind& kind, const PipelineShape& shape) {
    const auto& [p, v, m] = shape;
    if (kind.name == "zb-h1" || kind.name == "dualpipe") return;
    if (kind.name == "interleaved" && m % p != 0) return;
    INFO(kind.name << " p " << p << " v " << v << " m " << m);
    for (const auto& [f, b] : {std::pair{1, 1}, {1, 2}, {2, 5}}) {
      // Work m v (f + b), bubble (p - 1)(f + b).
      REQUIRE(run(kind, shape, f, b).end == (m * v + p - 1) * (f + b));
    }
  });
}

TEST_CASE("The bubble of ZB-H1 is (p - 1)(F + B - W), and every stage holds p micro-batches") {
  const ScheduleKind& kind = *find_schedule("zb-h1");
  for (const Costs& c : {Costs{1, 1, 1}, Costs{2, 3, 1}, Costs{4, 5, 3}, Costs{3, 4, 3}}) {
    for (std::int64_t p = 2; p <= 32; p += 3) {
      for (const std::int64_t m : {p, p + 1, 2 * p, 3 * p + 1}) {
        const std::int64_t work = m * (c.forward + c.input + c.weight);
        const std::int64_t bubble = (p - 1) * (c.forward + c.input - c.weight);
        INFO("p " << p << " m " << m);
        REQUIRE(Pipeline(kind, {p, 1, m}, c).run().end == work + bubble);
        for (std::int64_t s = 0; s < p; ++s) REQUIRE(most_held(kind, {p, 1, m}, s) == p);
      }
    }
  }
}

TEST_CASE("DualPipe holds p + 1 micro-batches; its bubble is (p/2 - 1)(F&B + B - 3W) or less") {
  const ScheduleKind& kind = *find_schedule("dualpipe");
  for (const Costs& c : {Costs{1, 1, 1}, Costs{2, 3, 1}, Costs{4, 5, 3}, Costs{2, 3, 2}}) {
    const std::int64_t backward = c.input + c.weight;
    const std::int64_t pair = c.forward + backward;
    for (const std::int64_t p : {2, 4, 6, 8, 16, 32}) {
      for (const std::int64_t m : {2 * p, 2 * p + 2, 4 * p}) {
        INFO("p " << p << " m " << m);
        const std::int64_t bubble = (p / 2 - 1) * (pair + backward - 3 * c.weight);
        const std::int64_t work = m * pair;  // Of the two parts of a stage, half of m each.
        const std::int64_t whole = Pipeline(kind, {p, 1, m}, c, true).run().end;
        REQUIRE(whole <= work + bubble);
        if (c.forward == c.input && c.input == c.weight) REQUIRE(whole == work + bubble);
        REQUIRE(Pipeline(kind, {p, 1, m}, c).run().end <= whole);
        for (std::int64_t s = 0; s < p; ++s) REQUIRE(most_held(kind, {p, 1, m}, s) == p + 1);
      }
    }
  }
}

TEST_CASE("GPipe holds all micro-batches, and says so of none that others would refuse") {
  for (std::int64_t s = 0; s < 4; ++s)
    CHECK(most_held(*find_schedule("gpipe"), {4, 1, 10}, s) == 10);
  CHECK(find_schedule("zb-h1")->refusal({1, 1, 4}) == "one stage has no bubble to fill; use 1f1b");
  CHECK(find_schedule("dualpipe")->refusal({3, 1, 8}) == "it takes an even number of stages");
  CHECK(find_schedule("dualpipe")->refusal({4, 1, 9}) ==
        "it takes an even number of micro-batches");
  CHECK(find_schedule("dualpipe")->refusal({4, 1, 6}) ==
        "it takes at least two micro-batches a stage: 8");
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
  for (std::int64_t s = 0; s < 8; ++s)
    CHECK(most_held(*find_schedule("1f1b"), {8, 1, 20}, s) == 8 - s);
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
  CHECK(find_schedule("gpipe")->name == "gpipe");
  CHECK(find_schedule("2f2b") == nullptr);
}
