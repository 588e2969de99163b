// The page: title, network, inside of a node, cables, facts, cost and signs.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "analysis/report/layout.h"
#include "analysis/report/report.h"
#include "analysis/report/topo_picture.h"

namespace tenk {
namespace {

constexpr double kWidth = 1200, kHeight = 800;
constexpr Area kNetwork{20, 76, 800, 530}, kInside{836, 76, 344, 530};
constexpr Area kCables{20, 618, 390, 166}, kFacts{426, 618, 394, 166}, kSigns{836, 618, 344, 166};
constexpr double kLine = 19;

constexpr std::array<std::string_view, 5> kCableColours = {"#0072B2", "#009E73", "#D55E00",
                                                           "#CC79A7", "#000000"};
constexpr std::array<std::string_view, 6> kTierColours = {"#FBE3B0", "#CBE6F7", "#C3E8DA",
                                                          "#F7D4BF", "#EFD3E2", "#E2E2E2"};

void frame(const Area& area, Svg& page) {
  page.rect(area, {.colour = "#fcfcfc", .border = "#cccccc", .radius = 6});
}

void draw_title(const TopoReport& r, Svg& page) {
  page.text({24, 36}, r.scenario, {.size = 20, .bold = true}, kWidth - 48);
  const std::string node = r.node.name.empty() ? "" : " of " + r.node.name;
  std::uint64_t switches = 0, cables = 0;
  for (const NetworkFacts::Switches& s : r.network.switches) switches += s.count;
  for (const NetworkFacts::Cables& c : r.network.cables) cables += c.count;
  page.text({24, 60},
            fmt::format("{}, {}{}; {}, {} in all", counted(r.accelerators, "accelerator"),
                        counted(r.nodes, "node"), node, counted(switches, "switch"),
                        counted(cables, "cable")),
            {.size = 14, .colour = "#555555"}, kWidth - 48);
}

void draw_cables(const TopoReport& r, Svg& page) {
  frame(kCables, page);
  double y = kCables.y + 22;
  page.text({kCables.x + 14, y}, "Cables", {.size = kHeading, .bold = true});
  for (const NetworkFacts::Cables& c : r.network.cables) {
    if (y + kLine > kCables.bottom() - 8) break;
    y += kLine;
    page.line({{kCables.x + 14, y - 4}, {kCables.x + 44, y - 4}},
              {.colour = cable_colour(r, c.tier), .width = 3});
    page.text({kCables.x + 54, y},
              fmt::format("{}: {} \u00d7 {} each way", c.tier, grouped(c.count), rate_text(c.rate)),
              {}, kCables.width - 66);
  }
}

std::string bisection_text(const NetworkFacts& n) {
  const std::string value = to_text(n.bisection);
  return n.bisection_how.empty() ? value : fmt::format("{}, {}", value, n.bisection_how);
}

void draw_facts(const TopoReport& r, Svg& page) {
  frame(kFacts, page);
  const NetworkFacts& n = r.network;
  const double x = kFacts.x + 14, value_x = x + 118, most = kFacts.right() - value_x - 10;
  double y = kFacts.y + 22;
  page.text({x, y}, "Network", {.size = kHeading, .bold = true});
  const auto fact = [&](std::string_view name, const std::string& value, std::size_t lines = 1) {
    bool first = true;
    for (const std::string& line : text_lines(value, most, kPlain, lines)) {
      y += first ? kLine : 15;
      if (first) page.text({x, y}, name, {.colour = "#555555"});
      page.text({value_x, y}, line, {}, most);
      first = false;
    }
  };
  fact("diameter", counted(static_cast<std::uint64_t>(n.diameter_hops), "hop"));
  fact("bisection", bisection_text(n), 2);
  fact("oversubscription", ratio_text(n.oversubscription));
  if (n.buildable) {
    fact("buildable", "yes");
  } else {
    fact("cannot be built", n.reason, 3);
  }
  if (!n.assumptions.empty()) fact("assumed", n.assumptions.front(), 2);
}

void draw_signs(const TopoReport& r, Svg& page) {
  frame(kSigns, page);
  const double x = kSigns.x + 14, text_x = x + 48;
  double y = kSigns.y + 22;
  page.text({x, y}, "Cost and signs", {.size = kHeading, .bold = true});
  y += kLine;
  page.text({x, y}, fmt::format("{}, {}", money(r.cost.capex_usd), prefixed(r.cost.power_w, "W")),
            {}, kSigns.width - 28);
  y += kLine;
  page.text({x, y}, counted(r.cost.optics, "transceiver"), {}, kSigns.width - 28);
  const auto sign = [&](std::string_view meaning) {
    y += kLine;
    page.text({text_x, y}, meaning, {}, kSigns.right() - text_x - 10);
    return Point{x + 18, y - 4};
  };
  const Point box = sign("a switch or node with its number");
  draw_box({box.x - 16, box.y - 8, 32, 16}, "7", 1, page);
  page.dots(sign("more of the same, not drawn"));
  const bool any_open =
      std::any_of(r.sketch.boxes.begin(), r.sketch.boxes.end(),
                  [](const TopoSketch::Box& b) { return b.open_up || b.open_down; });
  if (any_open &&
      (r.sketch.form == TopoSketch::Form::kTiers || r.sketch.form == TopoSketch::Form::kPlanes)) {
    const Point open = sign("goes on to what is not drawn");
    page.line({{open.x - 16, open.y}, {open.x + 16, open.y}},
              {.colour = "#555555", .width = 1.5, .dashed = true});
  }
  if (r.sketch.groups > 1) {
    const Point group = sign("a " + r.sketch.group_word);
    page.rect({group.x - 16, group.y - 8, 32, 15},
              {.border = "#888888", .radius = 4, .dashed = true});
  }
}

}  // namespace

std::string_view tier_colour(std::size_t tier) { return kTierColours[tier % kTierColours.size()]; }

std::string_view cable_colour(const TopoReport& r, std::string_view tier) {
  const auto& facts = r.network.cables;
  const auto known = std::find_if(facts.begin(), facts.end(),
                                  [&](const NetworkFacts::Cables& c) { return c.tier == tier; });
  auto number = static_cast<std::size_t>(known - facts.begin());
  if (known == facts.end()) {
    const auto& all = r.sketch.cables;
    number = static_cast<std::size_t>(std::find(all.begin(), all.end(), tier) - all.begin());
  }
  return kCableColours[number % kCableColours.size()];
}

std::string rate_text(Bandwidth rate) { return fmt::format("{:.4g} Gb/s", rate.value() * 8e-9); }

std::string ratio_text(double ratio) {
  if (!(ratio > 0)) return "none";
  return ratio >= 1 ? fmt::format("{:.3g} : 1", ratio) : fmt::format("1 : {:.3g}", 1 / ratio);
}

std::string counted(std::uint64_t count, std::string_view singular) {
  const std::string_view ending = count == 1 ? "" : singular.ends_with("ch") ? "es" : "s";
  return fmt::format("{} {}{}", grouped(count), singular, ending);
}

void draw_network(const TopoReport& r, const Area& area, Svg& page) {
  frame(area, page);
  switch (r.sketch.form) {
    case TopoSketch::Form::kGroups:
      return draw_ring(r, area, page);
    case TopoSketch::Form::kMesh:
    case TopoSketch::Form::kRouters:
      return draw_circle(r, area, page);
    case TopoSketch::Form::kPlanes:
    case TopoSketch::Form::kTiers:
      return draw_rows(r, area, page);
  }
}

Row lay_row(const Area& area, std::size_t drawn, std::uint64_t members, double widest,
            std::size_t gap_before) {
  Row row;
  row.has_gap = drawn < members;
  const std::size_t places = drawn + (row.has_gap ? 1 : 0);
  const double pitch = area.width / static_cast<double>(std::max<std::size_t>(places, 1));
  const double width = std::min(widest, pitch - 6);
  for (std::size_t place = 0; place < places; ++place) {
    const double x = area.x + pitch * (static_cast<double>(place) + 0.5);
    if (row.has_gap && place == gap_before) {
      row.gap = {x, area.centre().y};
    } else {
      row.boxes.push_back({x - width / 2, area.y, width, area.height});
    }
  }
  return row;
}

void draw_box(const Area& area, std::string_view label, std::size_t tier, Svg& page) {
  page.rect(area, {.colour = tier_colour(tier), .border = "#444444"});
  page.text({area.centre().x, area.centre().y + 4}, label,
            {.size = kSmall, .anchor = Anchor::kMiddle}, area.width);
}

std::string topo_svg(const TopoReport& r) {
  Svg page(kWidth, kHeight, r.scenario,
           fmt::format("Topology of {} on {}.", counted(r.accelerators, "accelerator"),
                       counted(r.nodes, "node")));
  draw_title(r, page);
  draw_network(r, kNetwork, page);
  frame(kInside, page);
  draw_node(r.node, kInside, page);
  draw_cables(r, page);
  draw_facts(r, page);
  draw_signs(r, page);
  return std::move(page).finish();
}

}  // namespace tenk
