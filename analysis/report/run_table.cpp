#include <fmt/format.h>

#include "analysis/report/layout.h"
#include "analysis/report/report.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

constexpr std::size_t kBarWidth = 40;
constexpr std::size_t kMostNameWidth = 30;

void add_rates(const Prediction& p, Page& page) {
  const std::string interval = fmt::format(
      "90 % interval {} to {}", duration_text(p.interval_low_s), duration_text(p.interval_high_s));
  page.field("Step time", fmt::format("{}   ({})", to_text(p.step_time), interval), Paint::kBold);
  page.field("Throughput", fmt::format("{} tokens/s on {} accelerators", grouped(p.tokens_per_s),
                                       grouped(p.accelerators)));
  const double causal =
      p.model_flops > 0 ? finite(p.tflops_per_gpu) * p.model_flops_causal / p.model_flops : 0;
  page.field("Per GPU", fmt::format("{:.1f} TFLOP/s, MFU {} ({:.1f} TFLOP/s if attention counts "
                                    "as causal)",
                                    p.tflops_per_gpu, percent(p.mfu), causal));
}

void add_feasibility(const Prediction& p, Page& page) {
  page.field(
      "Memory",
      fmt::format("{} per GPU: {}", to_text(p.memory_per_gpu), p.fits ? "fits" : "does not fit"),
      p.fits ? Paint::kNone : Paint::kBad);
  if (!p.buildable) page.field("Fabric", "cannot be built", Paint::kBad);
  if (!p.reason.empty()) page.field("Reason", p.reason, Paint::kBad);
  if (p.parameters > 0) {
    page.field("Parameters",
               fmt::format("{:.1f} billion", static_cast<double>(p.parameters) / 1e9));
  }
}

void add_breakdown(const Prediction& p, Style style, Page& page) {
  const auto parts = parts_in_use(p);
  if (parts.empty()) return;
  page.section("Where the time goes (mean over accelerators)");
  const double step = seconds(p.step_time);
  for (const Part& part : parts) {
    const double share = step > 0 ? part.exposed / step : 0;
    const std::string hidden =
        part.hidden > 0 ? fmt::format("+ {} hidden", part_text(part.hidden, step)) : "";
    page.raw(fmt::format("  {} {} {}  {} {}", left(category_title(part.category), 23),
                         right(part_text(part.exposed, step), 11), right(percent(share), 8),
                         left(hidden, 18), page.painted(bar(share, 32, style), Paint::kBar)));
  }
}

void add_links(const Prediction& p, Style style, Page& page) {
  const std::vector<LinkUse> links = links_in_use(p);
  const std::size_t idle = p.links.size() - links.size();
  page.section("Links in use, the busiest first");
  page.raw(page.painted(
      fmt::format("  {} {} {} {}   {}", left("class", kMostNameWidth), right("links", 11),
                  right("peak", 8), right("mean", 8), "mean over the step"),
      Paint::kDim));
  for (const LinkUse& use : links) {
    page.raw(fmt::format("  {} {} {} {}   {}",
                         left(shown(use.kind, kMostNameWidth), kMostNameWidth),
                         right(grouped(use.count), 11), right(percent(use.peak_utilisation), 8),
                         right(percent(use.mean_utilisation), 8),
                         page.painted(bar(use.mean_utilisation, 30, style), Paint::kBar)));
  }
  if (links.empty()) page.raw("  none");
  if (idle > 0)
    page.raw(fmt::format("  ({} more {} idle)", idle, idle == 1 ? "class is" : "classes are"));
}

void add_costs(const Cost& cost, Style style, Page& page) {
  if (cost.parts.empty()) return;
  page.section("Cost and power");
  page.raw(page.painted(fmt::format("  {} {} {} {} {}", left("part", 12), right("count", 13),
                                    right("cost", 20), right("share", 8), right("power", 11)),
                        Paint::kDim));
  for (const CostPart& part : cost.parts) {
    const double share = cost.capex_usd > 0 ? part.usd / cost.capex_usd : 0;
    page.raw(fmt::format("  {} {} {} {} {}   {}", left(shown(part.name, 12), 12),
                         right(grouped(part.count), 13), right(money(part.usd), 20),
                         right(percent(share), 8), right(prefixed(part.watts, "W"), 11),
                         page.painted(bar(share, 20, style), Paint::kBar)));
  }
}

void add_system(const Prediction& p, Page& page) {
  page.blank();
  const Cost& cost = p.cost;
  page.field("Cost", fmt::format("{} (90 % interval {} to {}), the network {}; {} a million tokens",
                                 money(cost.capex_usd), money(cost.capex_low_usd),
                                 money(cost.capex_high_usd), percent(cost.network_share),
                                 cents(cost.usd_per_million_tokens)));
  page.field("Power", fmt::format("{}, {} with cooling, in {} racks", prefixed(cost.power_w, "W"),
                                  prefixed(cost.facility_power_w, "W"), grouped(cost.racks)));
  page.field("Network",
             fmt::format("{} switches, {} cables, {} transceivers", grouped(cost.switches),
                         grouped(cost.cables), grouped(cost.optics)));
  if (p.collisions) page.field("Collisions", collisions_text(*p.collisions));
  page.field("Engine", engine_text(p.engine));
  page.field("Fingerprint", p.fingerprint);
}

void add_list(std::string_view heading, const std::vector<std::string>& texts, Paint paint,
              Page& page) {
  if (texts.empty()) return;
  page.section(heading);
  for (const std::string& text : texts) page.bullet(text, paint);
}

}  // namespace

std::string run_table(const Prediction& p, Style style) {
  Page page(style);
  page.title(p.scenario);
  add_rates(p, page);
  add_feasibility(p, page);
  add_breakdown(p, style, page);
  add_links(p, style, page);
  add_costs(p.cost, style, page);
  add_system(p, page);
  add_list("Warnings", p.warnings, Paint::kWarn, page);
  add_list("Assumptions", p.assumptions, Paint::kNone, page);
  add_list("Numbers from", p.provenance, Paint::kDim, page);
  return page.text();
}

}  // namespace tenk
