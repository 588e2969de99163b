#include <fmt/format.h>

#include "analysis/report/layout.h"
#include "analysis/report/report.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

std::string row(std::initializer_list<std::string> cells) {
  std::string line = "|";
  for (const std::string& cell : cells) line += " " + cell + " |";
  return line + "\n";
}

std::string list(std::string_view heading, const std::vector<std::string>& texts) {
  if (texts.empty()) return "";
  std::string out = fmt::format("\n## {}\n\n", heading);
  for (const std::string& text : texts) out += "- " + escaped_markdown(text) + "\n";
  return out;
}

std::string summary(const Prediction& p) {
  std::string out = row({"quantity", "value"}) + "|---|---:|\n";
  out += row({"step time", to_text(p.step_time)});
  out += row({"90 % interval",
              duration_text(p.interval_low_s) + " to " + duration_text(p.interval_high_s)});
  out += row({"tokens/s", grouped(p.tokens_per_s)});
  out += row({"accelerators", grouped(p.accelerators)});
  out += row({"TFLOP/s per GPU", fmt::format("{:.1f}", finite(p.tflops_per_gpu))});
  out += row({"MFU", percent(p.mfu)});
  out += row({"memory per GPU", to_text(p.memory_per_gpu) + (p.fits ? "" : ": does not fit")});
  if (!p.buildable) out += row({"fabric", "cannot be built"});
  if (!p.reason.empty()) out += row({"reason", escaped_markdown(p.reason)});
  out += row({"capital cost", money(p.cost.capex_usd)});
  out += row(
      {"90 % interval of it", money(p.cost.capex_low_usd) + " to " + money(p.cost.capex_high_usd)});
  out += row({"network's share", percent(p.cost.network_share)});
  out += row({"cost per million tokens", cents(p.cost.usd_per_million_tokens)});
  out += row({"power", prefixed(p.cost.power_w, "W")});
  out += row({"with cooling", prefixed(p.cost.facility_power_w, "W")});
  out += row({"racks", grouped(p.cost.racks)});
  out += row({"switches", grouped(p.cost.switches)});
  out += row({"cables", grouped(p.cost.cables)});
  out += row({"transceivers", grouped(p.cost.optics)});
  if (p.collisions) out += row({"collisions", escaped_markdown(collisions_text(*p.collisions))});
  out += row({"engine", escaped_markdown(engine_text(p.engine))});
  out += row({"fingerprint", escaped_markdown(p.fingerprint)});
  return out;
}

std::string breakdown(const Prediction& p) {
  std::string out = "\n## Where the time goes\n\n";
  out += row({"category", "mean over accelerators", "share", "hidden"}) + "|---|---:|---:|---:|\n";
  const double step = seconds(p.step_time);
  for (const Part& part : parts_in_use(p)) {
    out += row({category_title(part.category), part_text(part.exposed, step),
                percent(step > 0 ? part.exposed / step : 0), part_text(part.hidden, step)});
  }
  return out;
}

std::string costs(const Prediction& p) {
  if (p.cost.parts.empty()) return "";
  std::string out = "\n## Cost and power\n\n";
  out += row({"part", "count", "cost", "share", "power"}) + "|---|---:|---:|---:|---:|\n";
  for (const CostPart& part : p.cost.parts) {
    out += row({escaped_markdown(part.name), grouped(part.count), money(part.usd),
                percent(p.cost.capex_usd > 0 ? part.usd / p.cost.capex_usd : 0),
                prefixed(part.watts, "W")});
  }
  return out;
}

std::string links(const Prediction& p) {
  std::string out = "\n## Links in use\n\n";
  out += row({"class", "links", "peak", "mean"}) + "|---|---:|---:|---:|\n";
  for (const LinkUse& use : links_in_use(p)) {
    out += row({escaped_markdown(use.kind), grouped(use.count), percent(use.peak_utilisation),
                percent(use.mean_utilisation)});
  }
  return out;
}

}  // namespace

std::string run_markdown(const Prediction& p) {
  return "# " + escaped_markdown(p.scenario) + "\n\n" + summary(p) + breakdown(p) + links(p) +
         costs(p) + list("Warnings", p.warnings) + list("Assumptions", p.assumptions) +
         list("Numbers from", p.provenance);
}

std::string collective_markdown(const CollectiveTable& table) {
  std::string out =
      fmt::format("# {}\n\n{} accelerators; {}\n\n", escaped_markdown(table.scenario),
                  grouped(table.accelerators), escaped_markdown(engine_text(table.engine)));
  out += row({"op", "size", "time (us)", "algbw (GB/s)", "busbw (GB/s)", "algorithm", "protocol",
              "channels", "bound (us)"});
  out += "|---|---:|---:|---:|---:|---|---|---:|---:|\n";
  for (const CollectiveRow& r : table.rows) {
    out +=
        row({escaped_markdown(r.op), std::to_string(r.bytes.count()),
             fmt::format("{:.2f}", finite(r.time_us)), fmt::format("{:.2f}", finite(r.algbw_GBps)),
             fmt::format("{:.2f}", finite(r.busbw_GBps)), escaped_markdown(r.algorithm),
             escaped_markdown(r.protocol), std::to_string(r.channels),
             fmt::format("{:.2f}", finite(r.bound_us))});
  }
  if (table.collisions) {
    out += "\nCollisions: " + escaped_markdown(collisions_text(*table.collisions)) + "\n";
  }
  return out + list("Assumptions", table.assumptions);
}

std::string topo_markdown(const TopoReport& r) {
  const NetworkFacts& n = r.network;
  std::string out = "# " + escaped_markdown(r.scenario) + "\n\n";
  out += row({"quantity", "value"}) + "|---|---:|\n";
  out += row({"accelerators", grouped(r.accelerators)});
  out += row({"nodes", grouped(r.nodes)});
  out += row({"diameter", std::to_string(n.diameter_hops)});
  out += row(
      {"bisection", to_text(n.bisection) +
                        (n.bisection_how.empty() ? "" : ": " + escaped_markdown(n.bisection_how))});
  out += row({"oversubscription", fmt::format("{:.4g}", finite(n.oversubscription))});
  if (!n.buildable) out += row({"fabric", "cannot be built"});
  if (!n.reason.empty()) out += row({"reason", escaped_markdown(n.reason)});
  out += row({"capital cost", money(r.cost.capex_usd)});
  out += row({"power", prefixed(r.cost.power_w, "W")});
  out += row({"transceivers", grouped(r.cost.optics)});
  out += "\n## Switches\n\n" + row({"kind", "count", "ports in use"}) + "|---|---:|---:|\n";
  for (const NetworkFacts::Switches& s : n.switches) {
    out += row({escaped_markdown(s.kind), grouped(s.count), grouped(s.ports)});
  }
  out += "\n## Cables\n\n" + row({"tier", "count", "rate"}) + "|---|---:|---:|\n";
  for (const NetworkFacts::Cables& c : n.cables) {
    out += row({escaped_markdown(c.tier), grouped(c.count), to_text(c.rate)});
  }
  return out + list("Assumptions", n.assumptions);
}

}  // namespace tenk
