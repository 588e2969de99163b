#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "analysis/report/layout.h"
#include "analysis/report/validation.h"
#include "sim/base/csv.h"
#include "sim/base/error.h"

namespace tenk {
namespace {

using Json = nlohmann::ordered_json;

Json errors_of(const ErrorSummary& s) {
  Json all = {{"rows", s.rows},
              {"mape", finite(s.mape)},
              {"median_ape", finite(s.median_ape)},
              {"p90_ape", finite(s.p90_ape)},
              {"bias", finite(s.bias)},
              {"interval_coverage", nullptr},
              {"interval_half_width", nullptr}};
  if (s.with_interval > 0) {
    all["interval_coverage"] = finite(s.coverage);
    all["interval_half_width"] = finite(s.half_width);
  }
  return all;
}

Json errors_by(const Validation& v, std::string Judged::*text) {
  Json all = Json::object();
  for (const auto& [name, summary] : summarize_by(v, text)) all[name] = errors_of(summary);
  return all;
}

}  // namespace

std::string validation_json(const Validation& v) {
  Json document = {{"kind", v.kind},
                   {"files", v.files},
                   {"rows", v.rows.size() + v.skipped.size()},
                   {"predicted", v.rows.size()}};
  Json errors = errors_of(summarize(v));
  errors.erase("rows");
  document.update(errors);
  document["mean_over_parts"] = mean_over_parts(v);
  document["by_part"] = errors_by(v, &Judged::part);
  document["by_gpu"] = errors_by(v, &Judged::gpu);
  document["by_cell"] = errors_by(v, &Judged::cell);
  document["assumptions"] = v.assumptions;
  Json skipped = Json::array();
  for (const Skipped& row : v.skipped) {
    skipped.push_back({{"id", row.id}, {"why", row.why}, {"by_rule", row.excluded}});
  }
  document["skipped"] = std::move(skipped);
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string validation_csv(const Validation& v) {
  std::string text =
      "id,part,profile,cell,workload,measured_s,predicted_s,error,interval_low_s,interval_high_s\n";
  for (const Judged& row : v.rows) {
    for (const std::string* field : {&row.id, &row.part, &row.gpu, &row.cell, &row.workload}) {
      text += csv_field(*field) + ",";
    }
    text += fmt::format("{},{},{}", finite(row.measured_s), finite(row.predicted_s),
                        finite(row.error()));
    text += row.high_s > 0 ? fmt::format(",{},{}\n", row.low_s, row.high_s) : ",,\n";
  }
  return text;
}

std::string report(const Validation& validation, Format format, Style style) {
  switch (format) {
    case Format::kTable:
      return validation_table(validation, style);
    case Format::kJson:
      return validation_json(validation);
    case Format::kCsv:
      return validation_csv(validation);
    case Format::kMarkdown:
      return validation_markdown(validation);
  }
  TENK_CHECK(false, "all formats are listed");
}

}  // namespace tenk
