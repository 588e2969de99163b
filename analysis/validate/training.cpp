// Published training runs: does a step take as long as we say?
#include <fmt/format.h>

#include <algorithm>

#include "analysis/predict.h"
#include "analysis/validate/training_scenario.h"
#include "analysis/validate/validation.h"
#include "sim/base/error.h"
#include "sim/base/parallel.h"

namespace tenk {
namespace {

// What became of one row: one of the three.
struct Outcome {
  std::optional<Judged> judged;
  std::optional<Skipped> skipped;
  std::vector<std::string> assumptions;
};

Outcome leave_out(const TrainingRow& row, std::string why, bool excluded) {
  return {.judged = {},
          .skipped = Skipped{row.id, row.part, std::move(why), excluded},
          .assumptions = {}};
}

// The first line of an error without its place: equal faults have equal texts.
std::string reason_of(const Error& error) { return error.faults().front().message; }

// What the job has beside tensor, pipeline and data parallelism.
std::string_view kind_of(const TrainingSpec& job) {
  if (job.model.experts.routed > 0) return "experts";
  if (job.adapters.rank > 0) return "LoRA";
  if (job.layout.zero >= 2) return "FSDP, ZeRO-2 and 3";
  return job.layout.cp > 1 ? "context parallel" : "dense";
}

Judged judge_scenario(const TrainingRow& row, const RowScenario& s) {
  const Scenario scenario = read_scenario(Config::parse(s.text, row.id), ScenarioUse::kWholeJob);
  const StepTime time = predict_step(scenario);
  Judged judged;
  judged.id = row.id;
  judged.part = row.part;
  judged.gpu = s.gpu;
  judged.cell = fmt::format("{}, {}", kind_of(*scenario.job), name_of(scenario.job->precision));
  judged.workload = fmt::format("{} on {} (tp {} pp {})", row.model, *row.gpus, *row.tp, *row.pp);
  judged.measured_s = *row.iter_time_s;
  judged.predicted_s = time.step.s();
  judged.low_s = time.low_s;
  judged.high_s = time.high_s;
  // Kept apart: one study with three of four rows, and rows that nobody could predict from
  // themselves alone.
  judged.pooled = row.part != "vtrain" && row.fully_specified.value_or(1) != 0;
  return judged;
}

Outcome judge_row(const TrainingRow& row, const std::string& superseded_why) {
  if (const std::string why = incomplete(row); !why.empty()) return leave_out(row, why, true);
  if (!superseded_why.empty()) return leave_out(row, superseded_why, true);
  if (const std::string why = missing_feature(row); !why.empty()) {
    return leave_out(row, why, false);
  }
  RowScenario scenario = scenario_of(row);
  if (!scenario.excluded.empty()) return leave_out(row, scenario.excluded, true);
  if (!scenario.skipped.empty()) return leave_out(row, scenario.skipped, false);
  try {
    return {.judged = judge_scenario(row, scenario),
            .skipped = {},
            .assumptions = std::move(scenario.assumptions)};
  } catch (const Error& error) {
    return leave_out(row, reason_of(error), false);
  }
}

std::vector<Outcome> judge_all(const std::vector<TrainingRow>& rows) {
  const std::vector<std::string> old = superseded(rows);
  std::vector<Outcome> outcomes(rows.size());
  in_parallel(rows.size(), [&](std::size_t i) { outcomes[i] = judge_row(rows[i], old[i]); });
  return outcomes;
}

void judge_training(const std::string& text, const std::string& file, Validation& all) {
  const std::vector<TrainingRow> rows = read_training_rows(text, file);
  std::vector<Outcome> outcomes = judge_all(rows);
  for (Outcome& outcome : outcomes) {
    if (outcome.judged) all.rows.push_back(std::move(*outcome.judged));
    if (outcome.skipped) all.skipped.push_back(std::move(*outcome.skipped));
    for (const std::string& text_of : outcome.assumptions) ++all.assumptions[text_of];
  }
}

}  // namespace

extern const ValidationKind kTrainingValidation{
    .name = "training", .summary = "training runs with their step times", .judge = judge_training};

}  // namespace tenk
