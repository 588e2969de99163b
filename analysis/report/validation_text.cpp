#include <fmt/format.h>

#include <algorithm>

#include "analysis/report/layout.h"
#include "analysis/report/validation.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

constexpr std::size_t kWorst = 20;
constexpr std::size_t kNameWidth = 40;

std::string error_text(double error) { return fmt::format("{:+.1f} %", 100 * error); }

// The columns after the name.
std::array<std::string, 6> cells(const ErrorSummary& s) {
  const bool interval = s.with_interval > 0;
  return {grouped(static_cast<std::uint64_t>(s.rows)),
          percent(s.mape),
          percent(s.median_ape),
          percent(s.p90_ape),
          error_text(s.bias),
          interval ? fmt::format("{} of +-{}", percent(s.coverage), percent(s.half_width)) : "-"};
}
constexpr std::array<std::string_view, 6> kHeads = {"rows", "mean", "median",
                                                    "p90",  "bias", "held by interval"};
constexpr std::array<std::size_t, 6> kWidths = {6, 8, 8, 8, 9, 18};

void add_line(std::string_view name, const auto& texts, Page& page, Paint paint = Paint::kNone) {
  std::string line = "  " + left(shown(name, kNameWidth), kNameWidth);
  for (std::size_t i = 0; i < texts.size(); ++i) line += " " + right(texts[i], kWidths[i]);
  page.raw(page.painted(line, paint));
}

void add_table(const std::string& title, const std::map<std::string, ErrorSummary>& summaries,
               Page& page) {
  page.section(title);
  add_line("", kHeads, page, Paint::kDim);
  for (const auto& [name, summary] : summaries) add_line(name, cells(summary), page);
}

void add_counts(const std::string& title, const std::map<std::string, std::size_t>& counts,
                Page& page) {
  if (counts.empty()) return;
  page.section(title);
  for (const auto& [text, count] : counts) {
    page.bullet(fmt::format("{} rows: {}", grouped(static_cast<std::uint64_t>(count)), text));
  }
}

void add_worst(const Validation& v, Page& page) {
  page.section(fmt::format("The {} worst", std::min(kWorst, v.rows.size())));
  for (const Judged* row : worst(v, kWorst)) {
    page.raw(fmt::format("  {} {} {} {}  {}", right(error_text(row->error()), 10),
                         right(duration_text(row->predicted_s), 9),
                         right(duration_text(row->measured_s), 9), left(shown(row->gpu, 11), 11),
                         shown(row->id + (row->workload.empty() ? "" : ": " + row->workload), 53)));
  }
}

struct Share {
  std::size_t all = 0, excluded = 0, skipped = 0;
  std::string text() const {
    return fmt::format(
        "{} rows: {} predicted, {} excluded by the rules for rows that mislead, {} skipped ({} of "
        "what the rules leave)",
        grouped(static_cast<std::uint64_t>(all)),
        grouped(static_cast<std::uint64_t>(all - excluded - skipped)),
        grouped(static_cast<std::uint64_t>(excluded)), grouped(static_cast<std::uint64_t>(skipped)),
        percent(all == excluded
                    ? 0.0
                    : static_cast<double>(skipped) / static_cast<double>(all - excluded)));
  }
};
Share share_of(const Validation& v) {
  Share share{.all = v.rows.size() + v.skipped.size()};
  for (const Skipped& row : v.skipped) ++(row.excluded ? share.excluded : share.skipped);
  return share;
}

std::string markdown_table(const std::string& head,
                           const std::map<std::string, ErrorSummary>& summaries) {
  std::string text = fmt::format("| {} |", head);
  for (const auto name : kHeads) text += fmt::format(" {} |", name);
  text += "\n| --- |";
  for (std::size_t i = 0; i < kHeads.size(); ++i) text += " ---: |";
  text += "\n";
  for (const auto& [name, summary] : summaries) {
    text += fmt::format("| {} |", escaped_markdown(name));
    for (const std::string& cell : cells(summary)) text += fmt::format(" {} |", cell);
    text += "\n";
  }
  return text + "\n";
}

std::string markdown_counts(const std::string& head,
                            const std::map<std::string, std::size_t>& counts) {
  if (counts.empty()) return "";
  std::string text = fmt::format("| {} | rows |\n| --- | ---: |\n", head);
  for (const auto& [what, count] : counts) {
    text += fmt::format("| {} | {} |\n", escaped_markdown(what), count);
  }
  return text + "\n";
}

std::string over_parts(const Validation& v) {
  return fmt::format("Mean error of the parts, each counted once: {}", percent(mean_over_parts(v)));
}

}  // namespace

std::string validation_table(const Validation& v, Style style) {
  Page page(style);
  page.title(fmt::format("{} against {}", v.kind, v.files));
  page.bullet(share_of(v).text());
  page.bullet("error: predicted / measured time - 1; bias: its median, above 0 is too slow");
  page.bullet(over_parts(v));
  const bool apart = std::any_of(v.rows.begin(), v.rows.end(), [](auto& r) { return !r.pooled; });
  add_table("All", {{apart ? "all but the parts kept apart" : "all", summarize(v)}}, page);
  add_table("By part", summarize_by(v, &Judged::part), page);
  add_table("By profile", summarize_by(v, &Judged::gpu), page);
  add_table("By kind of row", summarize_by(v, &Judged::cell), page);
  if (!v.rows.empty()) add_worst(v, page);
  add_counts("Excluded by rule", reasons(v, true), page);
  add_counts("Skipped", reasons(v, false), page);
  add_counts("Assumed", v.assumptions, page);
  return page.text();
}

std::string validation_markdown(const Validation& v) {
  std::string text = share_of(v).text() + ".\n\n";
  text += markdown_table("", {{"all", summarize(v)}});
  text += markdown_table("part", summarize_by(v, &Judged::part));
  text += over_parts(v) + ".\n\n";
  text += markdown_table("profile", summarize_by(v, &Judged::gpu));
  text += markdown_table("kind of row", summarize_by(v, &Judged::cell));
  text += markdown_counts("excluded by rule", reasons(v, true));
  text += markdown_counts("skipped", reasons(v, false));
  return text + markdown_counts("assumed", v.assumptions);
}

}  // namespace tenk
