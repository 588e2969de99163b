// What do the servers, the network, racks and cooling cost, and what do they draw?
//
// Counts come from the topology (NetworkFacts), cable lengths from a floor plan
// (analysis/floor_plan.h), prices and watts from data (profiles/prices). Formulas, assumptions and
// what is left out: docs/cost.md.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "analysis/floor_plan.h"
#include "analysis/prediction.h"
#include "sim/base/config.h"
#include "sim/graph/fabric.h"

namespace tenk {

struct Price {
  double usd = 0;
  double watts = 0;
  double ci = 0;  // Half-width of the 90 % interval of usd, as a fraction.
};
struct NodePrice {
  Price price;      // As sold.
  double nics = 0;  // Of which so many are part.
  double rack_units = 1;
};
struct CableKind {
  std::string name;    // "copper", "multimode", ...
  double reach_m = 0;  // > 0
  Price cable;         // Without transceivers.
  double usd_per_m = 0, ci_per_m = 0;
  bool transceivers = false;  // Two, of which each costs:
  Price transceiver;
};
struct Cooling {
  double usd_per_w = 0, ci = 0;  // A watt of heat.
  double pue = 1;
};
struct Prices {
  std::map<std::string, NodePrice> nodes;  // By preset.
  Bandwidth port_rate;                     // Faster ports and cables count as several.
  Price nic, switch_port;                  // A port.
  double least_switch_ports = 1, switch_ports_per_unit = 1;
  std::vector<CableKind> cables;  // Not empty.
  Price rack;
  HallSpec hall;
  double air_limit_w = 0;  // Of a rack; liquid above.
  Cooling air, liquid;
  double installation = 0, installation_ci = 0;  // Share of all else.
  double electricity_usd_per_kwh = 0;
  double life_years = 1;

  const Cooling& cooling() const { return hall.rack_limit_w > air_limit_w ? liquid : air; }
};
// Throws Error with all faults.
Prices read_prices(const Config& file);

// All that a network's cost depends on: a fabric of a million cards costs as little to price as one
// of two.
struct Inventory {
  std::string node;  // Preset.
  std::uint64_t nodes = 1;
  std::uint64_t ports_per_node = 1;
  std::vector<NetworkFacts::Switches> switches;  // From the nodes up, like the cables.
  std::vector<NetworkFacts::Cables> cables;      // Tier "host": to a node; without switches: all.
  std::uint32_t nodes_per_switch = 1;
};
// From the fabric's facts.
Inventory inventory_of(const Fabric& fabric);

// The price of a node preset. Throws Error{kInvalid} that names the nearest one.
const NodePrice& price_of_node(const Prices& prices, const std::string& node);

// What is bought for one tier of cables.
struct TierCables {
  std::string tier;
  std::uint64_t count = 0;
  double length_m = 0;  // Each, that of the longest.
  double lanes = 1;     // Port rates in one.
  std::string kind;     // Of CableKind.
};
struct SitePlan {
  FloorPlan floor;
  std::uint64_t nic_ports = 0;  // Of all nodes: one a cable end, or as many as the nodes have.
  double nic_lanes = 1;
  std::vector<TierCables> tiers;
  std::vector<std::string> assumptions;  // Sentences for the report.
};
SitePlan plan_site(const Inventory& inventory, const Prices& prices);

// `tokens_per_s` of a job; 0 without one. Parts add up to capex and power. Throws Error{kInvalid}
// if the prices lack the node.
Cost cost_of(const Inventory& inventory, const Prices& prices, double tokens_per_s = 0);
Cost cost_of(const Fabric& fabric, const Prices& prices, double tokens_per_s = 0);

}  // namespace tenk
