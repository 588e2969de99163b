#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "analysis/report/layout.h"
#include "analysis/report/report.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

struct Column {
  std::string_view name, unit;
  std::size_t width;
};
// As in nccl-tests, the sizes are plain numbers of bytes. The widths and the gaps make 98.
constexpr std::array<Column, 8> kTable = {{{"size", "(B)", 13},
                                           {"time", "(us)", 13},
                                           {"algbw", "(GB/s)", 9},
                                           {"busbw", "(GB/s)", 9},
                                           {"algorithm", "", 14},
                                           {"protocol", "", 9},
                                           {"channels", "", 9},
                                           {"bound", "(us)", 14}}};
using Cells = std::array<std::string, kTable.size()>;

std::string line_of(std::string_view start, const Cells& cells) {
  std::string line(start);
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    line += (i > 0 ? " " : "") + right(shown(cells[i], kTable[i].width), kTable[i].width);
  }
  return line;
}

// Two decimals and, where they would not fit, the exponent form.
std::string number(double value) {
  std::string text = fmt::format("{:.2f}", finite(value));
  return text.size() <= 9 ? text : fmt::format("{:.4g}", value);
}
std::string microseconds(double value) {
  std::string text = fmt::format("{:.{}f}", finite(value), value < 10 ? 3 : value < 1e4 ? 2 : 1);
  return text.size() <= 13 ? text : fmt::format("{:.6g}", value);
}

void add_comment(std::string_view text, Page& page, Paint paint = Paint::kNone) {
  for (const std::string& line : wrap(text, kColumns - 2)) {
    page.raw(page.painted("# " + line, paint));
  }
}

// "all_reduce", or all of them where rows differ.
std::string ops_of(const CollectiveTable& table) {
  std::vector<std::string> ops;
  for (const CollectiveRow& row : table.rows) {
    if (std::find(ops.begin(), ops.end(), row.op) == ops.end()) ops.push_back(row.op);
  }
  return fmt::format("{}", fmt::join(ops, ", "));
}

}  // namespace

std::string collective_table(const CollectiveTable& table, Style style) {
  Page page(style);
  add_comment(table.scenario, page, Paint::kBold);
  add_comment(fmt::format("{} over {} accelerators", ops_of(table), grouped(table.accelerators)),
              page);
  page.raw("#");
  Cells names, units;
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    names[i] = kTable[i].name;
    units[i] = kTable[i].unit;
  }
  page.raw(page.painted(line_of("#", names), Paint::kDim));
  page.raw(page.painted(line_of("#", units), Paint::kDim));
  const CollectiveRow* best = nullptr;
  for (const CollectiveRow& row : table.rows) {
    page.raw(
        line_of(" ", {std::to_string(row.bytes.count()), microseconds(row.time_us),
                      number(row.algbw_GBps), number(row.busbw_GBps), row.algorithm, row.protocol,
                      std::to_string(row.channels), microseconds(row.bound_us)}));
    if (best == nullptr || row.busbw_GBps > best->busbw_GBps) best = &row;
  }
  page.raw("#");
  if (best != nullptr) {
    add_comment(fmt::format("highest bus bandwidth: {:.2f} GB/s at {}", best->busbw_GBps,
                            to_text(best->bytes)),
                page);
  }
  if (table.collisions) add_comment("collisions: " + collisions_text(*table.collisions), page);
  add_comment("engine " + engine_text(table.engine), page);
  for (const std::string& text : table.assumptions) add_comment("assumes: " + text, page);
  return page.text();
}

}  // namespace tenk
