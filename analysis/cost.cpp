#include "analysis/cost.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

#include "sim/base/error.h"
#include "sim/plan/device_profile.h"

namespace tenk {
namespace {

constexpr double kMostUsd = 1e9, kMostWatts = 1e9;  // Of one piece.
constexpr double kMostLanes = 1e6;
constexpr double kHoursAYear = 8766;

// --- Reading ------------------------------------------------------------------------------------

double read_value(Section& section, const char* key, const char* unit, double min, double max) {
  return read_known(section, key, unit, {.min = min, .max = max}).value;
}

Price read_price(Section& section) {
  const Known price = read_known(section, "price", "USD", {.min = 0, .max = kMostUsd});
  return {price.value, read_value(section, "power", "W", 0, kMostWatts), price.ci};
}

Price read_only_price(Section section) {
  const Price price = read_price(section);
  section.finish();
  return price;
}

NodePrice read_node_price(Section section, const Price& nic) {
  NodePrice node;
  node.price = read_price(section);
  node.nics = read_value(section, "nics", "1", 0, 1e6);
  node.rack_units = read_value(section, "rack-units", "1", 0, 1e6);
  constexpr double kRounding = 1 + 1e-9;
  if (section.has("nics") && node.nics * nic.usd > node.price.usd * kRounding) {
    section.fail("price", fmt::format("found {} USD, but its {} NICs alone cost {} USD",
                                      node.price.usd, node.nics, node.nics * nic.usd));
  }
  if (section.has("nics") && node.nics * nic.watts > node.price.watts * kRounding) {
    section.fail("power", fmt::format("found {} W, but its {} NICs alone draw {} W",
                                      node.price.watts, node.nics, node.nics * nic.watts));
  }
  section.finish();
  return node;
}

CableKind read_cable_kind(Section section, const std::string& name) {
  CableKind kind;
  kind.name = name;
  kind.reach_m = read_value(section, "reach", "m", 0.1, 1e7);
  kind.cable = read_price(section);
  const Known metre = read_known(section, "metre", "USD/m", {.min = 0, .max = 1e6});
  kind.usd_per_m = metre.value;
  kind.ci_per_m = metre.ci;
  kind.transceivers = section.has("transceiver");
  if (kind.transceivers) kind.transceiver = read_only_price(section.section("transceiver"));
  section.finish();
  return kind;
}

Cooling read_cooling(Section section) {
  const Known price = read_known(section, "price", "USD/W", {.min = 0, .max = 1000});
  const Cooling cooling{price.value, price.ci, read_value(section, "pue", "1", 1, 10)};
  section.finish();
  return cooling;
}

void read_equipment(Section& root, const Config& file, Prices& prices) {
  prices.port_rate = Bandwidth::per_second(read_value(root, "port-rate", "B/s", 1, 1e18));
  prices.nic = read_only_price(root.section("nic"));
  Section nodes = root.section("nodes");
  if (const Config* all = file.find("nodes")) {
    for (const Config::Entry& node : all->entries()) {
      prices.nodes[node.key] = read_node_price(nodes.section(node.key), prices.nic);
    }
  }
  Section port = root.section("switch-port");
  prices.switch_port = read_price(port);
  prices.least_switch_ports = read_value(port, "least", "1", 1, 1e6);
  prices.switch_ports_per_unit = read_value(port, "per-rack-unit", "1", 1, 1e6);
  port.finish();
  Section cables = root.section("cables");
  if (const Config* all = file.find("cables")) {
    for (const Config::Entry& kind : all->entries()) {
      prices.cables.push_back(read_cable_kind(cables.section(kind.key), kind.key));
    }
  }
  if (prices.cables.empty()) cables.fail("expected at least one kind of cable");
}

void read_site(Section& root, Prices& prices) {
  Section rack = root.section("rack");
  const Known price = read_known(rack, "price", "USD", {.min = 0, .max = kMostUsd});
  prices.rack = {price.value, 0, price.ci};
  prices.hall.rack_limit_w = read_value(rack, "power-limit", "W", 1000, 1e6);
  prices.hall.rack_units = read_value(rack, "units", "1", 1, 1000);
  rack.finish();
  Section hall = root.section("hall");
  prices.hall.rack_width_m = read_value(hall, "rack-width", "m", 0.1, 100);
  prices.hall.row_pitch_m = read_value(hall, "row-pitch", "m", 0.1, 100);
  prices.hall.inside_m = read_value(hall, "cable-inside", "m", 0, 100);
  prices.hall.ends_m = read_value(hall, "cable-ends", "m", 0, 1000);
  if (prices.hall.ends_m < prices.hall.inside_m) {
    hall.fail("cable-ends", "a cable that leaves its rack is no shorter than cable-inside");
  }
  hall.finish();
  Section cooling = root.section("cooling");
  prices.air_limit_w = read_value(cooling, "air-limit", "W", 0, 1e6);
  prices.air = read_cooling(cooling.section("air"));
  prices.liquid = read_cooling(cooling.section("liquid"));
  cooling.finish();
  const Known installation = read_known(root, "installation", "1", {.min = 0, .max = 10});
  prices.installation = installation.value;
  prices.installation_ci = installation.ci;
  prices.electricity_usd_per_kwh = read_value(root, "electricity", "USD/kWh", 0, 100);
  prices.life_years = read_value(root, "life", "year", 0.1, 100);
}

// --- Counting -----------------------------------------------------------------------------------

double to_double(std::uint64_t count) { return static_cast<double>(count); }

double lanes_of(Bandwidth rate, const Prices& prices) {
  if (!rate.finite()) return 1;
  const double lanes = std::ceil(rate.value() / prices.port_rate.value() - 1e-9);
  return std::clamp(lanes, 1.0, kMostLanes);
}

int node_ends(const Inventory& inventory, const NetworkFacts::Cables& tier) {
  if (inventory.switches.empty()) return 2;
  return tier.tier == "host" ? 1 : 0;
}

// Ports that one switch of this kind is paid for.
double paid_ports(const NetworkFacts::Switches& kind, const Prices& prices) {
  return std::max({to_double(kind.radix), to_double(kind.ports), prices.least_switch_ports});
}

// Port rates in the fastest cable that ends at a switch: what its ports are built for.
double switch_lanes(const Inventory& inventory, const Prices& prices) {
  double lanes = 1;
  for (const auto& tier : inventory.cables) lanes = std::max(lanes, lanes_of(tier.rate, prices));
  return lanes;
}

// Paid ports of all switches, in port rates.
double all_switch_ports(const Inventory& inventory, const Prices& prices) {
  double ports = 0;
  for (const auto& kind : inventory.switches) {
    ports += to_double(kind.count) * paid_ports(kind, prices);
  }
  return ports * switch_lanes(inventory, prices);
}

// --- Cabling ------------------------------------------------------------------------------------

// One cable with both transceivers and the cooling of both, per lane.
double whole_cost(const CableKind& kind, double length_m, double usd_per_w) {
  const double usd = kind.cable.usd + kind.usd_per_m * length_m + 2 * kind.transceiver.usd;
  return usd + (kind.cable.watts + 2 * kind.transceiver.watts) * usd_per_w;
}

// The cheapest that is long enough, so that a longer cable never costs less; if none is, the one
// that reaches farthest.
const CableKind& choose_kind(const Prices& prices, double length_m) {
  double farthest = 0;
  for (const CableKind& kind : prices.cables) farthest = std::max(farthest, kind.reach_m);
  const double needed = std::min(length_m, farthest);
  const CableKind* best = nullptr;
  for (const CableKind& kind : prices.cables) {
    if (kind.reach_m < needed) continue;
    const double usd_per_w = prices.cooling().usd_per_w;
    if (best == nullptr ||
        whole_cost(kind, length_m, usd_per_w) < whole_cost(*best, length_m, usd_per_w)) {
      best = &kind;
    }
  }
  TENK_CHECK(best != nullptr, "prices have a cable");
  return *best;
}

const CableKind& kind_named(const Prices& prices, const std::string& name) {
  return *std::find_if(prices.cables.begin(), prices.cables.end(),
                       [&](const CableKind& kind) { return kind.name == name; });
}

// Nodes that the cables of each tier span: those of an edge switch; then as many such blocks as a
// switch of the next kind has ports; at most the hall. Without switches any two nodes may be
// joined.
void plan_tiers(const Inventory& inventory, const Prices& prices, SitePlan& site) {
  const double all = to_double(inventory.nodes);
  double block = inventory.switches.empty() ? all : inventory.nodes_per_switch;
  std::size_t level = 0;
  for (const auto& tier : inventory.cables) {
    if (node_ends(inventory, tier) == 0) {
      level = std::min(level + 1, inventory.switches.size() - 1);
      block = std::min(all, block * std::max(1.0, to_double(inventory.switches[level].ports)));
    }
    const double length = site.floor.cable_m(block);
    site.tiers.push_back({tier.tier, tier.count, length, lanes_of(tier.rate, prices),
                          choose_kind(prices, length).name});
  }
}

std::string floor_sentence(const SitePlan& site, const Prices& prices) {
  const FloorPlan& floor = site.floor;
  std::string text =
      fmt::format("cost: racks of at most {:.3g} kW, {} each; {} racks in {} rows",
                  floor.hall.rack_limit_w * 1e-3,
                  floor.nodes_per_rack == 0   ? "less than one node"
                  : floor.nodes_per_rack == 1 ? "1 node"
                                              : fmt::format("{} nodes", floor.nodes_per_rack),
                  floor.racks(), floor.rows());
  for (const TierCables& tier : site.tiers) {
    text +=
        fmt::format("; {} cables of {:.0f} m, {}", tier.tier, std::ceil(tier.length_m), tier.kind);
    if (tier.length_m > kind_named(prices, tier.kind).reach_m) text += " (beyond its reach)";
  }
  return text;
}

}  // namespace

Prices read_prices(const Config& file) {
  Faults faults;
  Section root(file, "prices", faults);
  Prices prices;
  read_equipment(root, file, prices);
  read_site(root, prices);
  root.finish();
  faults.throw_if_any();
  return prices;
}

Inventory inventory_of(const Fabric& fabric) {
  const NetworkFacts& facts = fabric.facts();
  TENK_CHECK(!facts.cables.empty(), "every network knows its cables");
  Inventory inventory;
  inventory.node = fabric.node().name;
  inventory.nodes = fabric.nodes();
  inventory.ports_per_node = fabric.node().ports.size();
  inventory.switches = facts.switches;
  inventory.cables = facts.cables;
  inventory.nodes_per_switch = std::max(1u, facts.nodes_per_switch);
  return inventory;
}

const NodePrice& price_of_node(const Prices& prices, const std::string& node) {
  const auto found = prices.nodes.find(node);
  if (found != prices.nodes.end()) return found->second;
  std::vector<std::string> names;
  std::string all;
  for (const auto& [name, price] : prices.nodes) {
    names.push_back(name);
    all += (all.empty() ? "" : ", ") + name;
  }
  const std::string nearest = nearest_name(node, names);
  throw Error(ErrorKind::kInvalid,
              fmt::format("the prices have no node \"{}\"{}; they have {}", node,
                          nearest.empty() ? "" : fmt::format("; did you mean \"{}\"?", nearest),
                          all.empty() ? "none" : all));
}

SitePlan plan_site(const Inventory& inventory, const Prices& prices) {
  const NodePrice& node = price_of_node(prices, inventory.node);
  SitePlan site;
  std::uint64_t ends = 0;
  for (const auto& tier : inventory.cables) {
    const int at_nodes = node_ends(inventory, tier);
    ends += static_cast<std::uint64_t>(at_nodes) * tier.count;
    if (at_nodes > 0) site.nic_lanes = std::max(site.nic_lanes, lanes_of(tier.rate, prices));
  }
  site.nic_ports = std::max(ends, inventory.nodes * inventory.ports_per_node);
  const double nics = to_double(site.nic_ports) * site.nic_lanes / to_double(inventory.nodes);
  const double ports = all_switch_ports(inventory, prices);
  FloorLoad load;
  load.nodes = inventory.nodes;
  load.node_w =
      std::max(0.0, node.price.watts - node.nics * prices.nic.watts) + nics * prices.nic.watts;
  load.node_units = node.rack_units;
  load.switches_w = ports * prices.switch_port.watts;
  load.switches_units = ports / prices.switch_ports_per_unit;
  site.floor = plan_floor(prices.hall, load);
  plan_tiers(inventory, prices, site);
  site.assumptions.push_back(floor_sentence(site, prices));
  if (nics > node.nics * (1 + 1e-9)) {
    site.assumptions.push_back(
        fmt::format("cost: each node needs {:.0f} NIC ports of {:.0f} Gbit/s, each with its own "
                    "cable end; a {} is sold with {:.0f}",
                    nics, prices.port_rate.value() * 8e-9, inventory.node, node.nics));
  }
  return site;
}

namespace {

// --- Adding up ----------------------------------------------------------------------------------

CostPart part_of(const char* name, double count, const Price& each, bool network) {
  const double usd = count * each.usd;
  return {name, count, usd, usd * each.ci, count * each.watts, network};
}

// Nodes without the NICs that they are sold with.
CostPart servers(const Inventory& inventory, const Prices& prices) {
  const NodePrice& node = price_of_node(prices, inventory.node);
  const Price bare{std::max(0.0, node.price.usd - node.nics * prices.nic.usd),
                   std::max(0.0, node.price.watts - node.nics * prices.nic.watts), node.price.ci};
  return part_of("servers", to_double(inventory.nodes), bare, false);
}

CostPart switches(const Inventory& inventory, const Prices& prices, Cost& cost) {
  for (const auto& kind : inventory.switches) cost.switches += kind.count;
  CostPart part =
      part_of("switches", all_switch_ports(inventory, prices), prices.switch_port, true);
  part.count = to_double(cost.switches);
  return part;
}

void add_cables(const SitePlan& site, const Prices& prices, Cost& cost) {
  CostPart cables{.name = "cables", .network = true}, optics{.name = "optics", .network = true};
  for (const TierCables& tier : site.tiers) {
    const CableKind& kind = kind_named(prices, tier.kind);
    const double paid = to_double(tier.count) * tier.lanes;
    const double metres = paid * tier.length_m * kind.usd_per_m;
    cables.usd += paid * kind.cable.usd + metres;
    cables.usd_half_width += paid * kind.cable.usd * kind.cable.ci + metres * kind.ci_per_m;
    cables.watts += paid * kind.cable.watts;
    cost.cables += tier.count;
    if (!kind.transceivers) continue;
    const CostPart pair = part_of("", 2 * paid, kind.transceiver, true);
    optics.usd += pair.usd;
    optics.usd_half_width += pair.usd_half_width;
    optics.watts += pair.watts;
    cost.optics += 2 * tier.count;
  }
  cables.count = to_double(cost.cables);
  optics.count = to_double(cost.optics);
  cost.parts.push_back(cables);
  cost.parts.push_back(optics);
}

void add_up(Cost& cost) {
  double network = 0, variance = 0;
  for (const CostPart& part : cost.parts) {
    cost.capex_usd += part.usd;
    cost.power_w += part.watts;
    network += part.network ? part.usd : 0;
    variance += part.usd_half_width * part.usd_half_width;
  }
  cost.network_share = cost.capex_usd > 0 ? network / cost.capex_usd : 0;
  cost.capex_low_usd = std::max(0.0, cost.capex_usd - std::sqrt(variance));
  cost.capex_high_usd = cost.capex_usd + std::sqrt(variance);
}

}  // namespace

Cost cost_of(const Inventory& inventory, const Prices& prices, double tokens_per_s) {
  const SitePlan site = plan_site(inventory, prices);
  const Cooling& cooling = prices.cooling();
  Cost cost;
  cost.racks = site.floor.racks();
  cost.parts.push_back(servers(inventory, prices));
  cost.parts.push_back(
      part_of("NICs", to_double(site.nic_ports) * site.nic_lanes, prices.nic, true));
  cost.parts.push_back(switches(inventory, prices, cost));
  add_cables(site, prices, cost);
  double watts = 0, usd = 0;
  for (const CostPart& part : cost.parts) watts += part.watts;
  cost.parts.push_back(part_of("racks", to_double(cost.racks), prices.rack, false));
  CostPart heat = part_of("cooling", watts, {cooling.usd_per_w, 0, cooling.ci}, false);
  heat.count = to_double(cost.racks);
  cost.parts.push_back(heat);
  for (const CostPart& part : cost.parts) usd += part.usd;
  const Price share{usd * prices.installation, 0, prices.installation_ci};
  cost.parts.push_back(part_of("installation", 1, share, false));
  add_up(cost);
  cost.facility_power_w = cost.power_w * cooling.pue;
  if (tokens_per_s > 0) {
    const double capex_per_s = cost.capex_usd / (prices.life_years * kHoursAYear * 3600);
    const double energy_per_s =
        cost.facility_power_w * 1e-3 * prices.electricity_usd_per_kwh / 3600;
    cost.usd_per_million_tokens = (capex_per_s + energy_per_s) / tokens_per_s * 1e6;
  }
  return cost;
}

Cost cost_of(const Fabric& fabric, const Prices& prices, double tokens_per_s) {
  return cost_of(inventory_of(fabric), prices, tokens_per_s);
}

}  // namespace tenk
