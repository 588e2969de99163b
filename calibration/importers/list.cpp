// The importers, one word each.
#include <array>

#include "calibration/importers/importer.h"

namespace tenk {

extern const ImportKind kCsvImport;
extern const ImportKind kNcclTestsImport;
extern const ImportKind kNcclTestsJsonImport;
extern const ImportKind kNcclInspectorImport;
extern const ImportKind kNvbandwidthImport;
extern const ImportKind kPerftestImport;
extern const ImportKind kOsuImport;
extern const ImportKind kMamfImport;
extern const ImportKind kProbeImport;

std::span<const ImportKind* const> import_kinds() {
  static constexpr std::array<const ImportKind*, 9> kKinds = {
      &kCsvImport,           &kNcclTestsImport,   &kNcclTestsJsonImport,
      &kNcclInspectorImport, &kNvbandwidthImport, &kPerftestImport,
      &kOsuImport,           &kMamfImport,        &kProbeImport};
  return kKinds;
}

}  // namespace tenk
