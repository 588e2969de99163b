// The examples print what is checked in, stay near what was measured, and behave as fabrics do.
#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>

#include <nlohmann/json.hpp>

#include "analysis/compare.h"
#include "analysis/pipeline.h"
#include "analysis/predict.h"
#include "analysis/report/report.h"
#include "sim/base/config.h"
#include "workloads/training.h"

namespace tenk {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path kExamples = fs::path(TENK_SOURCE_DIR) / "examples";

Scenario read_example(const fs::path& file, const std::vector<std::string>& changes = {}) {
  Config config = Config::load(file.string());
  for (const std::string& change : changes) config = apply_override(config, change);
  return read_scenario(config, ScenarioUse::kWholeJob);
}

Prediction predict_example(const fs::path& file, const std::vector<std::string>& changes = {}) {
  return predict(read_example(file, changes));
}

// The scenarios of a folder in order of name, as a shell lists them.
std::vector<fs::path> scenarios_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

json expected(const std::string& name) {
  std::ifstream file(kExamples / "expected" / (name + ".json"));
  REQUIRE(file);
  return json::parse(file);
}

// Model TFLOP/s per GPU as published, and how far a prediction may be off.
struct Measured {
  double tflops, tolerance;
  bool causal;  // Whether the source is read as counting attention as causal.
};
const std::map<std::string, Measured> kMeasured = {
    {"megatron-177b-2304", {432.8, 0.15, false}},  // NVIDIA/Megatron-LM README
    {"llama3-405b-16k", {400, 0.20, true}},        // Llama 3 paper, Table 4
};

void check_against_measured(const Prediction& p, const Measured& m) {
  const double gpu_seconds = p.step_time.s() * static_cast<double>(p.accelerators);
  const double flops = m.causal ? p.model_flops_causal : p.model_flops;
  CHECK(flops / gpu_seconds * 1e-12 == Approx(m.tflops).epsilon(m.tolerance));
}

void check_adds_up(const Prediction& p) {
  const double sum = std::accumulate(p.breakdown_s.begin(), p.breakdown_s.end(), 0.0);
  CHECK(sum == Approx(p.step_time.s()).epsilon(1e-9));
  // Overheads that a scenario states, and updates on the host, are no accident.
  const bool stated =
      std::any_of(p.assumptions.begin(), p.assumptions.end(), [](const std::string& text) {
        return text.find("step-overhead") == 0 || text.find("the optimizer's state is in") == 0;
      });
  CHECK((stated || p.breakdown_s[static_cast<std::size_t>(Category::kOther)] < 0.02 * sum));
}

// A job on its fabric, ready to be run with slower links.
struct Job {
  Scenario scenario;
  Fabric fabric;
  Workload workload;
  Placed placed;

  explicit Job(Scenario s)
      : scenario(std::move(s)),
        fabric(build_fabric(scenario.cluster)),
        workload(build_training(*scenario.job, *scenario.device)),
        placed(place_and_fold(fabric, workload, scenario.tuning, true)) {}
  Time step() const { return simulate(workload, placed, scenario.engine).timeline.makespan; }
  // With a tenth of the capacity of one kind of cables gone, both ways.
  Time step_with_fewer(const std::string& cable) const {
    Placed slower{placed.traffic, {}};
    for (Trunk& trunk : slower.traffic.trunks) {
      const std::string& kind = fabric.graph().link_kind(trunk.kind);
      if (kind.substr(0, kind.rfind(' ')) == cable) trunk.capacity = trunk.capacity * 0.9;
    }
    slower.symmetry = find_symmetry(slower.traffic);
    return simulate(workload, slower, scenario.engine).timeline.makespan;
  }
  // The tiers of the network, as names of cables.
  std::vector<std::string> tiers() const {
    std::vector<std::string> names;
    const Graph& graph = fabric.graph();
    for (const Link& link : graph.links()) {
      const std::uint32_t from = graph.device(link.from).node, to = graph.device(link.to).node;
      const std::string& kind = graph.link_kind(link.kind);
      const std::string cable = kind.substr(0, kind.rfind(' '));
      if (from == to && from != kNoNode) continue;
      if (std::find(names.begin(), names.end(), cable) == names.end()) names.push_back(cable);
    }
    return names;
  }
};

TEST_CASE("Every example prints the expected result, adds up, and is near what was measured") {
  const std::vector<fs::path> files = scenarios_in(kExamples);
  CHECK(files.size() >= 2);
  for (const fs::path& file : files) {
    const std::string name = file.stem().string();
    CAPTURE(name);
    const Prediction p = predict_example(file);
    json found = json::parse(run_json(p));
    found["engine"]["wall_s"] = 0;
    // scripts/update-examples writes these files anew.
    CHECK(json::diff(expected(name), found) == json::array());
    check_adds_up(p);
    CHECK(p.engine.rank_classes <= 64);
    if (kMeasured.count(name) == 1) check_against_measured(p, kMeasured.at(name));
  }
}

TEST_CASE("Ten thousand cards on six fabrics compare as expected, whatever the number of threads") {
  const std::vector<fs::path> files = scenarios_in(kExamples / "ten-thousand-cards");
  REQUIRE(files.size() == 6);
  std::vector<Scenario> scenarios;
  CompareOptions options;
  options.baseline = "clos";
  for (const fs::path& file : files) {
    scenarios.push_back(read_example(file));
    options.labels.push_back(file.stem().string());
  }
  const Comparison c = compare(scenarios, options);
  json found = json::parse(compare_json(c));
  for (json& cluster : found["clusters"]) cluster["prediction"]["engine"]["wall_s"] = 0;
  // scripts/update-examples writes this file anew.
  CHECK(json::diff(expected("ten-thousand-cards"), found) == json::array());
  CHECK(c.warnings.empty());
  for (const ComparedCluster& cluster : c.clusters) {
    CAPTURE(cluster.label);
    check_adds_up(cluster.prediction);
    CHECK(cluster.prediction.fits);
    CHECK(cluster.prediction.buildable == (cluster.label != "full-mesh"));
  }
}

// With overlap there is no such law: gradients that a slow tier holds back leave the links that
// they share with the pipeline's sends to these, and those are what others wait for. On the
// dragonfly 10 % fewer global links make the step 0.15 % shorter. So there it must not be much.
TEST_CASE("Fewer links or longer ones make none of the six fabrics faster") {
  for (const fs::path& file : scenarios_in(kExamples / "ten-thousand-cards")) {
    for (const bool overlap : {false, true}) {
      std::vector<std::string> changes = {"job.batch.global=320",
                                          overlap ? "job.overlap.dp=true" : "job.overlap.dp=false"};
      const double least = overlap ? 0.997 : 1;
      const Job job(read_example(file, changes));
      const double whole = job.step().s();
      for (const std::string& tier : job.tiers()) {
        CAPTURE(file.stem().string(), overlap, tier);
        CHECK(job.step_with_fewer(tier).s() >= least * whole);
      }
      changes.emplace_back("cluster.fabric.link.latency=6us");
      CAPTURE(file.stem().string(), overlap);
      CHECK(Job(read_example(file, changes)).step().s() >= least * whole);
    }
  }
}

TEST_CASE("A 256-GPU job of Llama 3's shape gives the same step and bytes folded and unfolded") {
  const std::vector<std::string> small = {"cluster.nodes=32", "job.parallel.dp=2",
                                          "job.batch.global=32"};
  std::vector<std::string> off = small;
  off.emplace_back("engine.fold=off");
  const Prediction folded = predict_example(kExamples / "llama3-405b-16k.yaml", small);
  const Prediction whole = predict_example(kExamples / "llama3-405b-16k.yaml", off);
  CHECK(whole.engine.rank_classes == 256);
  CHECK(folded.engine.rank_classes < 64);
  const double slack =
      1e-9 * whole.step_time.s() + 1e-12 * static_cast<double>(whole.engine.events);
  CHECK(std::abs((folded.step_time - whole.step_time).s()) <= slack);
  double bytes_folded = 0, bytes_whole = 0;
  for (const auto& t : folded.trunk_classes)
    bytes_folded += static_cast<double>(t.trunks) * t.bytes;
  for (const auto& t : whole.trunk_classes) bytes_whole += static_cast<double>(t.trunks) * t.bytes;
  CHECK(bytes_folded == Approx(bytes_whole).epsilon(1e-9));
  for (std::size_t i = 0; i < folded.links.size(); ++i) {
    CHECK(folded.links[i].mean_utilisation ==
          Approx(whole.links[i].mean_utilisation).epsilon(1e-9));
  }
}

TEST_CASE("A slower link never makes the step shorter") {
  const fs::path file = kExamples / "megatron-177b-2304.yaml";
  const Time whole = predict_example(file).step_time;
  CHECK(predict_example(file, {"cluster.fabric.link.rate=200Gbps"}).step_time >= whole);
  CHECK(predict_example(file, {"cluster.fabric.link.latency=3us"}).step_time >= whole);
}

}  // namespace
}  // namespace tenk
