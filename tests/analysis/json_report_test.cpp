#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <functional>
#include <limits>
#include <numeric>

#include "analysis/report/report.h"
#include "sim/base/error.h"
#include "tests/analysis/example_results.h"
#include "tests/analysis/schema_check.h"

namespace tenk {
namespace {

using Json = nlohmann::json;
using Lines = std::vector<std::string>;

Json schema() {
  return Json::parse(std::ifstream(std::string(TENK_SOURCE_DIR) + "/docs/result.schema.json"));
}

}  // namespace

TEST_CASE("the JSON of a run keeps to the schema, and has every field the schema knows") {
  const Json run = Json::parse(run_json(example_prediction()));
  CHECK(schema_faults(run, schema(), "run") == Lines{});
  CHECK(schema_faults(run, schema()) == Lines{});
  CHECK(run.size() == schema()["$defs"]["run"]["properties"].size());
  CHECK(schema_faults(Json::parse(run_json(Prediction{})), schema(), "run").size() == 2);  // enums
}

TEST_CASE("the JSON of a collective keeps to the schema") {
  const Json table = Json::parse(collective_json(example_collective()));
  CHECK(schema_faults(table, schema(), "collective") == Lines{});
  CHECK(schema_faults(table, schema()) == Lines{});
  CHECK(schema_faults(table, schema(), "run") != Lines{});
}

TEST_CASE("the schema demands every field and forbids any other") {
  const Json whole = Json::parse(run_json(example_prediction()));
  for (const auto& [key, value] : whole.items()) {
    Json less = whole;
    less.erase(key);
    CHECK(schema_faults(less, schema(), "run") == Lines{": lacks " + key});
  }
  const auto faults_after = [&](const std::function<void(Json&)>& change) {
    Json changed = whole;
    change(changed);
    return schema_faults(changed, schema(), "run");
  };
  CHECK(faults_after([](Json& j) { j["links"][0]["x"] = 1; }).size() == 1);
  CHECK(faults_after([](Json& j) { j["mfu"] = nullptr; }).size() == 1);
  CHECK(faults_after([](Json& j) { j["mfu"] = -1; }).size() == 1);
  CHECK(faults_after([](Json& j) { j["cost"]["cables"] = 1.5; }).size() == 1);
  CHECK(faults_after([](Json& j) { j["interval_s"].push_back(1.0); }).size() == 1);
  CHECK(faults_after([](Json& j) { j["engine"]["name"] = "magic"; }).size() == 1);
}

TEST_CASE("numbers in JSON read back as the same doubles") {
  Prediction p = example_prediction();
  p.mfu = 0.1 + 0.2;
  p.tokens_per_s = std::numeric_limits<double>::denorm_min();
  p.model_flops = std::numeric_limits<double>::max();
  p.step_time = Time::picoseconds(12'345'678'000'001);
  const Json run = Json::parse(run_json(p));
  CHECK(run["mfu"].get<double>() == 0.1 + 0.2);
  CHECK(run["tokens_per_s"].get<double>() == p.tokens_per_s);
  CHECK(run["model_flops"].get<double>() == p.model_flops);
  CHECK(run["step_time_s"].get<double>() == 12.345678000001);
  CHECK(run["links"][3]["mean_utilisation"].get<double>() == 1.0 / 3);
}

TEST_CASE("the breakdown of the JSON has its categories under their own names and adds up") {
  const Json run = Json::parse(run_json(example_prediction()));
  const Json& parts = run["breakdown_s"];
  CHECK(parts["compute"] == 6.6);
  CHECK(parts["pp"] == 0.3);
  CHECK(parts["dp"] == 0.5);
  CHECK(parts["ep"] == 0.0);
  CHECK(parts["bubble"] == 0.860000000001);
  double sum = 0;
  for (const Json& part : parts) sum += part.get<double>();
  CHECK(sum == Approx(run["step_time_s"].get<double>()).epsilon(1e-12));
}

TEST_CASE("a number that is not finite is a bug in every format, never text") {
  for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    Prediction p = example_prediction();
    p.mfu = bad;
    CollectiveTable t = example_collective();
    t.rows[1].busbw_GBps = bad;
    for (const Format f : {Format::kTable, Format::kJson, Format::kCsv, Format::kMarkdown}) {
      CHECK_THROWS_AS(report(p, f), BugError);
      CHECK_THROWS_AS(report(t, f), BugError);
    }
  }
}

TEST_CASE("text that is no UTF-8 does not stop a report") {
  Prediction p = example_prediction();
  p.scenario = "a\xff\x1b[2Jb";
  CHECK(Json::parse(run_json(p))["scenario"] == "a\uFFFD\x1b[2Jb");
  CHECK(run_table(p, {}).find('\x1b') == std::string::npos);
  CHECK(run_markdown(p).find('\x1b') == std::string::npos);
}

}  // namespace tenk
