// How far off are tenk's predictions on what others measured?
//
// A validation predicts every row of a table from that row's own columns and compares times. Error
// is predicted / measured - 1 of the time, whatever the table prints. A row that is not predicted
// is listed with the reason: excluded by a published rule about rows that mislead, or skipped
// because tenk cannot predict it (yet). Nothing is dropped silently.
//
// A kind is one .cpp that ends in a `const ValidationKind`, plus one word in list.cpp.
#pragma once
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tenk {

struct Judged {
  std::string id;        // Of the row, as the table has it.
  std::string part;      // Family of sources ("vtrain"), or what stands for it.
  std::string gpu;       // The profile that predicted it: "h100-sxm".
  std::string cell;      // What errors are counted by: "allreduce, 16 MiB and more", "gemm bf16".
  std::string workload;  // For people: "allreduce of 1 MiB on 2 x 8".
  double measured_s = 0;
  double predicted_s = 0;
  double low_s = 0, high_s = 0;  // Interval of the prediction; both 0: there is none.
  bool pooled = true;            // False: a rule keeps its part out of all other sums.
  double error() const { return predicted_s / measured_s - 1; }
};

struct Skipped {
  std::string id;
  std::string part;
  std::string why;        // Equal for all rows with that reason, so that they can be counted.
  bool excluded = false;  // By a rule about rows that mislead; else tenk cannot predict it.
};

struct Validation {
  std::string kind;   // "training", "collectives", ...
  std::string files;  // For people.
  std::vector<Judged> rows;
  std::vector<Skipped> skipped;
  std::map<std::string, std::size_t> assumptions;  // What was assumed, and for how many rows.
};

struct ValidationKind {
  std::string_view name;
  std::string_view summary;
  // Appends to `all` what the table says. Throws Error{kFile} if it is no table of that kind.
  void (*judge)(const std::string& text, const std::string& file, Validation& all);
};

std::span<const ValidationKind* const> validation_kinds();

// Errors of some rows; all 0 if there are none. O(n log n).
struct ErrorSummary {
  std::size_t rows = 0;
  double mape = 0;        // Mean of |error|.
  double median_ape = 0;  // Median of |error|.
  double p90_ape = 0;
  double bias = 0;  // Median of error: above 0, we predict too long.
  std::size_t with_interval = 0;
  double coverage = 0;    // Share of the rows with an interval that it holds.
  double half_width = 0;  // Median of (high - low) / 2 / predicted.
};
ErrorSummary summarize(std::span<const Judged* const> rows);
ErrorSummary summarize(const Validation& validation);  // Of the rows that are pooled.
// By one text of each row, in order of that text: all rows by &Judged::part, those that are pooled
// by &Judged::gpu or &Judged::cell.
std::map<std::string, ErrorSummary> summarize_by(const Validation& validation,
                                                 std::string Judged::*text);

// Mean of the parts' mape, each part counted once however many rows it has; 0 without rows.
double mean_over_parts(const Validation& validation);

// The rows with the largest |log(predicted / measured)|, largest first.
std::vector<const Judged*> worst(const Validation& validation, std::size_t most);

// Reason -> rows, of those excluded by rule or of those skipped.
std::map<std::string, std::size_t> reasons(const Validation& validation, bool excluded);

}  // namespace tenk
