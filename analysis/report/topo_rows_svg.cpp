// A network as rows, the nodes lowest: pods below a common top tier, or planes above the nodes.
#include <fmt/format.h>

#include <algorithm>

#include "analysis/report/layout.h"
#include "analysis/report/topo_picture.h"

namespace tenk {
namespace {

using Form = TopoSketch::Form;

constexpr double kMargin = 160;  // Left of the boxes, for the labels of the rows.
constexpr double kBoxHeight = 24, kWidest = 46, kStack = 52;
constexpr double kGapWidth = 40;  // The place of the groups that are not drawn.

class Rows {
 public:
  Rows(const TopoReport& report, const Area& area, Svg& page)
      : r_(report), s_(report.sketch), area_(area), page_(page) {
    planes_ = s_.form == Form::kPlanes;
    lay_slots();
    lay_boxes();
  }

  void draw() {
    for (std::uint32_t slot = 0; slot < slots_.size() && s_.groups > 1; ++slot) draw_group(slot);
    if (s_.drawn.size() < s_.groups) page_.dots(group_gap_);
    for (const TopoSketch::Edge& e : s_.edges) draw_edge(e);
    for (std::size_t i = 0; i < s_.boxes.size(); ++i) draw_stubs(i);
    for (std::size_t i = 0; i < s_.boxes.size(); ++i) {
      draw_member(i);
    }
    for (const Point& gap : gaps_) page_.dots(gap);
    for (std::size_t t = 0; t < s_.tiers.size(); ++t) draw_labels(t);
  }

 private:
  // The rows, of which the lowest has tier 0.
  double row_y(std::size_t tier) const {
    const double top = area_.y + (planes_ ? 92 : 52), bottom = area_.bottom() - 92;
    const auto last = static_cast<double>(s_.tiers.size() - 1);
    return bottom - (bottom - top) * static_cast<double>(tier) / std::max(last, 1.0);
  }

  void lay_slots() {
    const double left = area_.x + kMargin, width = area_.width - kMargin - 14;
    const auto count = s_.drawn.size();
    const bool gap = count < s_.groups;
    const double pitch = (width - (gap ? kGapWidth : 0)) / static_cast<double>(count);
    double x = left;
    for (std::size_t i = 0; i < count; ++i) {
      if (gap && i + 1 == count) {
        group_gap_ = {x + kGapWidth / 2, (row_y(0) + row_y(s_.tiers.size() - 1)) / 2};
        x += kGapWidth;
      }
      slots_.push_back({x + 4, 0, pitch - 8, 0});
      x += pitch;
    }
  }

  void lay_boxes() {
    boxes_.resize(s_.boxes.size());
    for (std::size_t begin = 0, end = 0; begin < s_.boxes.size(); begin = end) {
      const TopoSketch::Box& first = s_.boxes[begin];
      while (end < s_.boxes.size() && s_.boxes[end].tier == first.tier &&
             s_.boxes[end].slot == first.slot) {
        ++end;
      }
      Area row = slots_[first.slot];
      if (!s_.tiers[first.tier].grouped) {
        row = {area_.x + kMargin + 4, 0, area_.width - kMargin - 22, 0};
      }
      row.x += 4;
      row.width -= 8;
      row.y = row_y(first.tier) - kBoxHeight / 2;
      row.height = kBoxHeight;
      const std::uint64_t members = s_.members[first.slot][first.tier];
      const bool stack = end - begin == 1 && members > 1;
      stacked_.resize(end, stack);
      const Row laid = lay_row(row, end - begin, stack ? 1 : members, stack ? kStack : kWidest,
                               widest_jump(begin, end));
      std::copy(laid.boxes.begin(), laid.boxes.end(),
                boxes_.begin() + static_cast<std::ptrdiff_t>(begin));
      if (laid.has_gap) gaps_.push_back(laid.gap);
    }
  }

  // Of the boxes [begin, end), the one that the most members not drawn come before.
  std::size_t widest_jump(std::size_t begin, std::size_t end) const {
    std::size_t best = begin + 1;
    for (std::size_t i = begin + 1; i < end; ++i) {
      const auto jump = [&](std::size_t at) { return s_.boxes[at].index - s_.boxes[at - 1].index; };
      if (jump(i) >= jump(best)) best = i;
    }
    return best - begin;
  }

  void draw_group(std::uint32_t slot) {
    std::size_t low = s_.tiers.size(), high = 0;
    std::string counts;
    for (std::size_t t = 0; t < s_.tiers.size(); ++t) {
      if (!s_.tiers[t].grouped) continue;
      low = std::min(low, t);
      high = std::max(high, t);
      const std::uint64_t members = s_.members[slot][t];
      counts += (counts.empty() ? "" : ", ") +
                (t == 0 ? counted(members, "node")
                        : fmt::format("{} {}", grouped(members), s_.tiers[t].kind));
    }
    Area box = slots_[slot];
    box.y = row_y(high) - (planes_ ? 76 : 30);
    box.height = row_y(low) + (planes_ ? 30 : 76) - box.y;
    page_.rect(box, {.colour = "#f4f4f4", .border = "#888888", .radius = 6, .dashed = true});
    double y = planes_ ? box.y + 18 : box.bottom() - 36;
    page_.text({box.centre().x, y}, fmt::format("{} {}", s_.group_word, s_.drawn[slot]),
               {.anchor = Anchor::kMiddle, .bold = true}, box.width - 6);
    for (const std::string& line : text_lines(counts, box.width - 10, kSmall, 2)) {
      y += 14;
      page_.text({box.centre().x, y}, line, {.size = kSmall, .anchor = Anchor::kMiddle});
    }
  }

  void draw_edge(const TopoSketch::Edge& e) {
    const Area &a = boxes_[e.a], &b = boxes_[e.b];
    if (s_.boxes[e.a].tier == s_.boxes[e.b].tier) return;
    page_.line({{a.centre().x, a.y}, {b.centre().x, b.bottom()}},
               {.colour = cable_colour(r_, s_.cables[e.cable]),
                .width = s_.edges.size() > 150 ? 0.8 : 1.2,
                .opacity = s_.edges.size() > 150 ? 0.6 : 0.8});
  }

  // A box that is alone and stands for several is a stack with their number.
  void draw_member(std::size_t i) {
    const TopoSketch::Box& box = s_.boxes[i];
    const std::uint64_t members = s_.members[box.slot][box.tier];
    if (!stacked_[i]) return draw_box(boxes_[i], std::to_string(box.index), box.tier, page_);
    for (const double shift : {6.0, 3.0}) {
      const Area& front = boxes_[i];
      draw_box({front.x + shift, front.y - shift, front.width, front.height}, "", box.tier, page_);
    }
    draw_box(boxes_[i], "\u00d7 " + grouped(members), box.tier, page_);
  }

  void draw_stubs(std::size_t i) {
    const Area& box = boxes_[i];
    const double x = box.centre().x;
    const Stroke stroke{.colour = "#555555", .width = 1.5, .dashed = true};
    if (s_.boxes[i].open_up) page_.line({{x, box.y - 16}, {x, box.y}}, stroke);
    if (s_.boxes[i].open_down) page_.line({{x, box.bottom()}, {x, box.bottom() + 16}}, stroke);
  }

  // The cables between tier `t` and the next, by the name that their drawn edges have.
  std::string cable_above(std::size_t t) const {
    for (const TopoSketch::Edge& e : s_.edges) {
      const auto [low, high] = std::minmax(s_.boxes[e.a].tier, s_.boxes[e.b].tier);
      if (low == t && high == t + 1) return s_.cables[e.cable];
    }
    return "";
  }

  std::string node_text() const {
    const std::string ports = counted(r_.node.ports.size(), "port");
    if (r_.node.accelerator.empty()) return ports;
    return fmt::format("{}, {}", counted(r_.node.accelerators.size(), "card"), ports);
  }

  void draw_labels(std::size_t t) {
    const TopoSketch::Tier& tier = s_.tiers[t];
    const double x = area_.x + 14, most = kMargin - 20;
    double y = row_y(t) - 14;
    const auto line = [&](const std::string& text, double size = kSmall) {
      page_.text({x, y}, text, {.size = size}, most);
      y += 14;
    };
    page_.text({x, y}, tier.kind, {.size = kHeading, .bold = true}, most);
    y += 15;
    line("\u00d7 " + grouped(tier.count), kPlain);
    if (t == 0) line(node_text());
    if (t > 0 && tier.up == 0) line(fmt::format("{} down", tier.down));
    if (t > 0 && tier.up > 0) {
      line(fmt::format("{} down, {} up", tier.down, tier.up));
      line(ratio_text(tier.ratio) + " down to up");
    }
    const std::string cable = t + 1 < s_.tiers.size() ? cable_above(t) : "";
    if (cable.empty()) return;
    y = (row_y(t) + row_y(t + 1)) / 2 - 10;
    const std::string_view colour = cable_colour(r_, cable);
    page_.text({x, y}, cable, {.size = kPlain, .bold = true, .colour = colour}, most);
    for (const NetworkFacts::Cables& c : r_.network.cables) {
      if (c.tier != cable) continue;
      page_.text({x, y + 14}, fmt::format("{} \u00d7 {}", grouped(c.count), rate_text(c.rate)),
                 {.size = kSmall, .colour = colour}, most);
    }
    const std::uint32_t parallel = cables_of_line(cable);
    if (parallel < 2) return;
    page_.text({x, y + 28}, fmt::format("a line: {} cables", parallel),
               {.size = kSmall, .colour = colour}, most);
  }

  // Cables that each drawn edge stands for; 0 if they differ.
  std::uint32_t cables_of_line(const std::string& cable) const {
    std::uint32_t count = 0;
    for (const TopoSketch::Edge& e : s_.edges) {
      if (s_.cables[e.cable] != cable) continue;
      if (count != 0 && count != e.count) return 0;
      count = e.count;
    }
    return count;
  }

  const TopoReport& r_;
  const TopoSketch& s_;
  Area area_;
  Svg& page_;
  bool planes_ = false;
  std::vector<Area> slots_, boxes_;
  std::vector<bool> stacked_;  // By box.
  std::vector<Point> gaps_;
  Point group_gap_;
};

}  // namespace

void draw_rows(const TopoReport& report, const Area& area, Svg& page) {
  Rows(report, area, page).draw();
}

}  // namespace tenk
