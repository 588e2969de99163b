#include <fmt/format.h>

#include "analysis/report/layout.h"
#include "analysis/report/report.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

constexpr std::size_t kNameWidth = 20, kNumberWidth = 14;

std::string gigabits(Bandwidth rate) { return fmt::format("{:.4g} Gb/s", rate.value() * 8e-9); }

void add_switches(const NetworkFacts& n, Page& page) {
  page.section("Switches");
  if (n.switches.empty()) return page.raw("  none");
  page.raw(page.painted(
      fmt::format("  {} {} {} {}", left("kind", kNameWidth), right("count", kNumberWidth),
                  right("ports used", kNumberWidth), right("of", kNumberWidth)),
      Paint::kDim));
  for (const NetworkFacts::Switches& s : n.switches) {
    page.raw(fmt::format("  {} {} {} {}", left(shown(s.kind, kNameWidth), kNameWidth),
                         right(grouped(s.count), kNumberWidth),
                         right(grouped(s.ports), kNumberWidth),
                         right(s.radix > 0 ? grouped(s.radix) : "any", kNumberWidth)));
  }
}

void add_cables(const NetworkFacts& n, Page& page) {
  page.section("Cables");
  page.raw(page.painted(fmt::format("  {} {} {}", left("tier", kNameWidth),
                                    right("count", kNumberWidth), right("rate", kNumberWidth)),
                        Paint::kDim));
  for (const NetworkFacts::Cables& c : n.cables) {
    page.raw(fmt::format("  {} {} {}", left(shown(c.tier, kNameWidth), kNameWidth),
                         right(grouped(c.count), kNumberWidth),
                         right(gigabits(c.rate), kNumberWidth)));
  }
}

}  // namespace

std::string topo_table(const TopoReport& r, Style style) {
  const NetworkFacts& n = r.network;
  Page page(style);
  page.title(r.scenario);
  page.field("Size", fmt::format("{} accelerators in {} nodes ({})", grouped(r.accelerators),
                                 grouped(r.nodes), r.node.name.empty() ? "unnamed" : r.node.name));
  page.field("Diameter", fmt::format("{} links between switches", n.diameter_hops));
  page.field("Bisection", n.bisection_how.empty()
                              ? to_text(n.bisection)
                              : fmt::format("{}, {}", to_text(n.bisection), n.bisection_how));
  page.field("Oversubscription", fmt::format("{:.4g} : 1", finite(n.oversubscription)));
  page.field("Buildable", n.buildable ? "yes" : "no: " + n.reason,
             n.buildable ? Paint::kNone : Paint::kBad);
  page.field("Cost", fmt::format("{}, {}; {} transceivers", money(r.cost.capex_usd),
                                 prefixed(r.cost.power_w, "W"), grouped(r.cost.optics)));
  add_switches(n, page);
  add_cables(n, page);
  if (!n.assumptions.empty()) page.section("Assumptions");
  for (const std::string& text : n.assumptions) page.bullet(text);
  return page.text();
}

}  // namespace tenk
