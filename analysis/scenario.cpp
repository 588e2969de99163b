#include "analysis/scenario.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <utility>

#include "sim/base/kinds.h"
#include "sim/base/presets.h"
#include "sim/base/text.h"
#include "sim/engine/engine.h"

namespace tenk {
namespace {

EngineSpec read_engine(Section section) {
  EngineSpec spec;
  spec.name = section.word("name", names_of(engine_kinds()), "fluid");
  spec.detail = section.word("detail", {"coflow"}, "coflow");
  spec.fold = section.word("fold", {"auto", "off"}, "auto") == "auto";
  section.finish();
  return spec;
}

// "15kW", "0.08 USD/kWh": a number, perhaps a space, and one of the units with its size.
std::optional<double> parse_amount(
    const std::string& text, std::initializer_list<std::pair<std::string_view, double>> units) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || !std::isfinite(number)) return std::nullopt;
  std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  for (const auto& [name, size] : units) {
    if (unit == name) return number * size;
  }
  return std::nullopt;
}

// What the scenario says about money, on top of its price preset.
void read_cost(Section section, Scenario& s) {
  s.price_preset = section.word("preset", preset_names("prices"), "2025-list");
  s.prices = read_prices(load_preset("prices", s.price_preset));
  const std::string power = section.text("rack-power", "");
  if (section.has("rack-power")) {
    const auto watts = parse_amount(power, {{"W", 1}, {"kW", 1e3}, {"MW", 1e6}});
    if (watts && *watts >= 1e3 && *watts <= 1e6) {
      s.prices.hall.rack_limit_w = *watts;
    } else {
      section.fail("rack-power", "found \"" + shown(power) +
                                     "\", expected the most power of a rack, such as 15kW (1 kW "
                                     "to 1 MW)");
    }
  }
  const std::string electricity = section.text("electricity", "");
  if (section.has("electricity")) {
    const auto price = parse_amount(electricity, {{"USD/kWh", 1}, {"USD/MWh", 1e-3}});
    if (price && *price >= 0 && *price <= 100) {
      s.prices.electricity_usd_per_kwh = *price;
    } else {
      section.fail("electricity",
                   "found \"" + shown(electricity) + "\", expected a price such as 0.08 USD/kWh");
    }
  }
  section.finish();
}

// What one accelerator can move to the memory of its CPU, each way, while all others do the same:
// no more than its own PCIe link and its share of those that the CPUs have. 0: none is known.
Bandwidth host_link_of(const NodeTemplate& node) {
  double own = 0, shared = 0;
  for (const NodeTemplate::LocalCable& cable : node.cables) {
    const double rate = cable.rate.value() * cable.lanes;
    if (cable.kind_ab == "gpu-pcie up") own = rate;
    if (cable.kind_ab == "cpu-pcie up") shared += rate;
  }
  if (node.accelerators.empty()) return Bandwidth();
  shared /= static_cast<double>(node.accelerators.size());
  return Bandwidth::per_second(std::min(own, shared));
}

// `sized`: the cluster was read without faults, so the job can be held to it.
void read_job(Section& root, bool sized, Scenario& s, Faults& faults) {
  if (sized && !s.device.has_value()) {
    root.fail("job", "node \"" + s.cluster.node.name +
                         "\" has no accelerator whose profile is known; use another server preset");
  }
  s.job = read_training(root.section("job"), root.section("placement", false), faults);
  s.warnings = s.job->warnings;
  if (sized) use_host_link(*s.job, host_link_of(s.cluster.node), faults);
  if (sized) check_against(*s.job, s.cluster.accelerators(), faults);
  if (s.device.has_value()) check_precision(*s.job, *s.device, faults);
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
  // A server may be known to collectives before its accelerator has a profile.
  const std::vector<std::string> profiles = preset_names("accelerators");
  if (std::find(profiles.begin(), profiles.end(), s.cluster.node.accelerator) != profiles.end()) {
    s.device = read_device_profile(load_preset("accelerators", s.cluster.node.accelerator));
  }
  s.tuning = load_collective_tuning(s.cluster.node.collectives, s.cluster.node.nic);
  if (use == ScenarioUse::kWholeJob) {
    read_job(root, sized, s, faults);
  } else {
    root.raw("job");
    root.raw("placement");
  }
  s.engine = read_engine(root.section("engine", false));
  s.seed = static_cast<std::uint64_t>(root.integer("seed", {.min = 0}, 0));
  read_cost(root.section("cost", false), s);
  root.finish();
  faults.throw_if_any();
  return s;
}

}  // namespace tenk
