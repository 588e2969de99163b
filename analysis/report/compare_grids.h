// A comparison as tables of texts: what the terminal and Markdown show alike.
#pragma once
#include <string>
#include <vector>

#include "analysis/comparison.h"

namespace tenk {

struct Grid {
  std::string title;
  std::vector<std::string> heads;              // The first column holds words, the others numbers.
  std::vector<std::vector<std::string>> rows;  // As long as heads.
};

// Speed, where the time goes, hot links, cost.
std::vector<Grid> grids_of(const Comparison& comparison);

// "Fastest of all", and what the answer is.
struct Line {
  std::string label, text;
};
// One for each verdict; one for both where the answers are the same.
std::vector<Line> verdict_lines(const Comparison& comparison);
// The clusters that are not feasible, each with its reason.
std::vector<Line> reason_lines(const Comparison& comparison);

}  // namespace tenk
