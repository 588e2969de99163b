// What must hold whatever bytes an importer is given?
//
// Rows or an Error, never a crash, hang or bug; and rows that were given are a table that reads
// back the same.
#pragma once
#include <cstdint>
#include <string>

#include "calibration/importers/importer.h"
#include "sim/base/error.h"
#include "sim/base/kinds.h"

namespace tenk {

template <class Row>
void check_table(const std::vector<Row>& rows, std::vector<Row> Measurements::*table) {
  if (rows.empty()) return;
  const std::string text = to_csv(rows);
  std::string again;
  try {
    again = to_csv(read_measurements(text, "again.csv").*table);
  } catch (const Error& error) {
    TENK_CHECK(false, std::string("a table that was written cannot be read: ") + error.what());
  }
  TENK_CHECK(again == text, "a table reads back as it was written");
}

inline int fuzz_import(std::string_view name, const std::uint8_t* data, std::size_t size,
                       const ImportOptions& options = {}) {
  const ImportKind* const kind = find_kind(import_kinds(), name);
  TENK_CHECK(kind != nullptr, "there is such an importer");
  try {
    const Measurements all =
        kind->read(std::string(reinterpret_cast<const char*>(data), size), "fuzz.txt", options);
    check_table(all.kernels, &Measurements::kernels);
    check_table(all.collectives, &Measurements::collectives);
    check_table(all.links, &Measurements::links);
  } catch (const Error&) {}
  return 0;
}

}  // namespace tenk
