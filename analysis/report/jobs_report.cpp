// Several jobs on one fabric: each alone, and what the others cost it.
#include <fmt/format.h>

#include "analysis/report/document.h"
#include "analysis/report/layout.h"
#include "analysis/report/report.h"
#include "sim/base/error.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

using Json = nlohmann::ordered_json;

Json jobs_document(const JobsTable& table) {
  Json jobs = Json::array();
  for (const JobOutcome& job : table.jobs) {
    jobs.push_back({{"name", job.name},
                    {"accelerators", job.accelerators},
                    {"step_time_s", seconds(job.together)},
                    {"alone_s", seconds(job.alone)},
                    {"slowdown", finite(job.slowdown())},
                    {"steps", job.steps},
                    {"tokens_per_s", finite(job.tokens_per_s)}});
  }
  Json j;
  j["scenario"] = table.scenario;
  j["accelerators"] = table.accelerators;
  j["jobs"] = std::move(jobs);
  j["collisions"] = collisions_document(table.collisions);
  j["engine"] = engine_document(table.engine);
  j["assumptions"] = table.assumptions;
  j["warnings"] = table.warnings;
  j["fingerprint"] = table.fingerprint;
  return j;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

}  // namespace

std::string jobs_table(const JobsTable& table, Style style) {
  Page page(style);
  page.title(table.scenario);
  page.field("Jobs",
             fmt::format("{} on {} accelerators", table.jobs.size(), grouped(table.accelerators)));
  page.section("A step alone and together");
  page.raw(
      page.painted(fmt::format("  {} {} {} {} {} {} {}", left("job", 26), right("accelerators", 12),
                               right("alone", 10), right("together", 10), right("slowdown", 9),
                               right("steps", 7), right("tokens/s", 14)),
                   Paint::kDim));
  for (const JobOutcome& job : table.jobs) {
    page.raw(fmt::format("  {} {} {} {} {} {} {}", left(shown(job.name, 26), 26),
                         right(grouped(job.accelerators), 12), right(to_text(job.alone), 10),
                         right(to_text(job.together), 10),
                         right(fmt::format("{:.3f}", finite(job.slowdown())), 9),
                         right(grouped(job.steps), 7),
                         right(job.tokens_per_s > 0 ? grouped(job.tokens_per_s) : "-", 14)));
  }
  page.blank();
  if (table.collisions) page.field("Collisions", collisions_text(*table.collisions));
  page.field("Engine", engine_text(table.engine));
  page.field("Fingerprint", table.fingerprint);
  for (const std::string& text : table.warnings) page.field("Warning", text, Paint::kWarn);
  for (const std::string& text : table.assumptions) page.field("Assumes", text);
  return page.text();
}

std::string jobs_json(const JobsTable& table) {
  return jobs_document(table).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string jobs_csv(const JobsTable& table) {
  std::string text = "name,accelerators,step_time_s,alone_s,slowdown,steps,tokens_per_s\n";
  for (const JobOutcome& job : table.jobs) {
    text += fmt::format("{},{},{},{},{},{},{}\n", quoted(job.name), job.accelerators,
                        seconds(job.together), seconds(job.alone), finite(job.slowdown()),
                        job.steps, finite(job.tokens_per_s));
  }
  return text;
}

std::string jobs_markdown(const JobsTable& table) {
  std::string out = fmt::format(
      "# {}\n\n{} jobs on {} accelerators; {}\n\n", escaped_markdown(table.scenario),
      table.jobs.size(), grouped(table.accelerators), escaped_markdown(engine_text(table.engine)));
  out +=
      "| job | accelerators | alone | together | slowdown | steps "
      "|\n|---|---:|---:|---:|---:|---:|\n";
  for (const JobOutcome& job : table.jobs) {
    out += fmt::format("| {} | {} | {} | {} | {:.3f} | {} |\n", escaped_markdown(job.name),
                       grouped(job.accelerators), to_text(job.alone), to_text(job.together),
                       finite(job.slowdown()), grouped(job.steps));
  }
  for (const std::string& text : table.warnings)
    out += "\nWarning: " + escaped_markdown(text) + "\n";
  if (!table.assumptions.empty()) out += "\n## Assumptions\n\n";
  for (const std::string& text : table.assumptions) out += "- " + escaped_markdown(text) + "\n";
  return out;
}

std::string report(const JobsTable& table, Format format, Style style) {
  switch (format) {
    case Format::kTable:
      return jobs_table(table, style);
    case Format::kJson:
      return jobs_json(table);
    case Format::kCsv:
      return jobs_csv(table);
    case Format::kMarkdown:
      return jobs_markdown(table);
  }
  throw BugError("a format without a report");
}

}  // namespace tenk
