// The importers, one word each.
#include <array>

#include "calibration/importers/importer.h"

namespace tenk {

extern const ImportKind kCsvImport;

std::span<const ImportKind* const> import_kinds() {
  static constexpr std::array<const ImportKind*, 1> kKinds = {&kCsvImport};
  return kKinds;
}

}  // namespace tenk
