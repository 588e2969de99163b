#include "calibration/calibrate_tunings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "calibration/fit_tuning.h"
#include "calibration/profile_text.h"
#include "sim/base/error.h"

namespace tenk {
namespace {

// What the numbers differ by between releases of a library and between servers: assumed.
constexpr double kLeastInterval = 0.05;
constexpr std::size_t kMostSources = 1;  // Named.
constexpr double kWorse = 1.02;          // Of the loss on held-out sizes.

using Sweeps = std::vector<TimedCollective>;

std::string source_text(const Sweeps& sweeps, std::size_t rows) {
  std::set<std::string> sources;
  for (const TimedCollective& sweep : sweeps) sources.insert(sweep.source);
  std::vector<std::string> named(sources.begin(), sources.end());
  const bool more = named.size() > kMostSources;
  if (more) named.resize(kMostSources);
  return fmt::format("{} sizes of {} sweeps: {}{}", rows, sweeps.size(), fmt::join(named, ", "),
                     more ? " and others" : "");
}

std::size_t fitted_rows(const Sweeps& sweeps) {
  std::size_t rows = 0;
  for (const TimedCollective& sweep : sweeps) {
    rows += std::count_if(sweep.sizes.begin(), sweep.sizes.end(),
                          [](const SweptSize& size) { return !size.held_out; });
  }
  return rows;
}

// The errors of the held-out sizes, by size.
std::vector<HeldOutPart> parts_of(const SweepFit& fit) {
  struct Part {
    const char* name;
    double from, to;
  };
  constexpr std::array kParts = {Part{"16 MiB and more", 1 << 24, 1e18},
                                 Part{"64 KiB to 16 MiB", 1 << 16, 1 << 24},
                                 Part{"below 64 KiB", 0, 1 << 16}};
  std::vector<HeldOutPart> parts;
  for (const Part& part : kParts) {
    std::vector<double> ratios;
    for (const SweepFit::Ratio& r : fit.residuals) {
      if (r.held_out && r.bytes >= part.from && r.bytes < part.to) ratios.push_back(r.ratio);
    }
    if (ratios.empty()) continue;
    parts.push_back({part.name, fit_errors(ratios, std::vector<double>(ratios.size(), 1))});
  }
  return parts;
}

// `fit` with its numbers widened; into the calibration and its profile.
void report(const KnownPreset& preset, const std::string& folder, const std::string& source,
            SweepFit& fit, Calibration& out) {
  FittedModel model{.family = folder == "nics" ? "NIC" : "collective tuning",
                    .subject = preset.name,
                    .picture = folder + " of " + preset.name,
                    .x = "bytes",
                    .errors = fit.errors,
                    .held_out = fit.held_out,
                    .source = source};
  for (FittedNumber& n : fit.numbers) {
    n.known.ci = std::max(n.known.ci, kLeastInterval);
    model.constants.push_back(shown_constant(n));
  }
  for (const SweepFit::Ratio& r : fit.residuals) model.residuals.push_back({r.bytes, r.ratio});
  model.parts = parts_of(fit);
  for (const Unidentified& u : fit.unidentified) {
    out.refused.push_back({fmt::format("{} of {}", u.path, preset.name),
                           "the rows do not identify it and it stays as it was: add " + u.needs,
                           fit.rows});
  }
  if (fit.loss > kWorse * fit.loss_before) {
    out.refused.push_back(
        {preset.name,
         fmt::format("the fit predicts held-out sizes worse than the known profile: by a factor "
                     "{:.3f} in the mean, {:.3f} before",
                     std::exp(fit.loss), std::exp(fit.loss_before)),
         fit.rows});
  } else if (!fit.numbers.empty()) {
    out.profiles.push_back({folder + "/" + preset.name,
                            with_numbers(preset.text, preset.name + ".yaml", fit.numbers)});
  }
  out.models.push_back(std::move(model));
}

FitOptions options_for(const CalibrateOptions& options, const std::string& source) {
  FitOptions fit = options.fit;
  fit.steps = std::min(fit.steps, 400);  // A step lays every sweep anew.
  fit.source = source;
  fit.keep_unidentified = true;
  return fit;
}

void refuse(const std::string& name, const Error& error, std::size_t rows, Calibration& out) {
  for (const Fault& fault : error.faults()) out.refused.push_back({name, fault.message, rows});
}

}  // namespace

void calibrate_tunings(std::span<const CollectiveSample> rows, const CalibrateOptions& options,
                       Calibration& out) {
  if (!options.sweeps_of) return;
  std::map<std::string, Sweeps> inside, between;  // By tuning, by NIC.
  for (TimedCollective& sweep : options.sweeps_of(rows, out.refused)) {
    const NodeTemplate& node = sweep.cluster.node;
    (sweep.nodes() == 1 ? inside[node.collectives] : between[node.nic]).push_back(std::move(sweep));
  }
  std::map<std::string, CollectiveTuning> tunings;
  for (const auto& [name, preset] : options.tunings) {
    tunings[name] = read_collective_tuning(Config::parse(preset.text, name + ".yaml"));
  }
  for (const auto& [name, sweeps] : inside) {
    const std::string source = source_text(sweeps, fitted_rows(sweeps));
    try {
      TuningFit fit = fit_tuning(tunings.at(name), sweeps, options_for(options, source));
      tunings.at(name) = fit.tuning;
      report(options.tunings.at(name), "collectives", source, fit, out);
    } catch (const Error& error) {
      refuse(name, error, fitted_rows(sweeps), out);
    }
  }
  for (const auto& [name, sweeps] : between) {
    const KnownPreset& preset = options.nics.at(name);
    const std::string source = source_text(sweeps, fitted_rows(sweeps));
    try {
      const NicTuning known = read_nic_tuning(Config::parse(preset.text, name + ".yaml"));
      NicFit fit = fit_nic(known, tunings, sweeps, options_for(options, source));
      report(preset, "nics", source, fit, out);
    } catch (const Error& error) {
      refuse(name, error, fitted_rows(sweeps), out);
    }
  }
}

}  // namespace tenk
