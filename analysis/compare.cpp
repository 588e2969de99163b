#include "analysis/compare.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>

#include <fmt/format.h>

#include "analysis/lead.h"
#include "analysis/predict.h"
#include "sim/base/error.h"
#include "sim/base/parallel.h"

namespace tenk {
namespace {

constexpr std::size_t kHotLinks = 3;
constexpr double kHot = 0.5;  // Peak utilisation from which a network link is worth naming.

std::vector<std::string> labels_of(std::span<const Scenario> scenarios,
                                   const CompareOptions& options) {
  std::vector<std::string> labels = options.labels;
  if (labels.empty()) {
    for (const Scenario& s : scenarios) labels.push_back(s.name);
  }
  TENK_CHECK(labels.size() == scenarios.size(), "a label for each scenario");
  return labels;
}

std::size_t find_baseline(const std::string& wanted, std::span<const Scenario> scenarios,
                          const std::vector<std::string>& labels) {
  if (wanted.empty()) return 0;
  std::vector<std::string> known = labels;
  for (const Scenario& s : scenarios) known.push_back(s.name);
  const auto found = std::find(known.begin(), known.end(), wanted);
  if (found != known.end()) {
    return static_cast<std::size_t>(found - known.begin()) % labels.size();
  }
  const std::string nearest = nearest_name(wanted, known);
  throw Error(ErrorKind::kUsage,
              fmt::format("--baseline: none of the scenarios is \"{}\"{}", wanted,
                          nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest)));
}

struct Outcome {
  Prediction prediction;
  std::unique_ptr<Error> error;
};

Outcome predict_one(const Scenario& scenario) {
  Outcome outcome;
  try {
    outcome.prediction = predict(scenario);
  } catch (const Error& error) {
    outcome.error = std::make_unique<Error>(error);
  }
  return outcome;
}

std::vector<Outcome> predict_all(std::span<const Scenario> scenarios) {
  std::vector<Outcome> outcomes(scenarios.size());
  in_parallel(scenarios.size(), [&](std::size_t i) { outcomes[i] = predict_one(scenarios[i]); });
  return outcomes;
}

void throw_if_failed(const std::vector<Outcome>& outcomes, const std::vector<std::string>& labels) {
  std::vector<Fault> faults;
  ErrorKind worst = ErrorKind::kInvalid;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (!outcomes[i].error) continue;
    worst = std::max(worst, outcomes[i].error->kind());
    for (Fault fault : outcomes[i].error->faults()) {
      fault.message = labels[i] + ": " + fault.message;
      faults.push_back(std::move(fault));
    }
  }
  if (!faults.empty()) throw Error(worst, std::move(faults));
}

// "leaf-spine up" and "leaf-spine down" are the two ways of one cable.
std::string_view cable_of(std::string_view kind) { return kind.substr(0, kind.rfind(' ')); }

HotLink hot_link(const LinkUse& use, const Prediction& p) {
  HotLink hot;
  hot.use = use;
  double bytes = 0, most = 0;
  for (const LinkTraffic& t : p.traffic) {
    if (t.kind != use.kind) continue;
    hot.network = t.network;
    bytes += t.bytes;
    hot.full_s = std::max(hot.full_s, t.full_s);
    if (t.bytes <= most) continue;
    most = t.bytes;
    hot.traffic = t.category;
  }
  hot.traffic_share = bytes > 0 ? most / bytes : 0;
  return hot;
}

// The busiest by mean, then by peak; of the two ways of a cable only the busier. Links inside the
// nodes only where no network link is hot.
std::vector<HotLink> hot_links_of(const Prediction& p) {
  std::vector<HotLink> all;
  for (const LinkUse& use : p.links) {
    if (use.mean_utilisation > 0) all.push_back(hot_link(use, p));
  }
  std::stable_sort(all.begin(), all.end(), [](const HotLink& a, const HotLink& b) {
    return std::pair(a.use.mean_utilisation, a.use.peak_utilisation) >
           std::pair(b.use.mean_utilisation, b.use.peak_utilisation);
  });
  const bool network_hot = std::any_of(all.begin(), all.end(), [](const HotLink& h) {
    return h.network && h.use.peak_utilisation >= kHot;
  });
  std::vector<HotLink> hot;
  for (const HotLink& h : all) {
    const bool other_way = std::any_of(hot.begin(), hot.end(), [&](const HotLink& o) {
      return cable_of(o.use.kind) == cable_of(h.use.kind);
    });
    if (!other_way && (h.network || !network_hot) && hot.size() < kHotLinks) hot.push_back(h);
  }
  return hot;
}

using RatioOf = Ratio (*)(const Prediction&, const Prediction&);

// "a, b and c".
std::string list_of(const std::vector<std::string>& names) {
  const std::vector<std::string> most(names.begin(), names.end() - 1);
  return names.size() == 1 ? names[0]
                           : fmt::format("{} and {}", fmt::join(most, ", "), names.back());
}

// The leader and all that it leads by less than counts.
std::string level_with(const Verdict& v, const Comparison& c, const std::vector<std::size_t>& asked,
                       RatioOf ratio_of) {
  std::vector<std::string> level = {c.clusters[*v.leader].label};
  for (const std::size_t i : asked) {
    const Prediction& other = c.clusters[i].prediction;
    if (i == *v.leader) continue;
    if (ratio_of(c.clusters[*v.leader].prediction, other).value > 1 - kSmallestLead) {
      level.push_back(c.clusters[i].label);
    }
  }
  return list_of(level);
}

std::string sentence_of(const Verdict& v, const Comparison& c,
                        const std::vector<std::size_t>& asked, RatioOf ratio_of,
                        std::string_view better) {
  if (!v.leader) return "nobody: no cluster can be built and holds the job in memory";
  const std::string& leader = c.clusters[*v.leader].label;
  if (!v.rival) return fmt::format("{}, which is the only one", leader);
  const std::string& rival = c.clusters[*v.rival].label;
  const std::string by = fmt::format("{:.1f} % +- {:.1f} %", 100 * (1 - v.lead.value),
                                     50 * (v.lead.high - v.lead.low));
  if (v.survives) return fmt::format("{}: {} {} than {}", leader, by, better, rival);
  if (v.lead.value > 1 - kSmallestLead) {
    return fmt::format("no winner: {} are level (less than {:.1f} % apart)",
                       level_with(v, c, asked, ratio_of), 100 * kSmallestLead);
  }
  return fmt::format("no winner: {} leads {} by {}", leader, rival, by);
}

// The lowest value; the baseline, or whoever comes first, where values are equal.
std::optional<std::size_t> leader_of(const Comparison& c, const std::vector<std::size_t>& asked,
                                     RatioOf ratio_of) {
  constexpr double kEqual = 1e-6;
  std::optional<std::size_t> leader;
  if (std::find(asked.begin(), asked.end(), c.baseline) != asked.end()) leader = c.baseline;
  for (const std::size_t i : asked) {
    const Prediction& p = c.clusters[i].prediction;
    if (!leader || ratio_of(p, c.clusters[*leader].prediction).value < 1 - kEqual) leader = i;
  }
  return leader;
}

// The lead must survive against every other; the rival is the one against which it survives least.
Verdict judge(std::string question, const Comparison& c, bool feasible_only, RatioOf ratio_of,
              std::string_view better) {
  std::vector<std::size_t> asked;
  for (std::size_t i = 0; i < c.clusters.size(); ++i) {
    const Prediction& p = c.clusters[i].prediction;
    if (!feasible_only || (p.fits && p.buildable)) asked.push_back(i);
  }
  Verdict v;
  v.question = std::move(question);
  v.leader = leader_of(c, asked, ratio_of);
  for (const std::size_t i : asked) {
    if (i == *v.leader) continue;
    const Ratio r = ratio_of(c.clusters[*v.leader].prediction, c.clusters[i].prediction);
    const auto spoils = [](const Ratio& x) { return std::tuple(!leads(x), x.value); };
    if (v.rival && spoils(r) <= spoils(v.lead)) continue;
    v.rival = i;
    v.lead = r;
  }
  v.survives = v.leader && (!v.rival || leads(v.lead));
  v.text = sentence_of(v, c, asked, ratio_of, better);
  return v;
}

// What of the scenarios should be equal for the comparison to be of clusters alone.
std::vector<std::string> unfairness(std::span<const Scenario> scenarios,
                                    const std::vector<std::string>& labels) {
  std::vector<std::string> warnings;
  const auto text_of = [](const Scenario& s, const char* key) {
    const Config* section = s.source.find(key);
    return section == nullptr ? std::string() : section->to_yaml();
  };
  for (std::size_t i = 1; i < scenarios.size(); ++i) {
    const Scenario &first = scenarios[0], &other = scenarios[i];
    const auto differ = [&](bool differs, const char* what) {
      if (!differs) return;
      warnings.push_back(fmt::format("{} and {} differ in their {}", labels[0], labels[i], what));
    };
    differ(text_of(first, "job") != text_of(other, "job"), "jobs");
    differ(text_of(first, "placement") != text_of(other, "placement"), "placement");
    differ(first.cluster.accelerators() != other.cluster.accelerators(), "number of accelerators");
    differ(first.cluster.node.name != other.cluster.node.name, "nodes");
    differ(first.price_preset != other.price_preset, "prices");
  }
  return warnings;
}

}  // namespace

Comparison compare_predictions(std::vector<ComparedCluster> clusters, std::size_t baseline) {
  TENK_CHECK(baseline < clusters.size(), "the baseline is one of the clusters");
  Comparison c;
  c.baseline = baseline;
  c.clusters = std::move(clusters);
  const Prediction& base = c.clusters[baseline].prediction;
  for (ComparedCluster& cluster : c.clusters) {
    cluster.hot_links = hot_links_of(cluster.prediction);
    cluster.step_ratio = step_ratio(cluster.prediction, base);
    cluster.token_cost_ratio = token_cost_ratio(cluster.prediction, base);
  }
  c.verdicts = {judge("fastest", c, false, &step_ratio, "less time a step"),
                judge("fastest_buildable", c, true, &step_ratio, "less time a step"),
                judge("cheapest_tokens", c, false, &token_cost_ratio, "cheaper a token"),
                judge("cheapest_tokens_buildable", c, true, &token_cost_ratio, "cheaper a token")};
  const std::size_t of = c.verdicts[1].leader ? 1 : 0;
  c.why = explain_lead(c, *c.verdicts[of].leader);
  c.assumptions = {
      "a lead survives if the 90 % interval of the ratio excludes 1; numbers of the same profile "
      "and "
      "prices of the same name move together in all clusters",
      fmt::format(
          "a lead below {:.1f} % is none: nobody plans by it, nor does the model resolve it",
          100 * kSmallestLead),
      "the intervals carry what the profiles and prices say of themselves, not what the model "
      "leaves out"};
  return c;
}

Comparison compare(std::span<const Scenario> scenarios, const CompareOptions& options) {
  TENK_CHECK(!scenarios.empty(), "something to compare");
  const std::vector<std::string> labels = labels_of(scenarios, options);
  const std::size_t baseline = find_baseline(options.baseline, scenarios, labels);
  std::vector<Outcome> outcomes = predict_all(scenarios);
  throw_if_failed(outcomes, labels);
  std::vector<ComparedCluster> clusters;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    clusters.emplace_back();
    clusters.back().label = labels[i];
    clusters.back().prediction = std::move(outcomes[i].prediction);
  }
  Comparison c = compare_predictions(std::move(clusters), baseline);
  c.warnings = unfairness(scenarios, labels);
  return c;
}

}  // namespace tenk
