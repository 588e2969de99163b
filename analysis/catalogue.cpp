#include "analysis/catalogue.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "analysis/congestion/congestion.h"
#include "analysis/validate/validation.h"
#include "calibration/importers/importer.h"
#include "sim/base/embedded.h"
#include "sim/base/presets.h"
#include "sim/engine/engine.h"
#include "sim/plan/device_profile.h"
#include "topologies/network.h"
#include "topologies/nodes/node.h"
#include "workloads/collectives/collective.h"
#include "workloads/schedules/list.h"

namespace tenk {
namespace {

// The first sentence of the comment that a file opens with, without its full stop.
std::string opening(std::string_view text) {
  std::string comment;
  while (text.starts_with('#')) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(1, end - 1);
    while (line.starts_with(' ') || line.starts_with('#')) line.remove_prefix(1);
    if (!comment.empty()) comment += ' ';
    comment += line;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  comment = comment.substr(0, comment.find(". "));
  if (comment.ends_with('.')) comment.pop_back();
  return comment;
}

CatalogueKind presets(const std::string& folder, const std::string& what) {
  CatalogueKind kind{folder, what, true, {}};
  for (const std::string& name : preset_names(folder)) {
    const std::string path = fmt::format("profiles/{}/{}.yaml", folder, name);
    const auto files = embedded_files();
    const auto file = std::find_if(files.begin(), files.end(),
                                   [&](const EmbeddedFile& f) { return f.path == path; });
    const std::string text(file == files.end() ? std::string_view() : file->text);
    std::string details = text;
    if (folder == "accelerators") {
      const Config preset = load_preset(folder, name);
      if (preset.find("like") != nullptr) details = with_inherited(preset).to_yaml();
    }
    kind.entries.push_back({name, opening(text), details});
  }
  return kind;
}

template <class Kinds>
CatalogueKind code(const std::string& name, const std::string& what, const Kinds& kinds) {
  CatalogueKind kind{name, what, false, {}};
  for (const auto* k : kinds) {
    std::string details;
    if constexpr (requires { k->parameters; }) details = k->parameters;
    kind.entries.push_back({std::string(k->name), std::string(k->summary), details});
  }
  return kind;
}

// With what each serves.
CatalogueKind algorithms() {
  CatalogueKind kind =
      code("algorithms", "collectives choose among them as NCCL does", collective_kinds());
  for (std::size_t i = 0; i < kind.entries.size(); ++i) {
    std::vector<std::string_view> names;
    for (std::size_t op = 0; op < kCollectiveNames.size(); ++op) {
      if (collective_kinds()[i]->serves(static_cast<Collective>(op))) {
        names.push_back(kCollectiveNames[op]);
      }
    }
    kind.entries[i].details = fmt::format("operations: {}\n", fmt::join(names, ", "));
  }
  return kind;
}

}  // namespace

std::vector<CatalogueKind> catalogue() {
  return {
      presets("accelerators", "cards with their rates; `accelerator` in the preset of a node"),
      presets("nodes", "cluster.node of a scenario"),
      presets("collectives", "tunings; `collectives` in the preset of a node"),
      presets("nics", "families of NICs; `nic` in the preset of a node"),
      presets("models", "job.model.preset of a scenario"),
      presets("prices", "cost.preset of a scenario"),
      code("fabrics", "cluster.fabric.kind of a scenario", network_kinds()),
      code("node-kinds", "`kind` in the preset of a node", node_kinds()),
      algorithms(),
      code("schedules", "job.parallel.schedule of a scenario", schedules()),
      code("engines", "engine.name of a scenario", engine_kinds()),
      code("congestion", "engine.congestion of a scenario, for `tenk flows`", congestion_kinds()),
      code("importers", "`tenk import NAME FILE`", import_kinds()),
      code("validations", "`tenk validate NAME FILE`", validation_kinds())};
}

}  // namespace tenk
