#include <fmt/format.h>

#include <cmath>
#include <map>

#include "analysis/report/calibration.h"
#include "analysis/report/layout.h"
#include "sim/base/error.h"
#include "sim/base/text.h"
#include "sim/base/units.h"

namespace tenk {
namespace {

constexpr std::size_t kMostSubjects = 4;  // Listed for one reason of refusal.

std::string quantity_text(double value, const std::string& unit) {
  if (unit == "B") return to_text(Bytes(std::llround(value)));
  return fmt::format("{:.4g}{}{}", value, unit.empty() || unit == "1" ? "" : " ",
                     unit == "1" ? "" : unit);
}

std::string value_text(const FittedConstant& c) {
  return c.identified ? quantity_text(c.value, c.unit) : "not identified";
}
std::string interval_text(const FittedConstant& c) {
  if (!c.identified) return "";
  const std::string unit = c.unit == "B" ? "B" : "";
  return fmt::format("{} to {}", quantity_text(c.low, unit), quantity_text(c.high, unit));
}

std::string errors_text(const FittedModel& m) {
  if (m.errors.rows == 0) return "no row is left to judge by";
  std::string text = fmt::format("{} rows, median error {}, 90 % within {}", m.errors.rows,
                                 percent(m.errors.median), percent(m.errors.p90));
  if (m.held_out.rows == 0) return text;
  return text +
         fmt::format("; held out {} and {}", percent(m.held_out.median), percent(m.held_out.p90));
}

std::string part_text(const HeldOutPart& part) {
  return fmt::format("held out, {}: {} rows, {} and {}", part.name, part.errors.rows,
                     percent(part.errors.median), percent(part.errors.p90));
}

std::string error_cells(const FitErrors& errors) {
  if (errors.rows == 0) return "- | -";
  return percent(errors.median) + " | " + percent(errors.p90);
}

std::map<std::string, std::vector<const FittedModel*>> by_family(const Calibration& c) {
  std::map<std::string, std::vector<const FittedModel*>> families;
  for (const FittedModel& model : c.models) families[model.family].push_back(&model);
  return families;
}

// The middle of the models' median errors, and of those held out.
std::string summary_text(const std::vector<const FittedModel*>& models) {
  std::vector<double> inside, outside;
  for (const FittedModel* model : models) {
    if (model->errors.rows > 0) inside.push_back(model->errors.median);
    if (model->held_out.rows > 0) outside.push_back(model->held_out.median);
  }
  std::string text = fmt::format("{} fitted", models.size());
  if (!inside.empty()) {
    text += fmt::format("; median error of the middle one {}", percent(quantile(inside, 0.5)));
  }
  if (!outside.empty()) text += fmt::format(", held out {}", percent(quantile(outside, 0.5)));
  return text;
}

struct Reason {
  std::size_t rows = 0;
  std::vector<std::string> subjects;
};
std::map<std::string, Reason> by_reason(const Calibration& c) {
  std::map<std::string, Reason> reasons;
  for (const Refusal& refusal : c.refused) {
    Reason& reason = reasons[refusal.reason];
    reason.rows += refusal.rows;
    reason.subjects.push_back(refusal.subject);
  }
  return reasons;
}

std::string refusal_text(const std::string& why, const Reason& reason) {
  std::string text = why;
  if (reason.rows > 0) text += fmt::format(" ({} rows)", reason.rows);
  text += ": ";
  for (std::size_t i = 0; i < std::min(kMostSubjects, reason.subjects.size()); ++i) {
    text += (i > 0 ? "; " : "") + reason.subjects[i];
  }
  if (reason.subjects.size() > kMostSubjects) {
    text += fmt::format("; and {} more", reason.subjects.size() - kMostSubjects);
  }
  return text;
}

}  // namespace

std::string calibration_table(const Calibration& c, Style style) {
  Page page(style);
  page.title("Calibration");
  if (c.models.empty()) page.bullet("nothing could be fitted");
  for (const auto& [family, models] : by_family(c)) {
    page.section(family);
    page.bullet(summary_text(models));
    for (const FittedModel* model : models) {
      page.blank();
      page.raw("  " + page.painted(shown(model->subject, kColumns - 4), Paint::kBold));
      for (const FittedConstant& constant : model->constants) {
        page.raw(fmt::format("    {} {}  {}", left(shown(constant.name, 50), 50),
                             right(value_text(constant), 16), interval_text(constant)));
      }
      page.raw("    " + page.painted(errors_text(*model), Paint::kDim));
      for (const HeldOutPart& part : model->parts) {
        page.raw("    " + page.painted(part_text(part), Paint::kDim));
      }
    }
  }
  const auto reasons = by_reason(c);
  if (!reasons.empty()) page.section("Refused");
  for (const auto& [why, reason] : reasons) page.bullet(refusal_text(why, reason));
  if (!c.remarks.empty()) page.section("Remarks");
  for (const std::string& remark : c.remarks) page.bullet(remark);
  return page.text();
}

std::string calibration_markdown(const Calibration& c) {
  std::string text;
  for (const auto& [family, models] : by_family(c)) {
    text += fmt::format("## {}\n\n{}.\n\n", family, summary_text(models));
    text += "| fit | constant | value | interval |\n| --- | --- | ---: | ---: |\n";
    for (const FittedModel* model : models) {
      for (const FittedConstant& constant : model->constants) {
        text += fmt::format("| {} | {} | {} | {} |\n", escaped_markdown(model->subject),
                            escaped_markdown(constant.name), value_text(constant),
                            interval_text(constant));
      }
    }
    text += "\n| fit | rows | median error | 90 % within | held out, median | 90 % within |\n";
    text += "| --- | ---: | ---: | ---: | ---: | ---: |\n";
    for (const FittedModel* model : models) {
      text +=
          fmt::format("| {} | {} | {} | {} |\n", escaped_markdown(model->subject),
                      model->errors.rows, error_cells(model->errors), error_cells(model->held_out));
      for (const HeldOutPart& part : model->parts) {
        text +=
            fmt::format("| {}, {} | {} held out | - | - | {} |\n", escaped_markdown(model->subject),
                        escaped_markdown(part.name), part.errors.rows, error_cells(part.errors));
      }
    }
    text += "\n";
  }
  const auto reasons = by_reason(c);
  if (!reasons.empty()) text += "## Refused\n\n";
  for (const auto& [why, reason] : reasons) {
    text += "- " + escaped_markdown(refusal_text(why, reason)) + "\n";
  }
  for (const std::string& remark : c.remarks) text += "- " + escaped_markdown(remark) + "\n";
  return text;
}

std::string report(const Calibration& calibration, Format format, Style style) {
  switch (format) {
    case Format::kTable:
      return calibration_table(calibration, style);
    case Format::kJson:
      return calibration_json(calibration);
    case Format::kCsv:
      return calibration_csv(calibration);
    case Format::kMarkdown:
      return calibration_markdown(calibration);
  }
  TENK_CHECK(false, "all formats are listed");
}

}  // namespace tenk
