// A comparison for programs: JSON and CSV.
#include "analysis/report/document.h"
#include "analysis/report/layout.h"
#include "analysis/report/report.h"

namespace tenk {
namespace {

using Json = nlohmann::ordered_json;

Json ratio_of(const Ratio& r) {
  return {{"ratio", finite(r.value)}, {"interval", Json::array({finite(r.low), finite(r.high)})}};
}

Json hot_links_of(const ComparedCluster& cluster) {
  Json all = Json::array();
  for (const HotLink& hot : cluster.hot_links) {
    all.push_back({{"class", hot.use.kind},
                   {"count", hot.use.count},
                   {"network", hot.network},
                   {"peak_utilisation", finite(hot.use.peak_utilisation)},
                   {"mean_utilisation", finite(hot.use.mean_utilisation)},
                   {"full_s", finite(hot.full_s)},
                   {"traffic", name_of(hot.traffic)},
                   {"traffic_share", finite(hot.traffic_share)}});
  }
  return all;
}

double share(double value, double base) { return base > 0 ? finite(value / base) : 1; }

Json to_baseline(const ComparedCluster& cluster, const Prediction& base) {
  const Prediction& p = cluster.prediction;
  return {{"step_time", ratio_of(cluster.step_ratio)},
          {"token_cost", ratio_of(cluster.token_cost_ratio)},
          {"tokens_per_s", share(p.tokens_per_s, base.tokens_per_s)},
          {"capex_usd", share(p.cost.capex_usd, base.cost.capex_usd)},
          {"power_w", share(p.cost.power_w, base.cost.power_w)}};
}

Json verdict_of(const Verdict& v, const Comparison& c) {
  const auto label = [&](const std::optional<std::size_t>& i) {
    return i ? c.clusters[*i].label : std::string();
  };
  return {{"question", v.question},
          {"winner", v.survives ? label(v.leader) : ""},
          {"leader", label(v.leader)},
          {"rival", label(v.rival)},
          {"lead", ratio_of(v.lead)},
          {"survives", v.survives},
          {"text", v.text}};
}

}  // namespace

Json compare_document(const Comparison& c) {
  const ComparedCluster& base = c.clusters[c.baseline];
  Json j;
  j["baseline"] = base.label;
  j["clusters"] = Json::array();
  for (const ComparedCluster& cluster : c.clusters) {
    Json one;
    one["label"] = cluster.label;
    one["to_baseline"] = to_baseline(cluster, base.prediction);
    one["hot_links"] = hot_links_of(cluster);
    one["prediction"] = run_document(cluster.prediction);
    j["clusters"].push_back(std::move(one));
  }
  j["verdicts"] = Json::array();
  for (const Verdict& v : c.verdicts) j["verdicts"].push_back(verdict_of(v, c));
  j["why"] = c.why;
  j["assumptions"] = c.assumptions;
  j["warnings"] = c.warnings;
  return j;
}

std::string compare_json(const Comparison& comparison) {
  return compare_document(comparison).dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tenk
