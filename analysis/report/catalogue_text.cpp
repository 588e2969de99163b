#include "analysis/report/catalogue_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "analysis/report/layout.h"

namespace tenk {
namespace {

using Json = nlohmann::ordered_json;

// "head  text", wrapped, the text in a column of its own.
std::string row(const std::string& head, std::size_t width, const std::string& text) {
  std::string out, start = left(head, width) + "  ";
  for (const std::string& line : wrap(text, kColumns - width - 2)) {
    out += start + line + "\n";
    start = std::string(width + 2, ' ');
  }
  return out;
}

}  // namespace

std::string kinds_table(const std::vector<CatalogueKind>& kinds) {
  std::string out;
  for (const CatalogueKind& kind : kinds) {
    const std::string head = left(kind.name, 14) + right(std::to_string(kind.entries.size()), 4);
    out += row(head, head.size(), kind.presets ? "presets: " + kind.what : kind.what);
  }
  return out;
}

std::string entries_table(const CatalogueKind& kind) {
  std::size_t width = 0;
  for (const CatalogueEntry& e : kind.entries) width = std::max(width, e.name.size());
  std::string out;
  for (const CatalogueEntry& e : kind.entries)
    out += row(e.name, std::min<std::size_t>(width, 40), e.summary);
  return out;
}

std::string kinds_json(const std::vector<CatalogueKind>& kinds) {
  Json all = Json::array();
  for (const CatalogueKind& kind : kinds) {
    all.push_back({{"kind", kind.name}, {"count", kind.entries.size()}, {"what", kind.what}});
  }
  Json document = Json::object();
  document["kinds"] = std::move(all);
  return document.dump(2) + "\n";
}

std::string entries_json(const CatalogueKind& kind) {
  Json all = Json::array();
  for (const CatalogueEntry& e : kind.entries) {
    all.push_back({{"name", e.name}, {"summary", e.summary}});
  }
  Json document = Json::object();
  document["kind"] = kind.name;
  document["entries"] = std::move(all);
  return document.dump(2) + "\n";
}

std::string entry_text(const CatalogueKind& kind, const CatalogueEntry& entry) {
  return fmt::format("{} ({})\n{}\n{}", entry.name, kind.name, entry.summary, entry.details);
}

}  // namespace tenk
