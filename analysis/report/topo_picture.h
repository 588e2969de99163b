// Which parts does the picture of a topology have? Each draws into an area of the page.
#pragma once
#include <string>
#include <string_view>

#include "analysis/report/svg.h"
#include "analysis/topo.h"

namespace tenk {

inline constexpr double kSmall = 11, kPlain = 12, kHeading = 13;  // Pixels; nothing is smaller.

// Tints of the palette of Okabe and Ito (2008) that all kinds of colour vision tell apart.
std::string_view tier_colour(std::size_t tier);  // 0: nodes.
std::string_view cable_colour(const TopoReport& report, std::string_view tier);
std::string rate_text(Bandwidth rate);                                // "400 Gb/s"
std::string ratio_text(double ratio);                                 // "7 : 1", "1 : 2"
std::string counted(std::uint64_t count, std::string_view singular);  // "1,024 nodes"

// The network: rows of tiers, planes, a ring of groups, or a circle.
void draw_network(const TopoReport& report, const Area& area, Svg& page);
void draw_rows(const TopoReport& report, const Area& area, Svg& page);
void draw_ring(const TopoReport& report, const Area& area, Svg& page);
void draw_circle(const TopoReport& report, const Area& area, Svg& page);
// The inside of one node.
void draw_node(const NodeTemplate& node, const Area& area, Svg& page);

// A row of boxes that stand for `members`: where each is, and where the gap for the rest, which is
// before box `gap_before` (at least 1).
struct Row {
  std::vector<Area> boxes;
  Point gap;
  bool has_gap = false;
};
Row lay_row(const Area& area, std::size_t drawn, std::uint64_t members, double widest,
            std::size_t gap_before);
void draw_box(const Area& area, std::string_view label, std::size_t tier, Svg& page);

}  // namespace tenk
