// Routers without tiers: a ring of groups with one of them opened, or a circle of routers or nodes.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "analysis/report/layout.h"
#include "analysis/report/topo_picture.h"

namespace tenk {
namespace {

using Form = TopoSketch::Form;

constexpr std::string_view kDim = "#555555";

Point on_circle(Point centre, double radius, double turn) {
  const double angle = 2 * std::numbers::pi * turn;
  return {centre.x + radius * std::cos(angle), centre.y + radius * std::sin(angle)};
}

// Turns of `drawn` places and, before the last, the gap for the rest of `members`; the first is at
// the right.
struct Places {
  std::vector<double> turns;
  double gap = 0;
  bool has_gap = false;
};
Places places_of(std::size_t drawn, std::uint64_t members) {
  Places p;
  p.has_gap = drawn < members;
  const std::size_t count = drawn + (p.has_gap ? 1 : 0);
  for (std::size_t i = 0; i < count; ++i) {
    const double turn = static_cast<double>(i) / static_cast<double>(count);
    if (p.has_gap && i + 2 == count) {
      p.gap = turn;
    } else {
      p.turns.push_back(turn);
    }
  }
  return p;
}

// "4 host, 31 local, 16 global": the cables of the fullest switch of a tier.
std::string ports_text(const TopoSketch& s, const TopoSketch::Tier& tier) {
  std::string text;
  for (std::size_t c = 0; c < tier.by_cable.size(); ++c) {
    if (tier.by_cable[c] == 0) continue;
    if (!text.empty()) text += ", ";
    text += fmt::format("{} {}", grouped(tier.by_cable[c]), s.cables[c]);
  }
  return text;
}

Area box_at(Point centre, double width) { return {centre.x - width / 2, centre.y - 11, width, 22}; }

// Boxes [begin, end) of one tier on a circle, with the cables among them.
class Circle {
 public:
  Circle(const TopoReport& report, Point centre, double radius, Svg& page)
      : r_(report), s_(report.sketch), centre_(centre), radius_(radius), page_(page) {}

  void draw(std::size_t begin, std::size_t end, std::uint64_t members) {
    const Places places = places_of(end - begin, members);
    const auto at = [&](std::size_t box) {
      return on_circle(centre_, radius_, places.turns[box - begin]);
    };
    const bool dense = s_.edges.size() > 100;
    for (const TopoSketch::Edge& e : s_.edges) {
      if (e.a < begin || e.a >= end || e.b < begin || e.b >= end) continue;
      page_.line({at(e.a), at(e.b)}, {.colour = cable_colour(r_, s_.cables[e.cable]),
                                      .width = dense ? 0.7 : 1.2,
                                      .opacity = dense ? 0.5 : 0.8});
    }
    const std::size_t tier = s_.boxes[begin].tier;
    for (std::size_t i = begin; i < end; ++i) {
      if (tier > 0 && s_.tiers[tier].down > 0) draw_hosts(places.turns[i - begin]);
      draw_box(box_at(at(i), 34), std::to_string(s_.boxes[i].index), tier, page_);
    }
    if (places.has_gap) page_.dots(on_circle(centre_, radius_, places.gap));
  }

 private:
  // Nodes as small squares outside, as many as a router has, up to three.
  void draw_hosts(double turn) {
    const std::uint64_t down = s_.tiers[1].down;
    const int shown = static_cast<int>(std::min<std::uint64_t>(down, 3));
    for (int i = 0; i < shown; ++i) {
      const double aside = turn + (i - (shown - 1) / 2.0) * 12 / (radius_ * 2 * std::numbers::pi);
      const Point host = on_circle(centre_, radius_ + 34, aside);
      page_.line({on_circle(centre_, radius_, turn), host},
                 {.colour = cable_colour(r_, "host"), .width = 1, .opacity = 0.8});
      page_.rect({host.x - 4, host.y - 4, 8, 8},
                 {.colour = tier_colour(0), .border = "#444444", .radius = 1});
    }
  }

  const TopoReport& r_;
  const TopoSketch& s_;
  Point centre_;
  double radius_;
  Svg& page_;
};

class Ring {
 public:
  Ring(const TopoReport& report, const Area& area, Svg& page)
      : r_(report), s_(report.sketch), area_(area), page_(page) {
    centre_ = {area.x + 215, area.y + 245};
    open_ = {area.x + 440, area.y + 46, area.width - 460, 398};
  }

  void draw() {
    page_.text({area_.x + 16, area_.y + 26}, counted(s_.groups, s_.group_word),
               {.size = kHeading, .bold = true});
    draw_groups();
    draw_open_group();
    draw_captions();
  }

 private:
  void draw_groups() {
    const Places places = places_of(s_.drawn.size(), s_.groups);
    const auto at = [&](std::size_t slot) {
      return on_circle(centre_, kRadius, places.turns[slot]);
    };
    const Stroke zoom{.colour = "#888888", .width = 1, .dashed = true};
    page_.line({{at(0).x, at(0).y - kSpot}, {open_.x, open_.y}}, zoom);
    page_.line({{at(0).x, at(0).y + kSpot}, {open_.x, open_.bottom()}}, zoom);
    const bool dense = s_.group_edges.size() > 60;
    for (const auto& [a, b] : s_.group_edges) {
      page_.line({at(a), at(b)}, {.colour = cable_colour(r_, "global"),
                                  .width = dense ? 0.8 : 1.2,
                                  .opacity = dense ? 0.6 : 0.8});
    }
    for (std::size_t slot = 0; slot < s_.drawn.size(); ++slot) {
      page_.circle(at(slot), kSpot, {.colour = tier_colour(1), .border = "#444444"});
      page_.text({at(slot).x, at(slot).y + 4}, std::to_string(s_.drawn[slot]),
                 {.size = kSmall, .anchor = Anchor::kMiddle}, 2 * kSpot);
    }
    if (places.has_gap) page_.dots(on_circle(centre_, kRadius, places.gap));
  }

  void draw_open_group() {
    page_.rect(open_, {.colour = "#f4f4f4", .border = "#888888", .radius = 8, .dashed = true});
    page_.text({open_.x + 12, open_.y + 20}, fmt::format("{} {}", s_.group_word, s_.drawn[0]),
               {.size = kPlain, .bold = true}, 110);
    const Point middle{open_.centre().x, open_.centre().y + 6};
    Circle(r_, middle, 120, page_).draw(0, s_.boxes.size(), s_.members[0][s_.boxes[0].tier]);
  }

  void draw_captions() {
    double y = open_.bottom() + 24;
    for (std::size_t t = 1; t < s_.tiers.size(); ++t, y += 17) {
      const TopoSketch::Tier& tier = s_.tiers[t];
      page_.text({open_.x, y},
                 fmt::format("{} \u00d7 {} in a {}: {}", tier.kind, grouped(tier.in_group),
                             s_.group_word, ports_text(s_, tier)),
                 {}, open_.width + 10);
    }
    page_.text({open_.x, y},
               fmt::format("{} in a {}{}", counted(s_.tiers[0].in_group, "node"), s_.group_word,
                           s_.even ? "" : " (some hold fewer)"),
               {}, open_.width + 10);
    y = open_.bottom() + 24;
    for (const NetworkFacts::Cables& c : r_.network.cables) {
      if (c.tier == "host") continue;
      page_.text({area_.x + 16, y},
                 fmt::format("{}: {} \u00d7 {}", c.tier, grouped(c.count), rate_text(c.rate)),
                 {.bold = true, .colour = cable_colour(r_, c.tier)}, open_.x - area_.x - 30);
      y += 17;
    }
  }

  static constexpr double kRadius = 170, kSpot = 19;
  const TopoReport& r_;
  const TopoSketch& s_;
  Area area_;
  Svg& page_;
  Point centre_;
  Area open_;
};

}  // namespace

void draw_ring(const TopoReport& report, const Area& area, Svg& page) {
  Ring(report, area, page).draw();
}

void draw_circle(const TopoReport& report, const Area& area, Svg& page) {
  const TopoSketch& s = report.sketch;
  const bool mesh = s.form == Form::kMesh;
  const TopoSketch::Tier& tier = s.tiers[mesh ? 0 : 1];
  Circle(report, {area.centre().x, area.y + 262}, 185, page).draw(0, s.boxes.size(), tier.count);
  page.text({area.x + 16, area.y + 26}, fmt::format("{} \u00d7 {}", tier.kind, grouped(tier.count)),
            {.size = kHeading, .bold = true});
  double y = area.bottom() - 16;
  if (s.boxes.size() < tier.count) {
    page.text({area.x + 16, y},
              fmt::format("{} of {} drawn, with the cables among them",
                          grouped(std::uint64_t{s.boxes.size()}), grouped(tier.count)),
              {.colour = kDim}, area.width - 32);
    y -= 17;
  }
  if (mesh) {
    page.text({area.x + 16, y},
              fmt::format("{}, each with a cable to every other",
                          counted(report.nodes * report.node.ports.size(), "port")),
              {}, area.width - 32);
  } else {
    page.text({area.x + 16, y}, fmt::format("each {}: {}", tier.kind, ports_text(s, tier)), {},
              area.width - 32);
  }
}

}  // namespace tenk
