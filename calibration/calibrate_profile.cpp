#include "calibration/calibrate_profile.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace tenk {
namespace {

using Entries = std::vector<Config::Entry>;

constexpr double kMicro = 1e-6, kGiga = 1e9;

void add(Entries& entries, const std::string& key, Config value) {
  entries.push_back({key, {}, std::move(value)});
}
void add_text(Entries& entries, const std::string& key, const std::string& text) {
  if (!text.empty()) add(entries, key, Config::scalar(text, {}, true));
}
void add_count(Entries& entries, const std::string& key, std::int64_t count) {
  if (count > 0) add(entries, key, Config::scalar(fmt::format("{}", count)));
}

std::string size_text(double bytes) { return fmt::format("{:.0f}B", bytes); }

Known known_of(const Estimate& estimate, const std::string& source) {
  return {.value = estimate.value,
          .how = How::kFitted,
          .ci = estimate.relative(),
          .source = source.empty() ? "not named" : source};
}

Config piece_tree(const CurvePiece& piece, const std::string& source) {
  Entries entries;
  add(entries, "from", Config::scalar(size_text(piece.from)));
  add(entries, "to", Config::scalar(size_text(piece.to)));
  if (piece.latency.identified) {
    add(entries, "latency", known_tree(known_of(piece.latency, source), "us", kMicro));
  }
  if (piece.seconds_per_byte.identified) {
    Known bandwidth = known_of(piece.seconds_per_byte, source);
    bandwidth.value = 1 / bandwidth.value;
    add(entries, "bandwidth", known_tree(bandwidth, "GB/s", kGiga));
  }
  return Config::map(std::move(entries));
}

Config pieces_tree(const LatencyCurve& curve, const std::string& source) {
  std::vector<Config> pieces;
  for (const CurvePiece& piece : curve.pieces) pieces.push_back(piece_tree(piece, source));
  return Config::list(std::move(pieces));
}

void add_sweep(Entries& entries, const SweepKey& key) {
  add_text(entries, "collective", key.collective);
  add_text(entries, "gpu", key.gpu);
  add_count(entries, "nodes", key.nodes);
  add_count(entries, "gpus", key.gpus);
  add_text(entries, "intra-link", key.intra_link);
  add_text(entries, "nic-fabric", key.nic_fabric);
  add_text(entries, "library", key.library);
  add_text(entries, "choice", key.choice);
  add_text(entries, "sweep", key.sweep);
}

std::vector<ProfilePiece> read_pieces(Section& entry) {
  std::vector<ProfilePiece> pieces;
  for (Section& section : entry.sections("pieces")) {
    ProfilePiece piece;
    piece.from = section.bytes("from").value();
    piece.to = section.bytes("to").value();
    if (section.has("latency")) piece.latency = read_known(section, "latency", "s");
    if (section.has("bandwidth")) {
      piece.bandwidth = read_known(section, "bandwidth", "B/s", {.min = 1, .max = 1e18});
    }
    if (piece.from > piece.to) section.fail("from", "expected a size up to `to`");
    section.finish();
    pieces.push_back(std::move(piece));
  }
  if (pieces.empty()) entry.fail("expected at least one piece in \"pieces\"");
  return pieces;
}

ProfileCurve read_sweep(Section entry) {
  SweepKey key;
  key.collective = entry.text("collective");
  key.gpu = entry.text("gpu", "");
  key.nodes = entry.integer("nodes", {1, 10'000'000}, 0);
  key.gpus = entry.integer("gpus", {1, 10'000'000});
  key.library = entry.text("library", "");
  key.choice = entry.text("choice", "");
  for (const char* other : {"intra-link", "nic-fabric", "sweep"}) entry.text(other, "");
  ProfileCurve curve{.name = key.text(), .pieces = read_pieces(entry)};
  entry.finish();
  return curve;
}

ProfileCurve read_link(Section entry) {
  LinkKey key;
  key.device = entry.text("device", "");
  key.kind = entry.text("kind", "");
  key.endpoints = entry.text("endpoints", "");
  key.metric = entry.text("metric", "");
  key.conditions = entry.text("conditions", "");
  ProfileCurve curve{.name = key.text(), .pieces = read_pieces(entry)};
  entry.finish();
  return curve;
}

}  // namespace

Config known_tree(const Known& known, const std::string& unit, double scale) {
  constexpr std::array<const char*, 4> kHow = {"measured", "fitted", "datasheet", "assumed"};
  Entries entries;
  add(entries, "value", Config::scalar(fmt::format("{:.5g}", known.value / scale)));
  add(entries, "unit", Config::scalar(unit, {}, unit == "1"));
  add(entries, "how", Config::scalar(kHow[static_cast<std::size_t>(known.how)]));
  add(entries, "source", Config::scalar(known.source, {}, true));
  add(entries, "ci", Config::scalar(fmt::format("{:.3g}", known.ci)));
  return Config::map(std::move(entries));
}

Config collectives_profile(const CollectiveFits& fits) {
  std::vector<Config> sweeps, steps;
  for (const CollectiveFit& fit : fits.sweeps) {
    Entries entries;
    add_sweep(entries, fit.key);
    add(entries, "pieces", pieces_tree(fit.curve, fit.source));
    sweeps.push_back(Config::map(std::move(entries)));
  }
  for (const StepFit& fit : fits.steps) {
    Entries entries;
    add_sweep(entries, fit.key);
    add_text(entries, "algorithm", fit.algorithm);
    for (const auto& [name, estimate] :
         {std::pair{"base", fit.line.base}, {"step", fit.line.slope}}) {
      if (estimate.identified) {
        add(entries, name, known_tree(known_of(estimate, fit.source), "us", kMicro));
      }
    }
    steps.push_back(Config::map(std::move(entries)));
  }
  Entries root;
  add(root, "fitted-collectives", Config::list(std::move(sweeps)));
  if (!steps.empty()) add(root, "fitted-steps", Config::list(std::move(steps)));
  return Config::map(std::move(root));
}

Config links_profile(const LinkFits& fits) {
  std::vector<Config> series;
  for (const LinkFit& fit : fits.series) {
    Entries entries;
    add_text(entries, "device", fit.key.device);
    add_text(entries, "kind", fit.key.kind);
    add_text(entries, "endpoints", fit.key.endpoints);
    add_text(entries, "metric", fit.key.metric);
    add_text(entries, "conditions", fit.key.conditions);
    add(entries, "pieces", pieces_tree(fit.curve, fit.source));
    series.push_back(Config::map(std::move(entries)));
  }
  Entries root;
  add(root, "fitted-links", Config::list(std::move(series)));
  return Config::map(std::move(root));
}

bool is_fitted_profile(const Config& file) {
  return file.find("fitted-collectives") != nullptr || file.find("fitted-links") != nullptr;
}

std::vector<ProfileCurve> read_fitted_curves(const Config& file) {
  Faults faults;
  Section root(file, "", faults);
  std::vector<ProfileCurve> curves;
  for (const Section& entry : root.sections("fitted-collectives")) {
    curves.push_back(read_sweep(entry));
  }
  for (const Section& entry : root.sections("fitted-links")) curves.push_back(read_link(entry));
  for (Section& entry : root.sections("fitted-steps")) {
    for (const char* text : {"collective", "algorithm"}) entry.text(text);
    for (const char* text : {"gpu", "intra-link", "nic-fabric", "library", "choice"}) {
      entry.text(text, "");
    }
    entry.integer("nodes", {1, 10'000'000}, 0);
    entry.integer("gpus", {1, 10'000'000});
    for (const char* name : {"base", "step"}) {
      if (entry.has(name)) read_known(entry, name, "s");
    }
    entry.finish();
  }
  root.finish();
  faults.throw_if_any();
  return curves;
}

}  // namespace tenk
