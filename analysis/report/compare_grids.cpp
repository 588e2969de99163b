#include "analysis/report/compare_grids.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "analysis/report/layout.h"
#include "sim/base/error.h"

namespace tenk {
namespace {

std::string feasible_text(const Prediction& p) {
  if (p.fits && p.buildable) return "yes";
  return p.fits ? "no: ports" : p.buildable ? "no: memory" : "no: both";
}

// "+7.3"; never "-0.0".
std::string signed_text(double value) {
  return fmt::format("{:+.1f}", std::abs(value) < 0.05 ? 0.0 : value);
}

constexpr double kTimes = 10;  // From here on per cent say less than a factor.

// "+7.3 +- 0.2 %"; nothing for the baseline itself.
std::string ratio_text(const Ratio& r, bool baseline) {
  if (baseline) return "baseline";
  if (finite(r.value) >= kTimes) return fmt::format("{:.3g} times", r.value);
  return fmt::format("{} +- {:.1f} %", signed_text(100 * (r.value - 1)),
                     50 * finite(r.high - r.low));
}

std::string change_text(double value, double base, bool baseline) {
  if (baseline) return "baseline";
  if (base <= 0) return "";
  const double ratio = finite(value / base);
  return ratio < kTimes ? signed_text(100 * (ratio - 1)) + " %"
                        : fmt::format("{:.3g} times", ratio);
}

std::string millions(double value) {
  const double m = finite(value) * 1e-6;
  return m < 10'000 ? fmt::format("{:.1f}", m) : grouped(m);
}

Grid speed_grid(const Comparison& c) {
  Grid grid{"Speed",
            {"cluster", "step", "90 % interval", "to baseline", "tokens/s", "MFU", "feasible"},
            {}};
  for (std::size_t i = 0; i < c.clusters.size(); ++i) {
    const ComparedCluster& cluster = c.clusters[i];
    const Prediction& p = cluster.prediction;
    grid.rows.push_back(
        {cluster.label, duration_text(seconds(p.step_time)),
         fmt::format("{} to {}", duration_text(p.interval_low_s), duration_text(p.interval_high_s)),
         ratio_text(cluster.step_ratio, i == c.baseline), grouped(p.tokens_per_s), percent(p.mfu),
         feasible_text(p)});
  }
  return grid;
}

Grid breakdown_grid(const Comparison& c) {
  Grid grid{"Where the time goes (mean over accelerators)", {"cluster"}, {}};
  for (const ComparedCluster& cluster : c.clusters) grid.rows.push_back({cluster.label});
  const double whole = seconds(c.clusters[c.baseline].prediction.step_time);
  for (const Category category : kBreakdownOrder) {
    const auto time_of = [&](const ComparedCluster& cluster) {
      return cluster.prediction.breakdown_s[static_cast<std::size_t>(category)];
    };
    if (std::all_of(c.clusters.begin(), c.clusters.end(),
                    [&](const ComparedCluster& cluster) { return time_of(cluster) == 0; })) {
      continue;
    }
    grid.heads.emplace_back(name_of(category));
    for (std::size_t i = 0; i < c.clusters.size(); ++i) {
      grid.rows[i].push_back(part_text(time_of(c.clusters[i]), whole));
    }
  }
  return grid;
}

Grid links_grid(const Comparison& c) {
  Grid grid{"The busiest links (of the step: mean over the class; longest time one is full)",
            {"cluster", "class", "links", "peak", "mean", "full for", "most traffic"},
            {}};
  for (const ComparedCluster& cluster : c.clusters) {
    std::string label = cluster.label;
    for (const HotLink& hot : cluster.hot_links) {
      grid.rows.push_back(
          {label, hot.use.kind, grouped(hot.use.count), percent(hot.use.peak_utilisation),
           percent(hot.use.mean_utilisation), hot.full_s > 0 ? duration_text(hot.full_s) : "never",
           fmt::format("{} {:.0f} %", name_of(hot.traffic), 100 * finite(hot.traffic_share))});
      label.clear();
    }
  }
  return grid;
}

Grid cost_grid(const Comparison& c) {
  Grid grid{"Cost",
            {"cluster", "switches", "cables", "capex MUSD", "90 % interval", "to base", "power",
             "USD/M tokens", "to baseline"},
            {}};
  const Cost& base = c.clusters[c.baseline].prediction.cost;
  for (std::size_t i = 0; i < c.clusters.size(); ++i) {
    const ComparedCluster& cluster = c.clusters[i];
    const Cost& cost = cluster.prediction.cost;
    const bool ranged = cost.capex_high_usd > 0;
    grid.rows.push_back(
        {cluster.label, grouped(cost.switches), grouped(cost.cables), millions(cost.capex_usd),
         ranged
             ? fmt::format("{} to {}", millions(cost.capex_low_usd), millions(cost.capex_high_usd))
             : "",
         change_text(cost.capex_usd, base.capex_usd, i == c.baseline), prefixed(cost.power_w, "W"),
         cost.usd_per_million_tokens > 0
             ? fmt::format("{:.4g}", finite(cost.usd_per_million_tokens))
             : "",
         ratio_text(cluster.token_cost_ratio, i == c.baseline)});
  }
  return grid;
}

std::string title_of(std::string_view question) {
  if (question == "fastest") return "Fastest of all";
  if (question == "fastest_buildable") return "Fastest buildable";
  if (question == "cheapest_tokens") return "Cheapest tokens";
  if (question == "cheapest_tokens_buildable") return "Cheapest buildable";
  throw BugError("a verdict without a title");
}

}  // namespace

std::vector<Grid> grids_of(const Comparison& c) {
  return {speed_grid(c), breakdown_grid(c), links_grid(c), cost_grid(c)};
}

std::vector<Line> verdict_lines(const Comparison& c) {
  std::vector<Line> lines;
  for (const Verdict& v : c.verdicts) lines.push_back({title_of(v.question), v.text});
  return lines;
}

std::vector<Line> reason_lines(const Comparison& c) {
  std::vector<Line> lines;
  for (const ComparedCluster& cluster : c.clusters) {
    const Prediction& p = cluster.prediction;
    if (!p.fits || !p.buildable) lines.push_back({cluster.label, p.reason});
  }
  return lines;
}

}  // namespace tenk
