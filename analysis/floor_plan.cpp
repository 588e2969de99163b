#include "analysis/floor_plan.h"

#include <algorithm>
#include <cmath>

namespace tenk {
namespace {

// Quotients of decimals such as 45 kW / 15 kW may miss a whole number by a rounding.
constexpr double kSlack = 1e-9;

double whole_below(double x) { return std::floor(x * (1 + kSlack)); }
double whole_above(double x) { return std::ceil(x * (1 - kSlack)); }

}  // namespace

double FloorPlan::side_m() const {
  return std::sqrt(static_cast<double>(racks()) * hall.rack_width_m * hall.row_pitch_m);
}

std::uint64_t FloorPlan::rows() const {
  return static_cast<std::uint64_t>(std::max(1.0, std::ceil(side_m() / hall.row_pitch_m)));
}

double FloorPlan::cable_m(double nodes_in_block) const {
  if (nodes_in_block <= static_cast<double>(nodes_per_rack)) return hall.inside_m;
  const double share = std::min(nodes_in_block / static_cast<double>(nodes), 1.0);
  return hall.ends_m + side_m() * std::sqrt(share);
}

FloorPlan plan_floor(const HallSpec& hall, const FloorLoad& load) {
  FloorPlan plan;
  plan.nodes = load.nodes;
  plan.hall = hall;
  const auto nodes = static_cast<double>(load.nodes);
  const double racks_a_node =  // A fraction, or more than one.
      std::max(load.node_w / hall.rack_limit_w, load.node_units / hall.rack_units);
  const double fit = racks_a_node > 0 ? whole_below(1 / racks_a_node) : nodes;
  const double together = std::min(fit, nodes);
  plan.nodes_per_rack = static_cast<std::uint64_t>(together);
  const double node_racks =
      together >= 1 ? std::ceil(nodes / together) : nodes * whole_above(racks_a_node);
  plan.node_racks = static_cast<std::uint64_t>(node_racks);
  plan.network_racks = static_cast<std::uint64_t>(whole_above(
      std::max(load.switches_w / hall.rack_limit_w, load.switches_units / hall.rack_units)));
  return plan;
}

}  // namespace tenk
