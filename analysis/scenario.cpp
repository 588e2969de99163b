#include "analysis/scenario.h"

#include "sim/base/presets.h"
#include "sim/engine/engine.h"

namespace tenk {
namespace {

EngineSpec read_engine(Section section) {
  std::vector<std::string> names;
  for (const EngineKind* k : engine_kinds()) names.emplace_back(k->name);
  EngineSpec spec;
  spec.name = section.word("name", names, "fluid");
  spec.detail = section.word("detail", {"coflow"}, "coflow");
  spec.fold = section.word("fold", {"auto", "off"}, "auto") == "auto";
  section.finish();
  return spec;
}

std::string read_price_preset(Section section) {
  std::string preset = section.word("preset", preset_names("prices"), "2025-list");
  section.finish();
  return preset;
}

void read_job(Section& root, Scenario& s, Faults& faults) {
  if (s.device.has_value()) {
    s.job = read_training(root.section("job"), root.section("placement", false), faults);
    s.warnings = s.job->warnings;
  } else {
    root.fail("job", "node \"" + s.cluster.node.name +
                         "\" has no accelerator to run a job on; "
                         "use a server preset");
    root.raw("job");
    root.raw("placement");
  }
}

}  // namespace

Scenario read_scenario(const Config& file, ScenarioUse use) {
  Faults faults;
  Section root(file, "", faults);
  Scenario s;
  s.source = file;
  root.integer("version", {1, 1});
  s.name = root.text("name", "unnamed");
  s.cluster = read_cluster(root.section("cluster"));
  const bool sized = faults.empty();  // Else its size is a guess that nothing should be held to.
  if (!s.cluster.node.accelerator.empty()) {
    s.device = read_device_profile(load_preset("accelerators", s.cluster.node.accelerator));
  }
  s.tuning = read_collective_tuning(load_preset("collectives", s.cluster.node.collectives));
  if (use == ScenarioUse::kWholeJob) {
    read_job(root, s, faults);
    if (s.job && sized) check_against(*s.job, s.cluster.accelerators(), faults);
  } else {
    root.raw("job");
    root.raw("placement");
  }
  s.engine = read_engine(root.section("engine", false));
  s.seed = static_cast<std::uint64_t>(root.integer("seed", {.min = 0}, 0));
  s.price_preset = read_price_preset(root.section("cost", false));
  s.prices = read_prices(load_preset("prices", s.price_preset));
  root.finish();
  faults.throw_if_any();
  return s;
}

}  // namespace tenk
