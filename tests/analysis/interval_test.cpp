#include <catch2/catch.hpp>

#include <algorithm>

#include "analysis/predict.h"
#include "sim/base/config.h"

namespace tenk {
namespace {

// Llama 3 405B on 256 GPUs: 16 stages, 2 replicas.
Prediction predict_llama(const std::string& global_batch) {
  Config c = Config::load(TENK_SOURCE_DIR "/examples/llama3-405b-16k.yaml");
  c = apply_override(c, "cluster.nodes=32");
  c = apply_override(c, "job.parallel.dp=2");
  c = apply_override(c, "job.batch.global=" + global_batch);
  return predict(read_scenario(c, ScenarioUse::kWholeJob));
}

const Variation& variation(const Prediction& p, const std::string& number) {
  const auto found = std::find_if(p.variations.begin(), p.variations.end(),
                                  [&](const Variation& v) { return v.number == number; });
  REQUIRE(found != p.variations.end());
  return *found;
}

TEST_CASE("Variations come out the same each time, in one order, whichever thread simulated them") {
  const Prediction one = predict_llama("64"), two = predict_llama("64");
  REQUIRE(one.variations.size() == two.variations.size());
  for (std::size_t i = 0; i < one.variations.size(); ++i) {
    CHECK(one.variations[i].number == two.variations[i].number);
    CHECK(one.variations[i].step_time == two.variations[i].step_time);
  }
}

TEST_CASE("A host that is never behind changes nothing; a slower card makes the step longer") {
  // 32 micro-batches of 16 stages are simulated whole, 160 as 16 and 32 of them.
  for (const std::string batch : {"64", "320"}) {
    CAPTURE(batch);
    const Prediction p = predict_llama(batch);
    CHECK(variation(p, "host: issue of kernels").step_time == p.step_time);
    const auto longer = std::count_if(p.variations.begin(), p.variations.end(),
                                      [&](const auto& v) { return v.step_time > p.step_time; });
    CHECK(longer > 3);
    CHECK(p.interval_low_s < p.step_time.s());
    CHECK(p.interval_high_s > p.step_time.s());
  }
}

}  // namespace
}  // namespace tenk
