#include "analysis/calibration_presets.h"

#include <fmt/format.h>

#include <algorithm>

#include "analysis/validate/collective_rows.h"
#include "analysis/validate/hardware.h"
#include "sim/base/embedded.h"
#include "sim/base/error.h"
#include "sim/base/presets.h"

namespace tenk {
namespace {

std::map<std::string, KnownPreset> presets_of(const std::string& folder) {
  std::map<std::string, KnownPreset> presets;
  const std::string path = "profiles/" + folder + "/";
  for (const EmbeddedFile& file : embedded_files()) {
    if (!file.path.starts_with(path)) continue;
    std::string name(file.path.substr(path.size()));
    name.resize(name.size() - std::string_view(".yaml").size());
    presets[name] = {name, std::string(file.text)};
  }
  return presets;
}

CollectiveMeasurement measurement_of(const CollectiveSample& row) {
  CollectiveMeasurement m;
  m.id = row.sweep_id;
  m.gpu = row.gpu;
  m.collective = row.collective;
  m.intra_link = row.intra_link;
  m.nic_fabric = row.nic_fabric;
  m.algo_proto = row.algo_proto;
  m.source = row.source;
  m.notes = row.notes;
  m.library = row.lib_version;
  m.nodes = row.nodes;
  m.gpus = row.gpus;
  m.bytes = row.bytes;
  m.time_us = row.time_us;
  m.algbw_gbps = row.algbw_GBps;
  m.busbw_gbps = row.busbw_GBps;
  return m;
}

// "ai-dynamo/aiconfigurator@095f58a51:a/path" without the path.
std::string short_source(const std::string& source) {
  constexpr std::size_t kMost = 48;
  return source.empty() ? "not named" : source.substr(0, std::min(kMost, source.find(':')));
}

// Why a row is of no use for a fit; empty if it is.
std::string unusable(const CollectiveSample& row, const CollectiveMeasurement& m) {
  if (row.how == "recalled") return "recalled, not measured";
  if (row.how == "trial") return "a trial run";
  return excluded_by_rule(m);
}

std::vector<TimedCollective> sweeps_of(std::span<const CollectiveSample> rows,
                                       std::vector<Refusal>& refused) {
  std::map<std::string, TimedCollective> sweeps;  // By cluster, operation and choice.
  std::map<std::pair<std::string, std::string>, std::size_t> unused;
  for (const CollectiveSample& row : rows) {
    const CollectiveMeasurement m = measurement_of(row);
    const std::string name = "profiles from collectives of " + (row.gpu.empty() ? "?" : row.gpu);
    const std::string rule = unusable(row, m);
    if (!rule.empty()) {
      ++unused[{name, rule}];
      continue;
    }
    const CollectiveCase c = case_of(m);
    const std::optional<double> measured =
        c.skipped.empty() ? measured_seconds(m, c.op) : std::nullopt;
    const double seconds = measured ? *measured - launch_seconds(c) : 0;
    if (seconds <= 0) {
      ++unused[{name, c.skipped.empty() ? "no time" : c.skipped}];
      continue;
    }
    const std::string key =
        fmt::format("{} {} {}", c.cluster, static_cast<int>(c.op), fmt::join(c.without, " "));
    const auto [at, fresh] = sweeps.try_emplace(key);
    TimedCollective& sweep = at->second;
    if (fresh) {
      Faults faults;
      sweep.cluster = read_cluster(Section(Config::parse(c.cluster, "row"), "cluster", faults));
      faults.throw_if_any();
      sweep.op = c.op;
      sweep.without = c.without;
      sweep.source = short_source(row.source);
    }
    const Bytes bytes(static_cast<std::int64_t>(c.bytes));
    sweep.sizes.push_back({bytes, seconds, held_out(c.op, *row.nodes, *row.gpus, bytes)});
  }
  for (const auto& [what, count] : unused) refused.push_back({what.first, what.second, count});
  std::vector<TimedCollective> list;
  for (auto& [key, sweep] : sweeps) list.push_back(std::move(sweep));
  return list;
}

}  // namespace

CalibrateOptions calibrate_options_for(const Measurements& own, const Measurements& published) {
  CalibrateOptions options;
  const std::map<std::string, KnownPreset> accelerators = presets_of("accelerators");
  for (const Measurements* rows : {&own, &published}) {
    for (const KernelSample& row : rows->kernels) {
      if (options.devices.contains(row.gpu)) continue;
      std::vector<std::string> ignored;
      const auto named = accelerator_named(row.gpu, ignored);
      const auto preset = accelerators.find(named.value_or(row.gpu));
      if (preset != accelerators.end()) options.devices.emplace(row.gpu, preset->second);
    }
  }
  options.tunings = presets_of("collectives");
  options.nics = presets_of("nics");
  options.sweeps_of = sweeps_of;
  return options;
}

}  // namespace tenk
