#include "calibration/fit_collective.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "calibration/importers/nccl.h"
#include "calibration/importers/text_lines.h"

namespace tenk {
namespace {

constexpr double kUs = 1e-6;

SweepKey key_of(const CollectiveSample& row) {
  return {.gpu = row.gpu,
          .collective = row.collective,
          .nodes = row.nodes.value_or(0),
          .gpus = *row.gpus,
          .intra_link = row.intra_link,
          .nic_fabric = row.nic_fabric,
          .library = row.lib_version,
          .choice = row.algo_proto,
          .sweep = row.sweep_id};
}

// Seconds, from whichever column has it; out of place before in place.
Amount seconds_of(const CollectiveSample& row) {
  constexpr double kGiga = 1e9;
  if (row.time_us && *row.time_us > 0) return *row.time_us * kUs;
  if (row.inplace_time_us && *row.inplace_time_us > 0) return *row.inplace_time_us * kUs;
  if (row.algbw_GBps && *row.algbw_GBps > 0) return *row.bytes / (*row.algbw_GBps * kGiga);
  if (row.busbw_GBps && *row.busbw_GBps > 0 && row.gpus) {
    const auto factor = bus_factor(row.collective, static_cast<double>(*row.gpus));
    if (factor && *factor > 0) return *row.bytes / (*row.busbw_GBps / *factor * kGiga);
  }
  return std::nullopt;
}

// Why a row is no measurement to fit; empty: it is one.
std::string unfit(const CollectiveSample& row) {
  if (row.how == "recalled") return "recalled, not measured";
  if (row.how == "trial") return "a trial run";
  if (holds(row.notes, "SUSPECT")) return "marked SUSPECT";
  if (!row.bytes || !(*row.bytes > 0)) return "no size";
  if (!row.gpus || *row.gpus < 1) return "the number of cards is not given";
  if (!seconds_of(row)) return "no time and no bandwidth";
  return {};
}

bool names(const SweepKey& key, std::string_view algorithm) { return holds(key.choice, algorithm); }

// What sweeps over several numbers of cards must share: the card, the library, and either one node
// or the same number of cards in each.
struct StepKey {
  SweepKey key;
  std::int64_t per_node = 0;
  auto operator<=>(const StepKey&) const = default;
};
StepKey step_key(const SweepKey& sweep) {
  StepKey key{.key = sweep, .per_node = 0};
  key.key.sweep.clear();
  key.key.gpus = 0;
  key.key.nodes = std::min<std::int64_t>(sweep.nodes, 2);  // 1, or several.
  if (sweep.nodes > 1) key.per_node = sweep.gpus / sweep.nodes;
  return key;
}

StepFit fit_steps(const std::vector<const CollectiveFit*>& sweeps, const CurveOptions& options) {
  StepFit fit{.key = sweeps.front()->key, .algorithm = {}, .gpus = {}, .line = {}, .source = {}};
  fit.key.sweep.clear();
  const bool tree = names(fit.key, "tree");
  const bool alltoall = fit.key.collective == "alltoall";
  fit.algorithm = tree ? "tree" : alltoall ? "pairwise" : "ring";
  std::vector<double> x, y, spread;
  for (const CollectiveFit* sweep : sweeps) {
    const Estimate& latency = sweep->curve.pieces.front().latency;
    x.push_back(*steps_of(sweep->key));
    y.push_back(latency.value);
    spread.push_back((latency.high - latency.low) / 2);
    fit.gpus.push_back(sweep->key.gpus);
    if (sweep->key.gpus > fit.key.gpus) {
      fit.key.gpus = sweep->key.gpus;
      fit.key.nodes = sweep->key.nodes;
    }
    fit.source = sweep->source;
  }
  std::sort(fit.gpus.begin(), fit.gpus.end());
  fit.gpus.erase(std::unique(fit.gpus.begin(), fit.gpus.end()), fit.gpus.end());
  fit.line = fit_line(x, y, spread, options);
  if (fit.gpus.size() == 1) {
    fit.line.refused =
        fmt::format("one device count only ({}): a start and a latency a step cannot be told apart",
                    fit.gpus.front());
  }
  return fit;
}

void fit_all_steps(CollectiveFits& fits, const CurveOptions& options) {
  std::map<StepKey, std::vector<const CollectiveFit*>> groups;
  for (const CollectiveFit& sweep : fits.sweeps) {
    if (sweep.curve.pieces.front().latency.identified) {
      groups[step_key(sweep.key)].push_back(&sweep);
    }
  }
  for (const auto& [key, sweeps] : groups) {
    const std::string subject = "latency a step of " + sweeps.front()->key.text();
    const auto unknown = [](const CollectiveFit* sweep) { return !steps_of(sweep->key); };
    if (std::any_of(sweeps.begin(), sweeps.end(), unknown)) {
      fits.refused.push_back({subject,
                              "the algorithm is not named: ring and tree take different numbers of "
                              "steps",
                              0});
      continue;
    }
    StepFit fit = fit_steps(sweeps, options);
    if (fit.line.refused.empty()) {
      fits.steps.push_back(std::move(fit));
    } else {
      fits.refused.push_back({subject, fit.line.refused, 0});
    }
  }
}

}  // namespace

std::string SweepKey::text() const {
  std::string text = collective.empty() ? "?" : collective;
  text += nodes > 0 && gpus % nodes == 0 ? fmt::format(", {} x {}", nodes, gpus / nodes)
                                         : fmt::format(", {}", gpus);
  text += " " + (gpu.empty() ? std::string("cards") : gpu);
  for (const std::string* part : {&library, &choice}) {
    if (!part->empty()) text += ", " + *part;
  }
  return text;
}

std::optional<double> steps_of(const SweepKey& key) {
  const auto n = static_cast<double>(key.gpus);
  const bool reduces = key.collective == "allreduce";
  const bool shares = key.collective == "allgather" || key.collective == "reducescatter";
  const bool nvls = names(key, "nvls") || names(key, "sharp");
  if (nvls || n < 2) return std::nullopt;
  if (reduces && names(key, "tree")) {
    if (key.nodes < 1) return std::nullopt;
    const auto nodes = static_cast<double>(key.nodes);
    return 2 * (n / nodes - 1 + std::log2(nodes));
  }
  if (reduces && names(key, "ring")) return 2 * (n - 1);
  if ((shares && names(key, "ring")) || key.collective == "alltoall") return n - 1;
  return std::nullopt;
}

CollectiveFits fit_collectives(std::span<const CollectiveSample> rows,
                               const CurveOptions& options) {
  CollectiveFits fits;
  std::map<SweepKey, CollectiveFit> sweeps;
  std::map<std::string, std::size_t> unfit_rows;
  for (const CollectiveSample& row : rows) {
    if (const std::string why = unfit(row); !why.empty()) {
      ++unfit_rows[why];
      continue;
    }
    const SweepKey key = key_of(row);
    CollectiveFit& sweep = sweeps[key];
    sweep.key = key;
    sweep.points.push_back({*row.bytes, *seconds_of(row)});
    if (sweep.source.empty()) sweep.source = row.source;
  }
  for (const auto& [why, count] : unfit_rows) {
    fits.refused.push_back({"rows of collectives", why, count});
  }
  for (auto& [key, sweep] : sweeps) {
    sweep.curve = fit_latency_curve(sweep.points, options);
    if (sweep.curve.refused.empty()) {
      fits.sweeps.push_back(std::move(sweep));
    } else {
      fits.refused.push_back({key.text(), sweep.curve.refused, sweep.points.size()});
    }
  }
  fit_all_steps(fits, options);
  return fits;
}

}  // namespace tenk
