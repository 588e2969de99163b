#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "analysis/report/document.h"
#include "analysis/report/layout.h"
#include "analysis/report/report.h"
#include "sim/base/error.h"

namespace tenk {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostShown = 20;

// The flows that finish last, in the order given where they tie.
std::vector<const FlowRow*> last_flows(const FlowTable& table) {
  std::vector<const FlowRow*> rows;
  for (const FlowRow& row : table.rows) rows.push_back(&row);
  std::stable_sort(rows.begin(), rows.end(),
                   [](const FlowRow* a, const FlowRow* b) { return a->finish_us > b->finish_us; });
  rows.resize(std::min(rows.size(), kMostShown));
  return rows;
}

std::vector<double> sorted_times(const FlowTable& table) {
  std::vector<double> times;
  for (const FlowRow& row : table.rows) times.push_back(finite(row.fct_us));
  std::sort(times.begin(), times.end());
  return times;
}

// The smallest time that at least this share of the flows does not exceed (nearest rank).
std::string at_share(const std::vector<double>& times, double share) {
  if (times.empty()) return "-";
  const double rank = std::ceil(share * static_cast<double>(times.size()));
  const auto at = static_cast<std::size_t>(std::max(1.0, rank)) - 1;
  return duration_text(times[at] * 1e-6);
}

std::string times_text(const FlowTable& table) {
  const std::vector<double> times = sorted_times(table);
  const double sum = std::accumulate(times.begin(), times.end(), 0.0);
  const std::string mean =
      times.empty() ? "-" : duration_text(sum / static_cast<double>(times.size()) * 1e-6);
  return fmt::format("mean {}, median {}, p99 {}, longest {}", mean, at_share(times, 0.5),
                     at_share(times, 0.99), at_share(times, 1));
}

}  // namespace

std::string flows_table(const FlowTable& table, Style style) {
  Page page(style);
  page.title(table.scenario);
  page.field("Flows", grouped(std::uint64_t{table.rows.size()}));
  page.field("Makespan", duration_text(finite(table.makespan_us) * 1e-6), Paint::kBold);
  page.field("Times", times_text(table));
  page.section(table.rows.size() > kMostShown ? fmt::format("The {} that finish last", kMostShown)
                                              : "The last first");
  page.raw(page.painted(fmt::format("  {:>20} {:>18} {:>18} {:>18}", "id", "finish (us)",
                                    "time (us)", "mean rate (GB/s)"),
                        Paint::kDim));
  for (const FlowRow* row : last_flows(table)) {
    page.raw(fmt::format("  {:>20} {:>18.3f} {:>18.3f} {:>18.4g}", row->id, finite(row->finish_us),
                         finite(row->fct_us), finite(row->mean_rate_GBps)));
  }
  page.blank();
  if (table.collisions) page.field("Collisions", collisions_text(*table.collisions));
  page.field("Engine", engine_text(table.engine));
  for (const std::string& text : table.assumptions) page.field("Assumes", text);
  return page.text();
}

Json flows_document(const FlowTable& table) {
  Json flows = Json::array();
  for (const FlowRow& row : table.rows) {
    flows.push_back({{"id", row.id},
                     {"finish_us", finite(row.finish_us)},
                     {"fct_us", finite(row.fct_us)},
                     {"mean_rate_GBps", finite(row.mean_rate_GBps)}});
  }
  Json j;
  j["scenario"] = table.scenario;
  j["flows"] = std::move(flows);
  j["makespan_us"] = finite(table.makespan_us);
  j["collisions"] = collisions_document(table.collisions);
  j["engine"] = engine_document(table.engine);
  j["assumptions"] = table.assumptions;
  return j;
}

std::string flows_json(const FlowTable& table) {
  return flows_document(table).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string flows_csv(const FlowTable& table) {
  std::string text = "id,finish_us,fct_us,mean_rate_GBps\n";
  for (const FlowRow& row : table.rows) {
    text += fmt::format("{},{},{},{}\n", row.id, finite(row.finish_us), finite(row.fct_us),
                        finite(row.mean_rate_GBps));
  }
  return text;
}

std::string flows_markdown(const FlowTable& table) {
  std::string out = fmt::format(
      "# {}\n\n{} flows end after {}; {}; {}\n\n", escaped_markdown(table.scenario),
      grouped(std::uint64_t{table.rows.size()}), duration_text(finite(table.makespan_us) * 1e-6),
      times_text(table), escaped_markdown(engine_text(table.engine)));
  out += "| id | finish (us) | time (us) | mean rate (GB/s) |\n|---:|---:|---:|---:|\n";
  for (const FlowRow* row : last_flows(table)) {
    out += fmt::format("| {} | {:.3f} | {:.3f} | {:.4g} |\n", row->id, finite(row->finish_us),
                       finite(row->fct_us), finite(row->mean_rate_GBps));
  }
  if (table.collisions) {
    out += "\nCollisions: " + escaped_markdown(collisions_text(*table.collisions)) + "\n";
  }
  if (!table.assumptions.empty()) out += "\n## Assumptions\n\n";
  for (const std::string& text : table.assumptions) out += "- " + escaped_markdown(text) + "\n";
  return out;
}

std::string report(const FlowTable& table, Format format, Style style) {
  switch (format) {
    case Format::kTable:
      return flows_table(table, style);
    case Format::kJson:
      return flows_json(table);
    case Format::kCsv:
      return flows_csv(table);
    case Format::kMarkdown:
      return flows_markdown(table);
  }
  throw BugError("a format without a report");
}

}  // namespace tenk
