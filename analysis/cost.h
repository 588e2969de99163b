// What do the servers, switches and cables cost, and what do they draw?
//
// A first count: servers, switch ports in use, copper from nodes, two transceivers on every cable
// between switches. Prices are data (profiles/prices). Racks, cooling and reach come later
// (docs/limits.md).
#pragma once
#include <map>
#include <string>

#include "analysis/prediction.h"
#include "sim/base/config.h"
#include "sim/graph/fabric.h"

namespace tenk {

struct Price {
  double usd = 0;
  double watts = 0;
};
struct Prices {
  std::map<std::string, Price> nodes;  // By preset.
  Price switch_port, optic, copper_cable;
};
// Throws Error with all faults.
Prices read_prices(const Config& file);

// Throws Error{kInvalid} if the prices lack the fabric's node. O(devices + links).
Cost cost_of(const Fabric& fabric, const Prices& prices);

}  // namespace tenk
