#include "analysis/interference.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "analysis/report/report.h"
#include "sim/base/error.h"
#include "tests/analysis/schema_check.h"
#include "tests/support.h"

namespace tenk {
namespace {

// Two leaves of four NICs, each with one uplink that is as fast as a NIC.
const std::string kNarrow = "levels: [{down: 4, up: 1}, {down: 2}]";

Scenario scenario(const std::string& cluster, const std::string& jobs) {
  return read_scenario(
      testing::yaml("{version: 1, cluster: " + cluster + ", jobs: [" + jobs + "]}"),
      ScenarioUse::kWholeJob);
}

std::string exchange(const std::string& name, const std::string& nodes,
                     const std::string& size = "1GiB") {
  return "{name: " + name + ", collective: {op: all_gather, bytes: " + size +
         ", accelerators: 2}, placement: {policy: list, nodes: " + nodes + "}}";
}

TEST_CASE("Jobs below switches of their own do not notice each other") {
  const JobsTable t = predict_jobs(scenario(
      testing::endpoints(8, kNarrow), exchange("a", "[0, 1]") + ", " + exchange("b", "[2, 3]")));
  for (const JobOutcome& job : t.jobs) {
    CHECK(job.together == job.alone);
    CHECK(job.steps == 3);
  }
}

TEST_CASE("Two equal jobs on one uplink take twice as long, three thrice") {
  // Each half of the buffer crosses the uplink once a step; the latency, 40 us of 12 ms, is not
  // shared.
  const std::string a = exchange("a", "[0, 4]"), b = exchange("b", "[1, 5]"),
                    c = exchange("c", "[2, 6]");
  const std::string cluster = testing::endpoints(8, kNarrow);
  for (const JobOutcome& job : predict_jobs(scenario(cluster, a + ", " + b)).jobs) {
    CHECK(job.slowdown() == Approx(2).epsilon(0.01));
  }
  for (const JobOutcome& job : predict_jobs(scenario(cluster, a + ", " + b + ", " + c)).jobs) {
    CHECK(job.slowdown() == Approx(3).epsilon(0.01));
  }
}

TEST_CASE("A short job is repeated until the long one has done its steps") {
  // While both run each has half, so the long one takes twice its time and the short one, a quarter
  // as long, ends nearly 3 x 4 = 12 steps beside it: its latency, paid once a step, makes it 11. It
  // was given 3 x 1.5 x 4 = 18.
  const JobsTable t = predict_jobs(
      scenario(testing::endpoints(8, kNarrow),
               exchange("long", "[0, 4]", "4GiB") + ", " + exchange("short", "[1, 5]")));
  CHECK(t.jobs[0].steps == 3);
  CHECK(t.jobs[1].steps == 11);
  for (const JobOutcome& job : t.jobs) CHECK(job.slowdown() == Approx(2).epsilon(0.01));
}

TEST_CASE("A job that is slowed far more than expected has its neighbour for three steps") {
  // Of the uplink's eleven connections nine are the all-to-all's (3 x 3 pairs) and two the
  // exchange's (two channels), which so has 2/11. Alone it is three times as fast as the all-to-all
  // (half its buffer against nine sixths): far fewer repetitions would seem enough than are.
  const JobsTable t = predict_jobs(
      scenario(testing::endpoints(8, kNarrow),
               exchange("lonely", "[0, 4]") +
                   ", {name: crowd, collective: {op: all_to_all, bytes: 1GiB, accelerators: 6}, "
                   "placement: {policy: list, nodes: [1, 2, 3, 5, 6, 7]}}"));
  CHECK(t.jobs[0].steps >= 3);
  CHECK(t.jobs[0].slowdown() == Approx(11.0 / 2).epsilon(0.02));
  CHECK(t.jobs[1].slowdown() == Approx(11.0 / 9).epsilon(0.02));
  CHECK(t.warnings.empty());
}

const std::string kTraining =
    "model: {style: gpt, layers: 4, hidden: 2048, heads: 16, vocab: 50304}, parallel: {tp: 8, dp: "
    "4}, batch: {global: 16, micro: 1, sequence: 1024}";

TEST_CASE("Training beside background traffic slows down by it, spread over leaves more") {
  const std::string cluster = testing::servers(16, "levels: [{down: 32, up: 8}, {down: 8}]");
  const auto slowdown = [&](const std::string& placement) {
    const std::string noise =
        "{name: noise, collective: {op: all_to_all, bytes: 256MiB, accelerators: 64}, placement: "
        "{policy: " +
        placement + "}}";
    const Scenario s = scenario(cluster, "{name: train, " + kTraining +
                                             ", placement: {policy: " + placement + "}}, " + noise);
    const JobsTable t = predict_jobs(s);
    CHECK(t.jobs[0].tokens_per_s == Approx(16 * 1024 / t.jobs[0].together.s()));
    return t.jobs[0].slowdown();
  };
  const double packed = slowdown("packed"), striped = slowdown("striped");
  CHECK(packed == Approx(1).epsilon(1e-6));  // Four nodes fill a leaf of their own.
  CHECK(striped > 1.05);
}

TEST_CASE("Folded and unfolded jobs have the same times") {
  const std::string jobs = "{name: train, " + kTraining +
                           ", placement: {policy: striped}}, {name: noise, collective: {op: "
                           "all_gather, bytes: 64MiB, accelerators: 16}, placement: {policy: "
                           "random, seed: 2}}";
  Scenario s = scenario(testing::servers(8, "levels: [{down: 16, up: 4}, {down: 8}]"), jobs);
  const JobsTable folded = predict_jobs(s);
  s.engine.fold = false;
  const JobsTable whole = predict_jobs(s);
  CHECK(folded.engine.rank_classes < whole.engine.rank_classes);
  for (std::size_t j = 0; j < 2; ++j) {
    CHECK(folded.jobs[j].together.s() == Approx(whole.jobs[j].together.s()).epsilon(1e-8));
    CHECK(folded.jobs[j].steps == whole.jobs[j].steps);
  }
}

TEST_CASE("Every format shows every job, and the JSON obeys the schema") {
  const JobsTable t =
      predict_jobs(scenario(testing::endpoints(8, kNarrow),
                            exchange("'a, b'", "[0, 4]") + ", " + exchange("c", "[1, 5]")));
  for (const Format format : {Format::kTable, Format::kJson, Format::kCsv, Format::kMarkdown}) {
    const std::string text = report(t, format);
    CHECK(text.find("a, b") != std::string::npos);
    CHECK(text.back() == '\n');
  }
  const auto schema = nlohmann::json::parse(
      std::ifstream(std::string(TENK_SOURCE_DIR) + "/docs/result.schema.json"));
  CHECK(schema_faults(nlohmann::json::parse(jobs_json(t)), schema).empty());
}

TEST_CASE("Jobs that cannot be together are refused with the reason") {
  const std::string cluster = testing::endpoints(8, kNarrow);
  CHECK_THROWS_WITH(scenario(cluster, exchange("a", "[0, 1]") + ", " + exchange("a", "[2, 3]")),
                    Catch::Contains("a second job \"a\""));
  CHECK_THROWS_WITH(scenario(cluster, "{name: a, collective: {bytes: 1GiB, accelerators: 9}}"),
                    Catch::Contains("at most 8; found 9"));
  CHECK_THROWS_WITH(scenario(cluster,
                             "{name: a, collective: {bytes: 1GiB, accelerators: 5}}, {name: b, "
                             "collective: {bytes: 1GiB, accelerators: 4}}"),
                    Catch::Contains("9 ranks together, but the cluster has 8"));
  CHECK_THROWS_WITH(scenario(cluster, ""), Catch::Contains("at least one job"));
  CHECK_THROWS_WITH(scenario(cluster, "{name: train, " + kTraining + "}"),
                    Catch::Contains("no accelerator whose profile is known"));
  CHECK_THROWS_WITH(
      predict_jobs(scenario(cluster, exchange("a", "[0, 1]") + ", " + exchange("b", "[1, 2]"))),
      Catch::Contains("node 1 is taken"));
}

}  // namespace
}  // namespace tenk
