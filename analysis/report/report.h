// How is a result shown: for people, for programs, for spreadsheets, for a page of notes?
//
// Pure functions from a result to text that ends in a newline. A number that is not finite is a
// bug of ours (BugError): no format ever prints NaN or infinity.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "analysis/comparison.h"
#include "analysis/flows.h"
#include "analysis/interference.h"
#include "analysis/prediction.h"
#include "analysis/topo.h"

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
std::string report(const TopoReport& topology, Format format, Style style = {});
std::string report(const Comparison& comparison, Format format, Style style = {});
std::string report(const FlowTable& table, Format format, Style style = {});
std::string report(const JobsTable& table, Format format, Style style = {});

// For people: at most 100 columns; links that carry something, the busiest first.
std::string run_table(const Prediction& prediction, Style style);
// In the manner of nccl-tests: '#' starts a line that is no row.
std::string collective_table(const CollectiveTable& table, Style style);
std::string topo_table(const TopoReport& topology, Style style);
std::string flows_table(const FlowTable& table, Style style);  // The 20 flows that finish last.
std::string jobs_table(const JobsTable& table, Style style);
// At most 120 columns: speed, breakdown, links and cost by cluster, then the verdict and the why.
std::string compare_table(const Comparison& comparison, Style style);

// docs/result.schema.json; numbers read back as the same doubles.
std::string run_json(const Prediction& prediction);
std::string collective_json(const CollectiveTable& table);
std::string topo_json(const TopoReport& topology);
std::string compare_json(const Comparison& comparison);
std::string flows_json(const FlowTable& table);
std::string jobs_json(const JobsTable& table);

// RFC 4180 but for line ends (\n): a header and one row a result (a size). Columns are the paths of
// the JSON fields; lists of texts are joined by "; ", of links only the busiest is named, parts of
// the cost are columns by name ("cost.parts.servers.usd").
std::string run_csv(const Prediction& prediction);
std::string collective_csv(const CollectiveTable& table);
std::string topo_csv(const TopoReport& topology);
std::string compare_csv(const Comparison& comparison);  // One row a cluster.
std::string flows_csv(const FlowTable& table);          // One row a flow.
std::string jobs_csv(const JobsTable& table);           // One row a job.

std::string run_markdown(const Prediction& prediction);
std::string collective_markdown(const CollectiveTable& table);
std::string topo_markdown(const TopoReport& topology);
std::string flows_markdown(const FlowTable& table);
std::string jobs_markdown(const JobsTable& table);

// The network and the inside of a node as one picture of 1,200 x 800 pixels: a few switches stand
// for all, with their counts. Letters have at least 11 pixels, and none lie on one another.
std::string topo_svg(const TopoReport& topology);
std::string compare_markdown(const Comparison& comparison);

// docs/result-h5.md. Equal predictions give equal bytes: the time we took is left out. Throws
// Error{kFile}.
void write_result_h5(const std::string& path, const Prediction& prediction);

}  // namespace tenk
