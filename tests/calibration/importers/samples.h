// Which samples of other tools' output are there, and what does an importer make of a text?
#pragma once
#include <string>
#include <vector>

#include "calibration/importers/importer.h"

namespace tenk::testing {

struct Sample {
  std::string kind, file;
  ImportOptions options = {};
};
const std::vector<Sample>& samples();

std::string sample_text(const std::string& file);  // Of tests/calibration/data.
Measurements imported(const std::string& kind, const std::string& text,
                      const ImportOptions& options = {});
// What the importer says against the text; empty: nothing.
std::string complaint(const std::string& kind, const std::string& text,
                      const ImportOptions& options = {});
// All three tables as text.
std::string tables_of(const Measurements& all);

}  // namespace tenk::testing
