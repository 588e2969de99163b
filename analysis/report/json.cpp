#include "analysis/report/document.h"
#include "analysis/report/layout.h"
#include "analysis/report/report.h"

namespace tenk {
namespace {

using Json = nlohmann::ordered_json;

Json breakdown_of(const Prediction& p) {
  using enum Category;
  Json all = Json::object();
  for (const Category c : {kCompute, kTp, kCp, kPp, kDp, kEp, kBubble, kOther}) {
    all[std::string(name_of(c))] = finite(p.breakdown_s[static_cast<std::size_t>(c)]);
  }
  return all;
}

Json links_of(const Prediction& p) {
  Json all = Json::array();
  for (const LinkUse& use : p.links) {
    all.push_back({{"class", use.kind},
                   {"count", use.count},
                   {"peak_utilisation", finite(use.peak_utilisation)},
                   {"mean_utilisation", finite(use.mean_utilisation)}});
  }
  return all;
}

Json cost_of(const Cost& cost) {
  return {{"capex_usd", finite(cost.capex_usd)},
          {"power_w", finite(cost.power_w)},
          {"switches", cost.switches},
          {"cables", cost.cables},
          {"optics", cost.optics}};
}

Json engine_of(const EngineReport& e) {
  return {{"name", e.name},
          {"detail", e.detail},
          {"fold", e.fold},
          {"rank_classes", e.rank_classes},
          {"coflow_classes", e.coflow_classes},
          {"link_classes", e.link_classes},
          {"activities", e.activities},
          {"events", e.events},
          {"wall_s", finite(e.wall_s)}};
}

// Names come from files; text that is no UTF-8 must not stop a report.
std::string text_of(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

Json run_document(const Prediction& p) {
  Json j;
  j["scenario"] = p.scenario;
  j["accelerators"] = p.accelerators;
  j["step_time_s"] = seconds(p.step_time);
  j["tokens_per_s"] = finite(p.tokens_per_s);
  j["tflops_per_gpu"] = finite(p.tflops_per_gpu);
  j["mfu"] = finite(p.mfu);
  j["model_flops"] = finite(p.model_flops);
  j["model_flops_causal"] = finite(p.model_flops_causal);
  j["interval_s"] = Json::array({finite(p.interval_low_s), finite(p.interval_high_s)});
  j["breakdown_s"] = breakdown_of(p);
  j["parameters"] = p.parameters;
  j["memory_per_gpu_bytes"] = p.memory_per_gpu.count();
  j["fits"] = p.fits;
  j["buildable"] = p.buildable;
  j["reason"] = p.reason;
  j["links"] = links_of(p);
  j["cost"] = cost_of(p.cost);
  j["engine"] = engine_of(p.engine);
  j["assumptions"] = p.assumptions;
  j["warnings"] = p.warnings;
  j["fingerprint"] = p.fingerprint;
  j["provenance"] = p.provenance;
  return j;
}

Json collective_document(const CollectiveTable& table) {
  Json rows = Json::array();
  for (const CollectiveRow& row : table.rows) {
    rows.push_back({{"op", row.op},
                    {"bytes", row.bytes.count()},
                    {"time_us", finite(row.time_us)},
                    {"algbw_GBps", finite(row.algbw_GBps)},
                    {"busbw_GBps", finite(row.busbw_GBps)},
                    {"algorithm", row.algorithm},
                    {"protocol", row.protocol},
                    {"channels", row.channels},
                    {"bound_us", finite(row.bound_us)}});
  }
  Json j;
  j["scenario"] = table.scenario;
  j["accelerators"] = table.accelerators;
  j["rows"] = std::move(rows);
  j["engine"] = engine_of(table.engine);
  j["assumptions"] = table.assumptions;
  return j;
}

std::string run_json(const Prediction& prediction) { return text_of(run_document(prediction)); }
std::string collective_json(const CollectiveTable& table) {
  return text_of(collective_document(table));
}

}  // namespace tenk
