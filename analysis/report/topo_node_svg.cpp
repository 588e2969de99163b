// The inside of one node: what joins accelerators only on top, then accelerators, the switches
// between them and the NICs, the NICs, and the rest (CPUs) below.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "analysis/report/layout.h"
#include "analysis/report/topo_picture.h"

namespace tenk {
namespace {

using Indices = std::vector<std::uint32_t>;

constexpr double kMargin = 98, kBoxHeight = 24;
constexpr std::size_t kMostBoxes = 9;

constexpr std::array<std::string_view, 5> kColours = {"#CC79A7", "#0072B2", "#009E73", "#D55E00",
                                                      "#000000"};

// One kind of device in the order of its devices.
struct Level {
  std::string kind;
  int depth = 0;
  Indices devices;
  std::uint64_t units = 0;
};

bool holds(const Indices& all, std::uint32_t d) {
  return std::find(all.begin(), all.end(), d) != all.end();
}

int depth_of(const NodeTemplate& node, std::uint32_t device) {
  if (holds(node.accelerators, device)) return 1;
  if (holds(node.ports, device)) return 3;
  bool only_accelerators = true, beside_port = false;
  for (const NodeTemplate::LocalCable& c : node.cables) {
    if (c.a != device && c.b != device) continue;
    const std::uint32_t other = c.a == device ? c.b : c.a;
    only_accelerators = only_accelerators && holds(node.accelerators, other);
    beside_port = beside_port || holds(node.ports, other);
  }
  return only_accelerators ? 0 : beside_port ? 2 : 4;
}

std::vector<Level> levels_of(const NodeTemplate& node) {
  std::vector<Level> levels;
  for (std::uint32_t d = 0; d < node.devices.size(); ++d) {
    const std::string& kind = node.devices[d].kind;
    auto level =
        std::find_if(levels.begin(), levels.end(), [&](const Level& l) { return l.kind == kind; });
    if (level == levels.end()) {
      levels.push_back({kind, depth_of(node, d), {}, 0});
      level = levels.end() - 1;
    }
    level->devices.push_back(d);
    level->units += node.devices[d].units;
  }
  std::stable_sort(levels.begin(), levels.end(),
                   [](const Level& a, const Level& b) { return a.depth < b.depth; });
  return levels;
}

// "nvlink out" -> "nvlink".
std::string cable_of(const std::string& kind) { return kind.substr(0, kind.rfind(' ')); }

class Inside {
 public:
  Inside(const NodeTemplate& node, const Area& area, Svg& page)
      : node_(node), area_(area), page_(page), levels_(levels_of(node)) {
    for (const NodeTemplate::LocalCable& c : node.cables) {
      const std::string name = cable_of(c.kind_ab);
      if (std::find(cables_.begin(), cables_.end(), name) == cables_.end()) cables_.push_back(name);
    }
    lay();
  }

  void draw() {
    page_.text({area_.x + 14, area_.y + 26},
               "Inside a node" + (node_.name.empty() ? "" : ": " + node_.name),
               {.size = kHeading, .bold = true}, area_.width - 28);
    for (const NodeTemplate::LocalCable& c : node_.cables) draw_cable(c);
    for (std::size_t l = 0; l < levels_.size(); ++l) draw_level(l);
    for (const Point& gap : gaps_) page_.dots(gap);
    draw_legend();
  }

 private:
  double row_y(std::size_t level) const {
    const double top = area_.y + 66;
    const double bottom = area_.bottom() - 74 - 32 * static_cast<double>(cables_.size());
    const auto last = static_cast<double>(std::max<std::size_t>(levels_.size(), 2) - 1);
    const double step = std::min((bottom - top) / last, 84.0);
    return top + step * static_cast<double>(level);
  }

  void lay() {
    for (std::size_t l = 0; l < levels_.size(); ++l) {
      const Indices& all = levels_[l].devices;
      Indices drawn(all.begin(),
                    all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), kMostBoxes)));
      if (all.size() > kMostBoxes) {
        drawn.resize(kMostBoxes - 2);
        drawn.push_back(all.back());
      }
      const bool alone = all.size() == 1;
      const Area row{area_.x + kMargin, row_y(l), area_.width - kMargin - 12, kBoxHeight};
      const Row laid = lay_row(row, drawn.size(), all.size(), alone ? 1000 : 44, drawn.size() - 1);
      for (std::size_t i = 0; i < drawn.size(); ++i) {
        at_[drawn[i]] = laid.boxes[i];
        level_of_[drawn[i]] = l;
      }
      if (laid.has_gap) gaps_.push_back(laid.gap);
    }
  }

  std::string_view colour_of(const NodeTemplate::LocalCable& c) const {
    const auto at = std::find(cables_.begin(), cables_.end(), cable_of(c.kind_ab));
    return kColours[static_cast<std::size_t>(at - cables_.begin()) % kColours.size()];
  }

  // A cable that passes a row goes straight down past it first.
  void draw_cable(const NodeTemplate::LocalCable& c) {
    const auto a = at_.find(c.a), b = at_.find(c.b);
    if (a == at_.end() || b == at_.end()) return;
    const bool a_above = level_of_.at(c.a) <= level_of_.at(c.b);
    const auto& [up, high] = a_above ? *a : *b;
    const auto& [low_device, low] = a_above ? *b : *a;
    const Stroke stroke{.colour = colour_of(c), .width = 1.5, .opacity = 0.9};
    const std::size_t from = level_of_.at(up), to = level_of_.at(low_device);
    if (from == to) {
      const bool left = high.x < low.x;
      const Area &first = left ? high : low, &second = left ? low : high;
      page_.line({{first.right(), first.centre().y}, {second.x, second.centre().y}}, stroke);
      return;
    }
    std::vector<Point> points = {{high.centre().x, high.bottom()}};
    const bool straight = high.width > 100;  // From a wide box straight down to what hangs on it.
    if (straight) points[0].x = low.centre().x;
    if (to > from + 1) points.push_back({points[0].x, row_y(to - 1) + kBoxHeight + 4});
    const double end = low.width > 100 ? points[0].x : low.centre().x;
    points.push_back({end, low.y});
    page_.line(points, stroke);
  }

  void draw_level(std::size_t l) {
    const Level& level = levels_[l];
    const double x = area_.x + 14, y = row_y(l) + 11;
    page_.text({x, y}, level.kind, {.size = kPlain, .bold = true}, kMargin - 20);
    page_.text({x, y + 14}, "\u00d7 " + grouped(level.units), {.size = kSmall}, kMargin - 20);
    const std::size_t tint = level.depth < 2 ? 1 - level.depth : level.depth + 1;
    for (const std::uint32_t d : level.devices) {
      const auto at = at_.find(d);
      if (at == at_.end()) continue;
      const std::uint16_t units = node_.devices[d].units;
      const std::string label = units > 1 ? fmt::format("{} chips as one", units)
                                          : std::to_string(node_.devices[d].index);
      draw_box(at->second, label, tint, page_);
    }
  }

  void draw_legend() {
    if (cables_.empty()) {
      page_.text({area_.x + 14, row_y(levels_.size())},
                 "a bare NIC: no accelerator, nothing inside", {}, area_.width - 28);
    }
    double y = area_.bottom() - 18 - 32 * static_cast<double>(cables_.size()) + 20;
    for (const std::string& name : cables_) {
      const auto cable = std::find_if(
          node_.cables.begin(), node_.cables.end(),
          [&](const NodeTemplate::LocalCable& c) { return cable_of(c.kind_ab) == name; });
      page_.line({{area_.x + 14, y - 4}, {area_.x + 44, y - 4}},
                 {.colour = colour_of(*cable), .width = 3});
      page_.text({area_.x + 54, y}, name, {.bold = true}, area_.width - 68);
      std::string text = to_text(cable->rate) + " each way";
      if (cable->lanes > 1) text += fmt::format(", {} links as one", cable->lanes);
      page_.text({area_.x + 54, y + 14}, text, {.size = kSmall}, area_.width - 68);
      y += 32;
    }
  }

  const NodeTemplate& node_;
  Area area_;
  Svg& page_;
  std::vector<Level> levels_;
  std::vector<std::string> cables_;
  std::map<std::uint32_t, Area> at_;
  std::map<std::uint32_t, std::size_t> level_of_;
  std::vector<Point> gaps_;
};

}  // namespace

void draw_node(const NodeTemplate& node, const Area& area, Svg& page) {
  Inside(node, area, page).draw();
}

}  // namespace tenk
