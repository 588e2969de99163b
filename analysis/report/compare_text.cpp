// A comparison for people: on a terminal, and in Markdown.
#include <fmt/format.h>

#include <algorithm>

#include "analysis/report/compare_grids.h"
#include "analysis/report/layout.h"
#include "analysis/report/report.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

constexpr std::size_t kWide = 120;  // Columns of the terminal.
constexpr std::size_t kLabel = 20;
constexpr std::size_t kGap = 2;
constexpr std::size_t kLeast = 3;  // Of a column.
constexpr std::size_t kVerdict = 21;

// The label and the class of links are words; everything else is right under its head.
bool is_text(const Grid& grid, std::size_t column) {
  return column == 0 || grid.heads[column] == "class";
}

std::vector<std::size_t> widths_of(const Grid& grid) {
  std::vector<std::size_t> widths;
  std::size_t left_over = kWide - 2;
  for (std::size_t i = 0; i < grid.heads.size(); ++i) {
    std::size_t width = count_characters(grid.heads[i]);
    for (const auto& row : grid.rows) width = std::max(width, count_characters(row[i]));
    if (i == 0) width = std::min(width, kLabel);
    // What is still to come needs three characters ("...") and a gap each.
    const std::size_t others = (grid.heads.size() - 1 - i) * (kLeast + kGap);
    width = std::min(width, left_over - std::min(left_over - kLeast, others));
    left_over -= std::min(left_over - kLeast, width + kGap);
    widths.push_back(width);
  }
  return widths;
}

std::string line_of(const Grid& grid, const std::vector<std::string>& cells,
                    const std::vector<std::size_t>& widths) {
  std::string line = "  ";
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string cell = shown(cells[i], widths[i]);
    line += is_text(grid, i) ? left(cell, widths[i]) : right(cell, widths[i]);
    if (i + 1 < cells.size()) line += std::string(kGap, ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

void add_grid(const Grid& grid, Page& page) {
  page.section(grid.title);
  const std::vector<std::size_t> widths = widths_of(grid);
  page.raw(page.painted(line_of(grid, grid.heads, widths), Paint::kDim));
  for (const auto& row : grid.rows) page.raw(line_of(grid, row, widths));
}

void add_field(const Line& line, Paint paint, Page& page) {
  std::string head = left(shown(line.label, kVerdict - 2), kVerdict);
  for (const std::string& part : wrap(line.text, kWide - kVerdict)) {
    page.raw(head + page.painted(part, paint));
    head = std::string(kVerdict, ' ');
  }
}

void add_notes(std::string_view head, const std::vector<std::string>& texts, Paint paint,
               Page& page) {
  for (const std::string& text : texts) add_field({std::string(head), text}, paint, page);
}

std::string markdown_row(const std::vector<std::string>& cells) {
  std::string line = "|";
  for (const std::string& cell : cells) line += " " + escaped_markdown(cell) + " |";
  return line + "\n";
}

std::string markdown_list(const std::vector<Line>& lines) {
  std::string out;
  for (const Line& line : lines) {
    out += fmt::format("- **{}**: {}\n", escaped_markdown(line.label), escaped_markdown(line.text));
  }
  return out;
}

}  // namespace

std::string compare_table(const Comparison& c, Style style) {
  Page page(style);
  page.title(fmt::format("{} clusters, {} accelerators", c.clusters.size(),
                         grouped(c.clusters[c.baseline].prediction.accelerators)));
  for (const Grid& grid : grids_of(c)) add_grid(grid, page);
  page.section("Verdict");
  for (const Line& line : verdict_lines(c)) add_field(line, Paint::kBold, page);
  page.section("Why");
  for (const std::string& line : wrap(c.why, kWide)) page.raw(line);
  page.blank();
  for (const Line& line : reason_lines(c)) {
    add_field({"Not feasible", line.label + ": " + line.text}, Paint::kBad, page);
  }
  add_notes("Warning", c.warnings, Paint::kWarn, page);
  add_notes("Assumes", c.assumptions, Paint::kDim, page);
  return page.text();
}

std::string compare_markdown(const Comparison& c) {
  std::string out = fmt::format("# {} clusters, {} accelerators\n", c.clusters.size(),
                                grouped(c.clusters[c.baseline].prediction.accelerators));
  for (const Grid& grid : grids_of(c)) {
    out += fmt::format("\n## {}\n\n", grid.title) + markdown_row(grid.heads) + "|";
    for (std::size_t i = 0; i < grid.heads.size(); ++i) out += is_text(grid, i) ? "---|" : "---:|";
    out += "\n";
    for (const auto& row : grid.rows) out += markdown_row(row);
  }
  out += "\n## Verdict\n\n" + markdown_list(verdict_lines(c));
  out += "\n## Why\n\n" + escaped_markdown(c.why) + "\n";
  std::vector<Line> notes;
  for (const Line& line : reason_lines(c)) {
    notes.push_back({"not feasible", line.label + ": " + line.text});
  }
  for (const std::string& text : c.warnings) notes.push_back({"warning", text});
  for (const std::string& text : c.assumptions) notes.push_back({"assumes", text});
  return out + "\n## Notes\n\n" + markdown_list(notes);
}

}  // namespace tenk
