#include <algorithm>
#include <cmath>

#include "analysis/validate/validation.h"
#include "calibration/robust_fit.h"

namespace tenk {
namespace {

std::vector<const Judged*> pointers(const Validation& validation) {
  std::vector<const Judged*> rows;
  for (const Judged& row : validation.rows) rows.push_back(&row);
  return rows;
}

}  // namespace

ErrorSummary summarize(std::span<const Judged* const> rows) {
  ErrorSummary summary;
  if (rows.empty()) return summary;
  std::vector<double> predicted, measured, widths;
  std::size_t held = 0;
  for (const Judged* row : rows) {
    predicted.push_back(row->predicted_s);
    measured.push_back(row->measured_s);
    if (row->low_s <= 0 && row->high_s <= 0) continue;
    widths.push_back((row->high_s - row->low_s) / 2 / row->predicted_s);
    if (row->low_s <= row->measured_s && row->measured_s <= row->high_s) ++held;
  }
  const FitErrors errors = fit_errors(predicted, measured);
  summary = {.rows = errors.rows,
             .mape = errors.mean,
             .median_ape = errors.median,
             .p90_ape = errors.p90,
             .bias = errors.bias,
             .with_interval = widths.size()};
  if (widths.empty()) return summary;
  summary.coverage = static_cast<double>(held) / static_cast<double>(widths.size());
  summary.half_width = quantile(std::move(widths), 0.5);
  return summary;
}

ErrorSummary summarize(const Validation& validation) {
  std::vector<const Judged*> rows = pointers(validation);
  std::erase_if(rows, [](const Judged* row) { return !row->pooled; });
  return summarize(rows);
}

std::map<std::string, ErrorSummary> summarize_by(const Validation& validation,
                                                 std::string Judged::*text) {
  std::map<std::string, std::vector<const Judged*>> groups;
  for (const Judged& row : validation.rows) {
    if (row.pooled || text == &Judged::part) groups[row.*text].push_back(&row);
  }
  std::map<std::string, ErrorSummary> summaries;
  for (const auto& [name, rows] : groups) summaries[name] = summarize(rows);
  return summaries;
}

double mean_over_parts(const Validation& validation) {
  const auto by_part = summarize_by(validation, &Judged::part);
  double sum = 0;
  for (const auto& [part, errors] : by_part) sum += errors.mape;
  return by_part.empty() ? 0 : sum / static_cast<double>(by_part.size());
}

std::vector<const Judged*> worst(const Validation& validation, std::size_t most) {
  std::vector<const Judged*> rows = pointers(validation);
  const auto size = [](const Judged* row) {
    return std::abs(std::log(row->predicted_s / row->measured_s));
  };
  std::stable_sort(rows.begin(), rows.end(),
                   [&](const Judged* a, const Judged* b) { return size(a) > size(b); });
  if (rows.size() > most) rows.resize(most);
  return rows;
}

std::map<std::string, std::size_t> reasons(const Validation& validation, bool excluded) {
  std::map<std::string, std::size_t> counts;
  for (const Skipped& row : validation.skipped) {
    if (row.excluded == excluded) ++counts[row.why];
  }
  return counts;
}

}  // namespace tenk
