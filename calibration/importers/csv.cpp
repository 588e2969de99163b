// The published tables themselves: checked, and all rows of several files in one.
#include "calibration/importers/importer.h"

namespace tenk {
namespace {

Measurements read_csv(const std::string& text, const std::string& file, const ImportOptions&) {
  return read_measurements(text, file);
}

}  // namespace

extern const ImportKind kCsvImport{.name = "csv",
                                   .summary = "kernels, collectives or links as tenk writes them",
                                   .read = read_csv};

}  // namespace tenk
