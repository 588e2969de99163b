// The examples print what is checked in, and stay near what was measured.
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>

#include <nlohmann/json.hpp>

#include "analysis/predict.h"
#include "analysis/report/report.h"
#include "sim/base/config.h"

namespace tenk {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path kExamples = fs::path(TENK_SOURCE_DIR) / "examples";

Prediction predict_example(const fs::path& file, const std::vector<std::string>& changes = {}) {
  Config config = Config::load(file.string());
  for (const std::string& change : changes) config = apply_override(config, change);
  return predict(read_scenario(config, ScenarioUse::kWholeJob));
}

// Model TFLOP/s per GPU as published, and how far a prediction may be off.
struct Measured {
  double tflops, tolerance;
  bool causal;  // Whether the source may have counted attention as causal: both must hold then.
};
const std::map<std::string, Measured> kMeasured = {
    {"megatron-177b-2304", {432.8, 0.15, false}},  // NVIDIA/Megatron-LM README
    {"llama3-405b-16k", {400, 0.20, true}},        // Llama 3 paper, Table 4
};

void check_against_measured(const Prediction& p, const Measured& m) {
  CHECK(p.tflops_per_gpu == Approx(m.tflops).epsilon(m.tolerance));
  if (!m.causal) return;
  const double gpu_seconds = p.step_time.s() * static_cast<double>(p.accelerators);
  CHECK(p.model_flops_causal / gpu_seconds * 1e-12 == Approx(m.tflops).epsilon(m.tolerance));
}

TEST_CASE("Every example prints the expected result, adds up, and is near what was measured") {
  int seen = 0;
  for (const auto& entry : fs::directory_iterator(kExamples)) {
    if (entry.path().extension() != ".yaml") continue;
    ++seen;
    const std::string name = entry.path().stem().string();
    CAPTURE(name);
    const Prediction p = predict_example(entry.path());
    std::ifstream file(kExamples / "expected" / (name + ".json"));
    REQUIRE(file);
    const json wanted = json::parse(file);
    json found = json::parse(run_json(p));
    found["engine"]["wall_s"] = 0;
    // scripts/update-examples writes these files anew.
    CHECK(json::diff(wanted, found) == json::array());

    const double sum = std::accumulate(p.breakdown_s.begin(), p.breakdown_s.end(), 0.0);
    CHECK(sum == Approx(p.step_time.s()).epsilon(1e-9));
    CHECK(p.breakdown_s[static_cast<std::size_t>(Category::kOther)] < 0.02 * sum);
    CHECK(p.engine.rank_classes <= 64);
    if (kMeasured.count(name) == 1) check_against_measured(p, kMeasured.at(name));
  }
  CHECK(seen >= 2);
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
