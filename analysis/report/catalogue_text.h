// How is the catalogue printed?
#pragma once
#include <string>
#include <vector>

#include "analysis/catalogue.h"

namespace tenk {

// At most 100 columns. A line for each kind, or for each entry of one (more where it is long).
std::string kinds_table(const std::vector<CatalogueKind>& kinds);
std::string entries_table(const CatalogueKind& kind);
// docs/result.schema.json: `kinds`, `list`.
std::string kinds_json(const std::vector<CatalogueKind>& kinds);
std::string entries_json(const CatalogueKind& kind);
// Of code: its name, what it does, and what else it says of itself.
std::string entry_text(const CatalogueKind& kind, const CatalogueEntry& entry);

}  // namespace tenk
