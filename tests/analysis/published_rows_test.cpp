// The published rows that ship with tenk: how far off may we be before somebody must look?
#include <catch2/catch.hpp>

#include "analysis/validate/validation.h"
#include "sim/base/kinds.h"
#include "sim/base/text_file.h"

namespace tenk {
namespace {

[[maybe_unused]] Validation judge(const std::string& kind, const std::string& name) {
  const std::string path = std::string(TENK_SOURCE_DIR) + "/tests/data/" + name;
  Validation all;
  find_kind(validation_kinds(), kind)->judge(read_text_file(path), path, all);
  return all;
}

// Under sanitizers these rows take minutes; the code that predicts them is tested there by
// validate_training_test.cpp.
#ifndef __SANITIZE_ADDRESS__

TEST_CASE("Published training steps are predicted within the stated errors, and intervals hold") {
  const Validation v = judge("training", "training_runs.csv");
  const auto by_part = summarize_by(v, &Judged::part);
  CHECK(by_part.at("korthikanti_tab5").mape < 0.08);
  CHECK(by_part.at("megatron_readme").mape < 0.12);
  CHECK(by_part.at("nemo2407").mape < 0.12);
  CHECK(by_part.at("mlperf").mape < 0.12);
  CHECK(by_part.at("vtrain").mape < 0.20);
  CHECK(mean_over_parts(v) < 0.15);

  // Dense rows are the ones that the intervals were made for.
  std::vector<const Judged*> dense, papers;
  for (const Judged& row : v.rows) {
    if (!row.cell.starts_with("dense")) continue;
    if (row.pooled) dense.push_back(&row);
    if (row.part == "papers") papers.push_back(&row);
  }
  CHECK(dense.size() >= 30);
  CHECK(summarize(papers).mape < 0.12);
  CHECK(summarize(dense).coverage >= 0.80);
  CHECK(summarize(dense).half_width <= 0.20);
  CHECK(summarize(v).coverage >= 0.80);
}

TEST_CASE("Every published run is predicted or has its reason") {
  const Validation v = judge("training", "training_runs.csv");
  CHECK(v.rows.size() + v.skipped.size() == 233);
  for (const Skipped& row : v.skipped) CHECK_FALSE(row.why.empty());
}

#endif

}  // namespace
}  // namespace tenk
