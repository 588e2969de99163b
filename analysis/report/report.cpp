#include "analysis/report/report.h"

#include "sim/base/error.h"

namespace tenk {

std::string report(const Prediction& prediction, Format format, Style style) {
  switch (format) {
    case Format::kTable:
      return run_table(prediction, style);
    case Format::kJson:
      return run_json(prediction);
    case Format::kCsv:
      return run_csv(prediction);
    case Format::kMarkdown:
      return run_markdown(prediction);
  }
  throw BugError("a format without a report");
}

std::string report(const Comparison& comparison, Format format, Style style) {
  switch (format) {
    case Format::kTable:
      return compare_table(comparison, style);
    case Format::kJson:
      return compare_json(comparison);
    case Format::kCsv:
      return compare_csv(comparison);
    case Format::kMarkdown:
      return compare_markdown(comparison);
  }
  throw BugError("a format without a report");
}

std::string report(const CollectiveTable& table, Format format, Style style) {
  switch (format) {
    case Format::kTable:
      return collective_table(table, style);
    case Format::kJson:
      return collective_json(table);
    case Format::kCsv:
      return collective_csv(table);
    case Format::kMarkdown:
      return collective_markdown(table);
  }
  throw BugError("a format without a report");
}

std::string report(const TopoReport& topology, Format format, Style style) {
  switch (format) {
    case Format::kTable:
      return topo_table(topology, style);
    case Format::kJson:
      return topo_json(topology);
    case Format::kCsv:
      return topo_csv(topology);
    case Format::kMarkdown:
      return topo_markdown(topology);
  }
  throw BugError("a format without a report");
}

}  // namespace tenk
