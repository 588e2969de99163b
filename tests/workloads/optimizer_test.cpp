// Optimizers, where they live, and what a step costs beside its work; both-ways pipelines.
#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/workloads/training_cases.h"
#include "workloads/optimizer.h"
#include "workloads/shard.h"
#include "workloads/training.h"

using namespace tenk;
using cases::tiny_gpt;

namespace {

Time end_of(const TrainingSpec& t) {
  const cases::Rehearsal r = cases::rehearse(build_training(t, cases::h100()));
  REQUIRE(r.finished);
  return r.end;
}

TrainingSpec llama(const std::string& optimizer, int zero = 1) {
  return cases::read(fmt::format(
      "job:\n  model: {{style: llama, layers: 8, hidden: 2048, heads: 16, vocab: 32000}}\n"
      "  parallel: {{dp: 4, zero: {}}}\n  batch: {{global: 8, sequence: 1024}}\n{}",
      zero, optimizer));
}

}  // namespace

TEST_CASE("The state of Adam is 12 bytes a parameter, of SGD 8 or 4, of none on the device 0") {
  const auto state = [](const std::string& optimizer) {
    const TrainingSpec t = llama("  optimizer: {" + optimizer + "}\n", 0);
    return memory_by_stage(t)[0].optimizer.value() / static_cast<double>(parameters(t.model));
  };
  CHECK(state("") == 12);
  CHECK(state("kind: sgd") == 8);
  CHECK(state("kind: sgd, momentum: false") == 4);
  CHECK(state("offload: cpu") == 0);
}

TEST_CASE("An offloaded update takes its slowest part and the filling of the others") {
  // A quarter of n parameters: 4 B there and 2 B back over 25 GB/s; 34 B through 50 GB/s of memory.
  // In 8 slices: the first gradient there, 8 updates, the last weights back.
  const TrainingSpec t = llama("  optimizer: {offload: cpu, link: 25GBps, host-memory: 50GBps}\n");
  TrainingSpec on_device = t;
  on_device.optimizer.offload = false;
  const double n = static_cast<double>(updated_parameters(t, stage_parameters(t, 0)));
  const double there = 4 * n / 25e9, back = 2 * n / 25e9, update = 34 * n / 50e9;
  const double device_only =
      end_of(on_device).s() -
      (optimizer_time(on_device, cases::h100(), static_cast<std::int64_t>(n), parameters(t.model)) -
       optimizer_time(t, cases::h100(), static_cast<std::int64_t>(n), parameters(t.model)))
          .s();
  CHECK(end_of(t).s() == Approx(device_only + there / 8 + update + back / 8).epsilon(1e-6));
}

TEST_CASE("A step's overhead is added to it whole") {
  const Time without = end_of(llama(""));
  CHECK(end_of(llama("  step-overhead: 25ms\n")) == without + Time::seconds(0.025));
}

TEST_CASE("Optimizers that contradict themselves are refused with what would do") {
  const auto faults = [](const std::string& optimizer) {
    return cases::faults_of(tiny_gpt(4, 4, "tp: 1", 1, "  optimizer: {" + optimizer + "}\n"));
  };
  CHECK(faults("kind: lion") == "6: unknown job.optimizer.kind \"lion\"; known: adam, sgd");
  CHECK(faults("momentum: false") ==
        "6: job.optimizer.momentum is of kind sgd; adam has two moments");
  CHECK(faults("link: 25GBps") ==
        "6: job.optimizer.link is of an optimizer that lives on the host; offload cpu or cxl would "
        "use it");
  CHECK(faults("offload: cxl") ==
        "6: job.optimizer.offload cxl needs host-memory: what the CXL memory of one accelerator "
        "moves, such as 20GBps");
  CHECK(faults("offload: cxl, host-memory: 20GBps").empty());
}

TEST_CASE("Both ways each stage holds two parts, and mirrored stages reduce their gradients") {
  const TrainingSpec t = cases::read(tiny_gpt(8, 8, "pp: 4, schedule: dualpipe", 2));
  CHECK(t.layout.data_ranks() == 4);
  // Stage 1 holds what stage 2 does: parts 1 and 2.
  CHECK(stage_parameters(t, 1).all == stage_parameters(t, 2).all);
  CHECK(stage_parameters(t, 0).all == stage_parameters(t, 3).all);
  const Workload w = build_training(t, cases::h100());
  const auto dp = std::find_if(w.families.begin(), w.families.end(),
                               [](const Family& f) { return f.name == "dp"; });
  REQUIRE(dp != w.families.end());
  REQUIRE(dp->groups() == 2);
  CHECK(dp->group(0).size() == 4);
  CHECK(dp->group(0)[0] == RankId(0u));
  CHECK(dp->group(0)[3] == RankId(7u));  // Order dp-pp: stage 3 of the second replica.
}

TEST_CASE("Programs of all schedules end and compute alike") {
  const auto compute = [](const TrainingSpec& t) {
    const Workload w = build_training(t, cases::h100());
    REQUIRE(cases::rehearse(w).finished);
    double sum = 0;
    for (const Program& program : w.programs) {
      for (const Op& op : program.ops) sum += op.duration.s();
    }
    return sum;
  };
  for (const std::string tp : {"tp: 1", "tp: 2"}) {
    const auto with = [&](const std::string& schedule, int m) {
      return compute(
          cases::read(tiny_gpt(8, m, tp + ", pp: 4, zero: 0, schedule: " + schedule, 2)));
    };
    for (const int m : {8, 12}) {
      INFO(tp << " m " << m);
      CHECK(with("gpipe", m) == Approx(with("1f1b", m)));
      // A part more in launches, and the optimizer of two parts a stage.
      CHECK(with("zb-h1", m) == Approx(with("1f1b", m)).epsilon(1e-6));
      CHECK(with("dualpipe", m) > with("1f1b", m));
    }
  }
}

TEST_CASE("Schedules that cannot be combined are refused with what they take") {
  const auto faults = [](const std::string& parallel, const std::string& more = "") {
    return cases::faults_of(tiny_gpt(8, 8, parallel, 2, more));
  };
  CHECK(faults("pp: 4, schedule: dualpipe").empty());
  CHECK(faults("pp: 4, schedule: dualpipe, zero: 3") ==
        "3: job.parallel.schedule dualpipe is not supported with zero 3; it takes zero 0 or 1");
  CHECK(faults("pp: 4, schedule: dualpipe", "  overlap: {dp: true}\n") ==
        "3: job.parallel.schedule dualpipe is not supported with overlap.dp true; it takes false");
  CHECK(faults("pp: 4, schedule: dualpipe", "  overlap: {pp: false}\n") ==
        "3: job.parallel.schedule dualpipe is not supported with overlap.pp false; it takes true");
  CHECK(faults("pp: 4, vpp: 2, schedule: gpipe") ==
        "3: job.parallel.schedule gpipe: stages hold one chunk each; interleaved runs vpp of them");
  CHECK(faults("schedule: zb-h1") ==
        "3: job.parallel.schedule zb-h1: one stage has no bubble to fill; use 1f1b");
}
