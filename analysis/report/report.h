// How is a result shown: for people, for programs, for spreadsheets, for a page of notes?
//
// Pure functions from a result to text that ends in a newline. A number that is not finite is a
// bug of ours (BugError): no format ever prints NaN or infinity.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "analysis/prediction.h"

namespace tenk {

enum class Format : std::uint8_t { kTable, kJson, kCsv, kMarkdown };
inline constexpr std::array<std::string_view, 4> kFormatNames = {"table", "json", "csv", "md"};

// What the terminal can show; only tables look at it.
struct Style {
  bool colour = false;
  bool unicode = false;  // Bars of block characters, else of '#'.
};

std::string report(const Prediction& prediction, Format format, Style style = {});
std::string report(const CollectiveTable& table, Format format, Style style = {});

// For people: at most 100 columns; links that carry something, the busiest first.
std::string run_table(const Prediction& prediction, Style style);
// In the manner of nccl-tests: '#' starts a line that is no row.
std::string collective_table(const CollectiveTable& table, Style style);

// docs/result.schema.json; numbers read back as the same doubles.
std::string run_json(const Prediction& prediction);
std::string collective_json(const CollectiveTable& table);

// RFC 4180 but for line ends (\n): a header and one row a result (a size). Columns are the paths of
// the JSON fields; lists of texts are joined by "; ", of links only the busiest is named.
std::string run_csv(const Prediction& prediction);
std::string collective_csv(const CollectiveTable& table);

std::string run_markdown(const Prediction& prediction);
std::string collective_markdown(const CollectiveTable& table);

// docs/result-h5.md. Equal predictions give equal bytes: the time we took is left out. Throws
// Error{kFile}.
void write_result_h5(const std::string& path, const Prediction& prediction);

}  // namespace tenk
