#include "analysis/scenario.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <utility>

#include <fmt/format.h>

#include "analysis/congestion/congestion.h"
#include "sim/base/kinds.h"
#include "sim/base/presets.h"
#include "sim/base/text.h"
#include "sim/engine/engine.h"
#include "workloads/benchmark.h"
#include "workloads/collectives/collective.h"

namespace tenk {
namespace {

EngineSpec read_engine(Section section, ScenarioUse use) {
  EngineSpec spec;
  spec.name = section.word("name", names_of(engine_kinds()), "fluid");
  spec.detail = section.word("detail", {"coflow", "steps"}, "coflow");
  spec.fold = section.word("fold", {"auto", "off"}, "auto") == "auto" && !spec.steps();
  const EngineKind* kind = find_kind(engine_kinds(), spec.name);
  if (kind != nullptr && kind->messages_only && !spec.steps()) {
    section.fail("name",
                 "engine " + spec.name +
                     " runs single messages, not coflows; expected detail: steps beside it");
  }
  spec.congestion = section.word("congestion", names_of(congestion_kinds()), "ideal");
  if (use != ScenarioUse::kClusterOnly && spec.congestion != "ideal") {
    section.fail("congestion", "engine.congestion " + spec.congestion +
                                   " corrects raw flows (tenk flows); a job runs with ideal");
  }
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

void fail_no_profile(std::string_view key, Section& root, const Scenario& s) {
  root.fail(key, "node \"" + s.cluster.node.name +
                     "\" has no accelerator whose profile is known; use another server preset");
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
  if (sized && !s.device.has_value()) fail_no_profile("job", root, s);
  s.job = read_training(root.section("job"), root.section("placement", false), faults);
  s.warnings = s.job->warnings;
  if (sized) use_host_link(*s.job, host_link_of(s.cluster.node), faults);
  if (sized) check_against(*s.job, s.cluster.accelerators(), faults);
  if (s.device.has_value()) check_precision(*s.job, *s.device, faults);
}

// `job` as read_training knows it, or `collective` in its place.
JobSpec read_one_of_jobs(Section section, Scenario& s, Faults& faults) {
  JobSpec job;
  job.name = section.text("name");
  Section placement = section.section("placement", false);
  if (!section.has("collective")) {
    job.training = read_training(section, placement, faults);
    job.allocation = job.training->allocation;
    s.warnings.insert(s.warnings.end(), job.training->warnings.begin(),
                      job.training->warnings.end());
    if (s.device.has_value()) check_precision(*job.training, *s.device, faults);
    return job;
  }
  Section collective = section.section("collective");
  std::vector<std::string> words;
  for (const Collective op : kBenchmarkOps) words.emplace_back(name_of(op));
  const std::string word = collective.word("op", words, "all_reduce");
  for (const Collective op : kBenchmarkOps) {
    if (word == name_of(op)) job.op = op;
  }
  job.bytes = collective.bytes("bytes");
  if (job.bytes.count() < 1) collective.fail("bytes", "a collective moves at least 1 B");
  job.accelerators = static_cast<std::uint32_t>(
      collective.integer("accelerators", {2, std::max<std::int64_t>(2, s.cluster.accelerators())}));
  collective.finish();
  job.allocation = read_allocation(placement);
  placement.finish();
  section.finish();
  return job;
}

void read_jobs(Section& root, bool sized, Scenario& s, Faults& faults) {
  if (root.has("job")) root.fail("job", "give either job or jobs, not both");
  root.raw("job");
  if (root.has("placement")) {
    root.fail("placement", "with jobs, each job has a placement of its own");
  }
  root.raw("placement");
  std::size_t ranks = 0;
  bool trains = false;
  for (Section& section : root.sections("jobs")) {
    s.jobs.push_back(read_one_of_jobs(section, s, faults));
    std::optional<TrainingSpec>& training = s.jobs.back().training;
    if (sized && training) use_host_link(*training, host_link_of(s.cluster.node), faults);
    ranks += s.jobs.back().ranks();
    trains = trains || training.has_value();
    for (std::size_t j = 0; j + 1 < s.jobs.size(); ++j) {
      if (s.jobs[j].name != s.jobs.back().name) continue;
      section.fail("name", "found a second job \"" + shown(s.jobs.back().name) +
                               "\", expected a name of its own for each");
    }
  }
  if (s.jobs.empty()) root.fail("jobs", "jobs needs at least one job");
  if (sized && trains && !s.device.has_value()) fail_no_profile("jobs", root, s);
  if (sized && faults.empty() && ranks > s.cluster.accelerators()) {
    root.fail("jobs", fmt::format("the jobs have {} ranks together, but the cluster has {} "
                                  "accelerators",
                                  ranks, s.cluster.accelerators()));
  }
}

void read_work(Section& root, ScenarioUse use, bool sized, Scenario& s, Faults& faults) {
  if (use == ScenarioUse::kClusterOnly) {
    for (const char* key : {"job", "jobs", "placement"}) root.raw(key);
  } else if (use == ScenarioUse::kWholeJob && root.has("jobs")) {
    read_jobs(root, sized, s, faults);
  } else {
    if (root.has("jobs")) root.fail("jobs", "expected one job; only tenk run takes several");
    root.raw("jobs");
    read_job(root, sized, s, faults);
  }
}

// Which algorithm carries out which operation, by name; one that cannot is a fault that says which
// can.
void read_collectives(Section section, CollectiveTuning& tuning) {
  for (std::size_t op = 0; op < kCollectiveNames.size(); ++op) {
    if (section.raw(kCollectiveNames[op]) == nullptr) continue;
    const auto asked = static_cast<Collective>(op);
    std::vector<std::string> able;
    for (const CollectiveKind* kind : collective_kinds()) {
      if (kind->serves(asked)) able.emplace_back(kind->name);
    }
    tuning.asked[asked] = section.word(kCollectiveNames[op], able);
  }
  section.finish();
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
  read_collectives(root.section("collectives", false), s.tuning);
  read_work(root, use, sized, s, faults);
  s.engine = read_engine(root.section("engine", false), use);
  if (!s.jobs.empty() && s.engine.steps()) {
    root.fail("engine", "several jobs run as coflows only; expected detail: coflow");
  }
  s.seed = static_cast<std::uint64_t>(root.integer("seed", {.min = 0}, 0));
  read_cost(root.section("cost", false), s);
  root.finish();
  faults.throw_if_any();
  return s;
}

}  // namespace tenk
