#include "topologies/clos_spec.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

namespace tenk {
namespace {

std::uint32_t ceil_div(std::int64_t a, std::int64_t b) {
  return static_cast<std::uint32_t>((a + b - 1) / b);
}

// Most parallel cables per pair: the largest divisor of `cables` for which `peers` fit in `radix`.
std::uint32_t parallel_cables(std::uint32_t cables, std::uint32_t peers, std::int64_t radix) {
  for (std::uint32_t m = cables; m > 1; --m) {
    if (cables % m == 0 && static_cast<std::int64_t>(m) * peers <= radix) return m;
  }
  return 1;
}

// Reads down and up ports of one level; `last` levels may omit the way up.
Level read_level(Section& s, bool last) {
  Level level;
  level.down = s.integer("down", {1, kMaxPorts});
  if (s.has("up") && s.has("oversubscription")) {
    s.fail("oversubscription", "give either up or oversubscription, not both");
  }
  if (s.has("oversubscription")) {
    const double ratio = s.number("oversubscription", {1.0 / 64, kMaxPorts});
    level.up = static_cast<double>(level.down) / ratio;
  } else if (s.has("up") || !last) {
    level.up = static_cast<double>(s.integer("up", {1, kMaxPorts}));
  }
  s.finish();
  return level;
}

void read_levels(Section& s, ClosSpec& spec) {
  std::vector<Section> levels = s.sections("levels");
  if (levels.empty() || levels.size() > 3) {
    s.fail("levels", fmt::format("a clos has 1 to 3 levels; found {}", levels.size()));
    levels.clear();
  }
  for (std::size_t i = 0; i < levels.size(); ++i) {
    spec.levels.push_back(read_level(levels[i], i > 0));
  }
  if (spec.levels.empty()) spec.levels.push_back({1, 1});
  if (spec.levels.back().up > 0 && spec.levels.size() < 3) {
    spec.levels.push_back({kMaxPorts, 0});
    spec.open_core = true;
  } else if (spec.levels.back().up > 0) {
    s.fail("levels", "the third level is the top: it has no up and no oversubscription");
  }
  for (Level& level : spec.levels) {
    const bool open = spec.open_core && level.up <= 0;
    level.radix = open ? 0 : level.down + static_cast<std::int64_t>(std::ceil(level.up - 1e-9));
  }
}

void read_radix(Section& s, ClosSpec& spec) {
  const auto tiers = s.integer("tiers", {2, 3});
  const auto radix = s.integer("radix", {2, kMaxPorts});
  Section ratios = s.section("oversubscription", false);
  const double leaf = ratios.number("leaf", {1.0 / 64, 64}, 1);
  const double spine = ratios.number("spine", {1.0 / 64, 64}, 1);
  if (tiers == 2 && ratios.has("spine") && spine != 1) {
    ratios.fail("spine", "spines of a two-tier clos have no uplinks to oversubscribe");
  }
  ratios.finish();
  const auto split = [radix](double ratio) {
    Level level;
    const auto up = std::max<std::int64_t>(
        1, static_cast<std::int64_t>(std::floor(static_cast<double>(radix) / (1 + ratio))));
    const auto down = static_cast<std::int64_t>(std::floor(static_cast<double>(up) * ratio));
    level.down = std::clamp<std::int64_t>(down, 1, radix - up);
    level.up = static_cast<double>(up);
    level.radix = radix;
    return level;
  };
  spec.levels.push_back(split(leaf));
  if (tiers == 3) spec.levels.push_back(split(spine));
  spec.levels.push_back({radix, 0, radix});
}

void set_pods(const ClosSpec& spec, ClosShape& d) {
  const Level& spine = spec.levels[1];
  if (spec.levels.size() == 2) {
    d.leaves_per_pod = d.leaves;
    d.leaf_parallel = parallel_cables(d.up, d.leaves, spine.down);
    d.spines_per_pod = d.up / d.leaf_parallel;
    return;
  }
  const auto whole_units = spine.down / d.rails * d.rails;  // 0: a unit spans pods.
  d.leaves_per_pod = static_cast<std::uint32_t>(whole_units > 0 ? whole_units : spine.down);
  d.pods = ceil_div(d.leaves, d.leaves_per_pod);
  d.spines_per_pod = d.up;
  d.core_up = static_cast<std::uint32_t>(std::ceil(spine.up - 1e-9));
  d.core_up_share = spine.up / d.core_up;
  d.core_parallel = parallel_cables(d.core_up, d.pods, spec.levels[2].down);
  d.cores_per_plane = d.core_up / d.core_parallel;
}

}  // namespace

void read_clos_levels(Section& s, ClosSpec& spec) {
  if (s.has("levels") && (s.has("radix") || s.has("tiers"))) {
    s.fail("levels", "a clos is given either by tiers and radix or by levels, not both");
  }
  s.has("levels") ? read_levels(s, spec) : read_radix(s, spec);
}

RoutingSpec read_clos_routing(Section& s) {
  constexpr std::array kAllowed = {RoutingPolicy::kSpray, RoutingPolicy::kEcmpExpected,
                                   RoutingPolicy::kEcmpHash, RoutingPolicy::kFlowlets,
                                   RoutingPolicy::kAdaptive};
  return read_routing(s.section("routing", false), kAllowed);
}

ClosShape size_clos(Section& s, const ClosSpec& spec, const NetworkShape& shape) {
  ClosShape d;
  const std::uint32_t nodes = std::max(shape.nodes, spec.sized_for);
  d.nodes = shape.nodes;
  d.ports_per_node = shape.ports_per_node;
  d.ports = shape.nodes * shape.ports_per_node;
  d.rails = static_cast<std::uint32_t>(spec.rails);
  if (shape.ports_per_node % d.rails != 0) {
    s.fail("rails", fmt::format("{} rails cannot share the {} NICs of a node evenly; use a divisor "
                                "of {}",
                                d.rails, shape.ports_per_node, shape.ports_per_node));
    d.rails = 1;
  }
  const Level& leaf = spec.levels.front();
  const std::int64_t node_ports = shape.ports_per_node / d.rails;
  d.nodes_per_unit = static_cast<std::uint32_t>(leaf.down / node_ports);
  if (d.nodes_per_unit == 0) {
    s.fail(
        fmt::format("a leaf has {} ports down, but each node brings {} to it; use more ports or "
                    "more rails",
                    leaf.down, node_ports));
    d.nodes_per_unit = 1;
  }
  d.leaves = ceil_div(nodes, d.nodes_per_unit) * d.rails;
  d.up = static_cast<std::uint32_t>(std::ceil(leaf.up - 1e-9));
  d.up_share = leaf.up / d.up;
  set_pods(spec, d);
  const std::int64_t core_cables = std::int64_t{d.pods} * d.spines_per_pod * d.core_up;
  if (std::int64_t{d.leaves} * d.up > kMaxCables || core_cables > kMaxCables) {
    s.fail(fmt::format("{} leaves with {} uplinks each are more than the {} cables a tier may have",
                       d.leaves, d.up, kMaxCables));
  }
  return d;
}

}  // namespace tenk
