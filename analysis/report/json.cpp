#include "analysis/report/document.h"
#include "analysis/report/layout.h"
#include "analysis/report/report.h"

namespace tenk {
namespace {

using Json = nlohmann::ordered_json;

Json breakdown_of(const Breakdown& breakdown) {
  Json all = Json::object();
  for (const Category c : kBreakdownOrder) {
    all[std::string(name_of(c))] = finite(breakdown[static_cast<std::size_t>(c)]);
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
  Json parts = Json::array();
  for (const CostPart& part : cost.parts) {
    parts.push_back({{"name", part.name},
                     {"count", finite(part.count)},
                     {"usd", finite(part.usd)},
                     {"watts", finite(part.watts)}});
  }
  return {{"capex_usd", finite(cost.capex_usd)},
          {"capex_interval_usd",
           Json::array({finite(cost.capex_low_usd), finite(cost.capex_high_usd)})},
          {"network_share", finite(cost.network_share)},
          {"power_w", finite(cost.power_w)},
          {"facility_power_w", finite(cost.facility_power_w)},
          {"usd_per_million_tokens", finite(cost.usd_per_million_tokens)},
          {"switches", cost.switches},
          {"cables", cost.cables},
          {"optics", cost.optics},
          {"racks", cost.racks},
          {"parts", std::move(parts)}};
}

// Names come from files; text that is no UTF-8 must not stop a report.
std::string text_of(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

Json engine_document(const EngineReport& e) {
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

Json collisions_document(const std::optional<Collisions>& collisions) {
  Json all = Json::array();
  if (!collisions) return all;
  Json histogram = Json::array();
  for (const CollisionBin& bin : collisions->histogram) {
    histogram.push_back({{"from", bin.from}, {"to", bin.to}, {"links", bin.links}});
  }
  all.push_back({{"class", collisions->kind},
                 {"traffic", collisions->traffic},
                 {"links", collisions->links},
                 {"mean", finite(collisions->mean)},
                 {"busiest", collisions->busiest},
                 {"histogram", std::move(histogram)}});
  return all;
}

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
  j["breakdown_s"] = breakdown_of(p.breakdown_s);
  j["hidden_s"] = breakdown_of(p.hidden_s);
  j["parameters"] = p.parameters;
  j["memory_per_gpu_bytes"] = p.memory_per_gpu.count();
  j["fits"] = p.fits;
  j["buildable"] = p.buildable;
  j["reason"] = p.reason;
  j["links"] = links_of(p);
  j["collisions"] = collisions_document(p.collisions);
  j["cost"] = cost_of(p.cost);
  j["engine"] = engine_document(p.engine);
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
  j["collisions"] = collisions_document(table.collisions);
  j["engine"] = engine_document(table.engine);
  j["assumptions"] = table.assumptions;
  return j;
}

Json topo_document(const TopoReport& r) {
  const NetworkFacts& n = r.network;
  Json switches = Json::object(), cables = Json::object();
  for (const NetworkFacts::Switches& s : n.switches) switches[s.kind] = s.count;
  for (const NetworkFacts::Cables& c : n.cables) cables[c.tier] = c.count;
  Json j;
  j["scenario"] = r.scenario;
  j["accelerators"] = r.accelerators;
  j["nodes"] = r.nodes;
  j["switches"] = std::move(switches);
  j["cables"] = std::move(cables);
  j["diameter_hops"] = n.diameter_hops;
  j["bisection_GBps"] = finite(n.bisection.giga());
  j["bisection_how"] = n.bisection_how;
  j["oversubscription"] = finite(n.oversubscription);
  j["buildable"] = n.buildable;
  j["reason"] = n.reason;
  j["cost"] = cost_of(r.cost);
  j["assumptions"] = n.assumptions;
  return j;
}

std::string run_json(const Prediction& prediction) { return text_of(run_document(prediction)); }
std::string collective_json(const CollectiveTable& table) {
  return text_of(collective_document(table));
}
std::string topo_json(const TopoReport& topology) { return text_of(topo_document(topology)); }

}  // namespace tenk
