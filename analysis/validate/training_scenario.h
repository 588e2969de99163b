// Which scenario does a published training run describe, and what had to be assumed?
//
// Every rule looks at the row's own columns and is the same for all rows; each that fills a gap is
// listed in `assumptions`.
#pragma once
#include <string>
#include <vector>

#include "analysis/scenario.h"
#include "analysis/validate/training_rows.h"

namespace tenk {

struct RowScenario {
  std::string text;  // A scenario file (YAML); empty if there is none.
  std::string gpu;   // Accelerator preset.
  std::vector<std::string> assumptions;
  std::string excluded;  // By a published rule, with the reason; then text is empty.
  std::string skipped;   // What tenk lacks for the row; then text is empty.
};

// The row must be complete and need no missing feature (training_rows.h).
RowScenario scenario_of(const TrainingRow& row);

}  // namespace tenk
