// Stragglers, from the scenario to the step time.
#include <catch2/catch.hpp>

#include "analysis/pipeline.h"
#include "tests/support.h"
#include "workloads/training.h"

namespace tenk {
namespace {

const std::string kJob =
    "model: {style: gpt, layers: 8, hidden: 4096, heads: 32, vocab: 50304}, host: {forward: 0s, "
    "backward: 0s}, ";

Scenario scenario(const std::string& stragglers) {
  std::string cluster = testing::servers(8, "tiers: 2, radix: 64, rails: 8");
  cluster.insert(cluster.size() - 1, ", stragglers: " + stragglers);
  return read_scenario(
      testing::yaml("{version: 1, cluster: " + cluster + ", job: {" + kJob +
                    "parallel: {tp: 8, pp: 2, dp: 4}, batch: {global: 32, micro: 1, sequence: "
                    "2048}}}"),
      ScenarioUse::kWholeJob);
}

struct Ran {
  Placed placed;
  double step_s = 0;
};

Ran run(const Scenario& s, std::size_t most_rank_classes = kMostRankClasses) {
  const Fabric fabric = build_fabric(s.cluster);
  const Workload workload = build_training(*s.job, *s.device);
  Ran r;
  r.placed = place_and_fold(fabric, workload, s.tuning, seats_of(s, fabric), s.engine.fold,
                            most_rank_classes);
  r.step_s = simulate(workload, r.placed, s.engine).timeline.makespan.s();
  return r;
}

TEST_CASE(
    "One slow card slows the step nearly as much as a slow cluster, and a fast one not at all") {
  const double even = run(scenario("[]")).step_s;
  const double card = run(scenario("[{accelerator: 9, speed: 0.5}]")).step_s;
  const double all = run(scenario("[{node: 0, count: 8, speed: 0.5}]")).step_s;
  CHECK(card > 1.2 * even);
  CHECK(card <= all * (1 + 1e-9));
  CHECK(run(scenario("[{accelerator: 9, speed: 2}]")).step_s <= even * (1 + 1e-9));
}

TEST_CASE("A slower straggler never makes a step shorter") {
  double last = 0;
  for (const char* speed : {"1.5", "1", "0.9", "0.7", "0.5", "0.1"}) {
    const double step = run(scenario("[{node: 3, speed: " + std::string(speed) + "}]")).step_s;
    CHECK(step >= last * (1 - 1e-9));
    last = step;
  }
}

TEST_CASE("A slow node refines its pipeline and those that wait for it, and folds the rest") {
  const auto classes = [](const std::string& stragglers) {
    return run(scenario(stragglers)).placed.symmetry.ranks.classes();
  };
  // tp 8 fills a node, dp 4 then pp 2: node 1 is stage 0 of replica 1. Classes are stage x (the
  // slow replica or another one): 2 more; its card alone: 2 + its tp peers and their lines of
  // ranks.
  CHECK(classes("[]") == 2);
  CHECK(classes("[{node: 1, speed: 0.8}]") == 4);
  CHECK(classes("[{accelerator: 8, speed: 0.8}]") == 8);
  CHECK(classes("[{spread: 0.05, of: node}]") == 8);
}

TEST_CASE("Where too many classes would be left, a node goes at the pace of its slowest card") {
  const Scenario s = scenario("[{spread: 0.05, seed: 3}]");
  const Ran exact = run(s), coarse = run(s, 16);
  CHECK(exact.placed.symmetry.ranks.classes() == 64);
  CHECK_FALSE(exact.placed.slowest_of_node);
  CHECK(coarse.placed.symmetry.ranks.classes() <= 8);
  CHECK(coarse.placed.slowest_of_node);
  // tp ranks wait for each other in every layer: the step is the same but for what they overlap.
  CHECK(coarse.step_s >= exact.step_s * (1 - 1e-9));
  CHECK(coarse.step_s <= exact.step_s * 1.02);
}

TEST_CASE("A job smaller than its cluster can keep away from a straggler") {
  std::string cluster = testing::servers(8, "tiers: 2, radix: 64, rails: 8");
  cluster.insert(cluster.size() - 1, ", stragglers: [{node: 2, speed: 0.5}]");
  const auto step_on = [&](const std::string& nodes) {
    return run(read_scenario(
                   testing::yaml("{version: 1, cluster: " + cluster + ", job: {" + kJob +
                                 "parallel: {tp: 8, pp: 2, dp: 2}, batch: {global: 16, micro: 1, "
                                 "sequence: 2048}}, placement: {policy: list, nodes: " +
                                 nodes + "}}"),
                   ScenarioUse::kWholeJob))
        .step_s;
  };
  CHECK(step_on("[0, 1, 2, 3]") > 1.3 * step_on("[4, 5, 6, 7]"));
  CHECK(step_on("[4, 5, 6, 7]") == step_on("[0, 1, 3, 7]"));
}

}  // namespace
}  // namespace tenk
