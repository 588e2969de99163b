#include "analysis/cost.h"

#include <fmt/format.h>

#include "sim/base/error.h"
#include "sim/plan/device_profile.h"

namespace tenk {
namespace {

Price read_price(Section section) {
  const Price price{read_known(section, "price", "USD").value,
                    read_known(section, "power", "W").value};
  section.finish();
  return price;
}

}  // namespace

Prices read_prices(const Config& file) {
  Faults faults;
  Section root(file, "prices", faults);
  Prices prices;
  Section nodes = root.section("nodes");
  if (const Config* all = file.find("nodes")) {
    for (const Config::Entry& node : all->entries()) {
      prices.nodes[node.key] = read_price(nodes.section(node.key));
    }
  }
  prices.switch_port = read_price(root.section("switch-port"));
  prices.optic = read_price(root.section("optic"));
  prices.copper_cable = read_price(root.section("copper-cable"));
  root.finish();
  faults.throw_if_any();
  return prices;
}

Cost cost_of(const Fabric& fabric, const Prices& prices) {
  const auto node = prices.nodes.find(fabric.node().name);
  if (node == prices.nodes.end()) {
    throw Error(ErrorKind::kInvalid,
                fmt::format("the prices have no node \"{}\"", fabric.node().name));
  }
  const Graph& graph = fabric.graph();
  std::uint64_t node_cables = 0, switch_cables = 0;
  for (std::size_t l = 0; l < graph.links().size(); l += 2) {  // A cable is two links in a row.
    const bool from = graph.device(graph.links()[l].from).node == kNoNode;
    const bool to = graph.device(graph.links()[l].to).node == kNoNode;
    node_cables += from != to;
    switch_cables += from && to;
  }
  Cost cost;
  for (const Device& d : graph.devices()) cost.switches += d.node == kNoNode ? d.units : 0;
  cost.cables = node_cables + switch_cables;
  cost.optics = 2 * switch_cables;
  const auto total = [&](double Price::*of) {
    const auto ports = static_cast<double>(node_cables + 2 * switch_cables);
    return fabric.nodes() * node->second.*of + ports * prices.switch_port.*of +
           static_cast<double>(cost.optics) * prices.optic.*of +
           static_cast<double>(node_cables) * prices.copper_cable.*of;
  };
  cost.capex_usd = total(&Price::usd);
  cost.power_w = total(&Price::watts);
  return cost;
}

}  // namespace tenk
