// tenk list and tenk show: the catalogue.
#include <fmt/format.h>

#include <algorithm>

#include "analysis/catalogue.h"
#include "analysis/cli/command.h"
#include "analysis/cli/output.h"
#include "analysis/report/catalogue_text.h"
#include "sim/base/config.h"
#include "sim/base/error.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

struct Found {
  const CatalogueKind* kind;
  const CatalogueEntry* entry;
};

std::string path_of(const Found& f) { return f.kind->name + "/" + f.entry->name; }

[[noreturn]] void refuse(std::string_view what, const std::string& word,
                         const std::vector<std::string>& known, std::string_view command) {
  const std::string nearest = nearest_name(word, known);
  throw Error(
      ErrorKind::kUsage,
      fmt::format("there is no {} \"{}\"{} (tenk help {})", what, shown(word),
                  nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest), command));
}

}  // namespace

int execute(const ListCommand& command) {
  const std::vector<CatalogueKind> all = catalogue();
  if (command.kind.empty()) {
    print(command.json ? kinds_json(all) : kinds_table(all));
    return 0;
  }
  std::vector<std::string> names;
  for (const CatalogueKind& kind : all) names.push_back(kind.name);
  const auto found = std::find(names.begin(), names.end(), command.kind);
  if (found == names.end()) refuse("kind", command.kind, names, "list");
  const CatalogueKind& kind = all[static_cast<std::size_t>(found - names.begin())];
  print(command.json ? entries_json(kind) : entries_table(kind));
  return 0;
}

int execute(const ShowCommand& command) {
  const std::vector<CatalogueKind> all = catalogue();
  std::vector<Found> found;
  std::vector<std::string> names;
  for (const CatalogueKind& kind : all) {
    for (const CatalogueEntry& entry : kind.entries) {
      const Found here{&kind, &entry};
      names.push_back(entry.name);
      if (command.name == entry.name || command.name == path_of(here)) found.push_back(here);
    }
  }
  for (const CatalogueKind& kind : all) {
    for (const CatalogueEntry& entry : kind.entries) names.push_back(kind.name + "/" + entry.name);
  }
  if (found.empty()) refuse("name", command.name, names, "list");
  print(found[0].kind->presets ? found[0].entry->details
                               : entry_text(*found[0].kind, *found[0].entry));
  for (std::size_t i = 1; i < found.size(); ++i) {
    print_message(fmt::format("also: tenk show {}", path_of(found[i])));
  }
  return 0;
}

}  // namespace tenk
