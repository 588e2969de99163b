// Which names may stand in a scenario, and what does each mean?
//
// Presets are the data files that travel inside the program; the other kinds are code. A name may
// occur in several kinds ("endpoint" is a node and a kind of node).
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tenk {

struct CatalogueEntry {
  std::string name;
  std::string summary;  // One sentence or a part of one.
  std::string details;  // Lines: the preset's YAML as it is; for code what else it says of itself.
};
struct CatalogueKind {
  std::string name;  // "accelerators", "fabrics", ...
  std::string what;  // What its entries are, and where they are named.
  bool presets = false;
  std::vector<CatalogueEntry> entries;
};

// Presets first; entries in the order of their lists, presets by name.
std::vector<CatalogueKind> catalogue();

}  // namespace tenk
