// Where do nodes and switches stand, and how long does that make a cable?
//
// Racks hold what their power limit and height allow; all switches stand in network racks. The
// racks fill a hall that is about square: rows of racks with aisles. Those that share a switch, or
// a group of switches, stand together in a square with the switch in the middle, so the longest
// cable of a block is the side of its square along the trays, and both ends (docs/cost.md). A
// simple plan of our own; its numbers are data (profiles/prices, sections rack and hall).
#pragma once
#include <cstdint>

namespace tenk {

struct HallSpec {
  double rack_limit_w = 0;  // > 0, as all of these.
  double rack_units = 0;
  double rack_width_m = 0;  // Along a row.
  double row_pitch_m = 0;   // From one row to the next, aisle included.
  double inside_m = 0;      // Cable inside one rack.
  double ends_m = 0;        // From both ends of a longer cable up to the trays.
};

struct FloorLoad {
  std::uint64_t nodes = 0;  // >= 1
  double node_w = 0;        // With its NICs, without transceivers.
  double node_units = 0;
  double switches_w = 0;  // All together.
  double switches_units = 0;
};

struct FloorPlan {
  std::uint64_t nodes = 0;
  std::uint64_t nodes_per_rack = 0;  // 0: a node takes more than one rack.
  std::uint64_t node_racks = 0, network_racks = 0;
  HallSpec hall;

  std::uint64_t racks() const { return node_racks + network_racks; }
  std::uint64_t rows() const;
  double side_m() const;  // Of the hall, square.
  // The longest cable inside a block of that many nodes; > 0, the hall's if there are fewer.
  double cable_m(double nodes_in_block) const;
};

// Halving the limit never gives fewer racks. O(1).
FloorPlan plan_floor(const HallSpec& hall, const FloorLoad& load);

}  // namespace tenk
