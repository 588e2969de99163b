// CLOS networks of two or three tiers: how many switches and cables, and which way does a byte go?
//
// Leaves serve node ports; spines join the leaves of a pod; cores join pods. A two-tier network is
// one pod without cores. Spine j of each pod is in plane j and reaches only the cores of plane j
// (Al-Fares, Loukissas, Vahdat, SIGCOMM 2008). With rails > 1 the NICs of a node are spread over
// that many leaves (rail-optimised, NVIDIA DGX SuperPOD reference architecture).
//
// Sizing follows the published SuperPOD tables: the top tier uses the most parallel cables per
// pair that divide its uplinks and still let one switch reach everybody, so it has the fewest
// switches.
//
// Trunks: under spray every uplink of a healthy leaf (of a pod) carries the same, so each leaf has
// one trunk up and one down, each pod one to and from the cores. A link that is slower than its
// fellows splits the trunk it is in; a dead link changes the set of paths, and a hashed connection
// addresses one member, so then every link stands alone.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "sim/base/error.h"
#include "sim/base/hash.h"
#include "topologies/network.h"

namespace tenk {
namespace {

constexpr std::int64_t kMaxPorts = 65536;       // Of one switch.
constexpr std::int64_t kMaxCables = 1ll << 25;  // Of one tier.

// Ports of one switch of a level. Uplinks may be fractional (3072 / 7): capacity is exact, cables
// are rounded up.
struct Level {
  std::int64_t down = 0;
  double up = 0;
  std::int64_t radix = kMaxPorts;  // Most ports in use on a switch of this level.
};

struct ClosSpec {
  std::vector<Level> levels;  // Leaf, spine and, with three tiers, core (down only).
  std::int64_t rails = 1;
  LinkSpec link;
  RoutingSpec routing;
  bool open_core = false;  // The core's size was left open.
};

// Everything countable about the network; the index arithmetic of devices and links.
struct Dimensions {
  std::uint32_t ports = 0, ports_per_node = 0, rails = 1;
  std::uint32_t nodes_per_unit = 0;  // Nodes that share a set of `rails` leaves.
  std::uint32_t leaves = 0, leaves_per_pod = 0, pods = 1;
  std::uint32_t up = 0, spines_per_pod = 0, leaf_parallel = 1;  // Cables of a leaf; per spine.
  std::uint32_t core_up = 0, cores_per_plane = 0, core_parallel = 1;
  double up_share = 1, core_up_share = 1;         // Capacity of a cable, as a fraction of the rate.
  std::uint32_t host0 = 0, leaf0 = 0, core0 = 0;  // First links of the three stages.

  std::uint32_t leaf_of(PortId p) const {
    const std::uint32_t node = p.value / ports_per_node, nic = p.value % ports_per_node;
    return node / nodes_per_unit * rails + nic * rails / ports_per_node;
  }
  std::uint32_t pod_of(std::uint32_t leaf) const { return leaf / leaves_per_pod; }
  LinkId host_up(PortId p) const { return LinkId(host0 + 2 * p.value); }
  LinkId host_down(PortId p) const { return LinkId(host0 + 2 * p.value + 1); }
  LinkId leaf_up(std::uint32_t leaf, std::uint32_t t) const {
    return LinkId(leaf0 + 2 * (leaf * up + t));
  }
  LinkId leaf_down(std::uint32_t leaf, std::uint32_t t) const {
    return LinkId(leaf0 + 2 * (leaf * up + t) + 1);
  }
  LinkId core_up_link(std::uint32_t pod, std::uint32_t plane, std::uint32_t t) const {
    return LinkId(core0 + 2 * ((pod * spines_per_pod + plane) * core_up + t));
  }
  LinkId core_down_link(std::uint32_t pod, std::uint32_t plane, std::uint32_t t) const {
    return LinkId(core_up_link(pod, plane, t).value + 1);
  }
};

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
  if (levels.size() < 1 || levels.size() > 3) {
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
    level.radix = spec.open_core && level.up <= 0 ? kMaxPorts : level.down;
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

void set_pods(const ClosSpec& spec, Dimensions& d) {
  const Level& spine = spec.levels[1];
  if (spec.levels.size() == 2) {
    d.leaves_per_pod = d.leaves;
    d.leaf_parallel = parallel_cables(d.up, d.leaves, spine.radix);
    d.spines_per_pod = d.up / d.leaf_parallel;
    return;
  }
  const auto whole_units = spine.down / d.rails * d.rails;
  d.leaves_per_pod = static_cast<std::uint32_t>(std::max<std::int64_t>(whole_units, 1));
  d.pods = ceil_div(d.leaves, d.leaves_per_pod);
  d.spines_per_pod = d.up;
  d.core_up = static_cast<std::uint32_t>(std::ceil(spine.up - 1e-9));
  d.core_up_share = spine.up / d.core_up;
  d.core_parallel = parallel_cables(d.core_up, d.pods, spec.levels[2].radix);
  d.cores_per_plane = d.core_up / d.core_parallel;
}

// Faults go to the section; the result is then harmless but of no use.
Dimensions size_network(Section& s, const ClosSpec& spec, const NetworkShape& shape) {
  Dimensions d;
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
  d.leaves = ceil_div(shape.nodes, d.nodes_per_unit) * d.rails;
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

class ClosRouter : public Router {
 public:
  ClosRouter(const Dimensions& d, const RoutingSpec& routing, const Graph& graph, TrunkTable& t);
  Time connect(PortId from, PortId to, const Wire& wire, std::vector<Usage>& out) const override;
  Time connect_all_pairs(std::span<const PortId> ports, const Wire& wire,
                         std::vector<Usage>& out) const override;

 private:
  struct Stage {  // The uplinks (or downlinks) of one leaf or pod.
    TrunkId first;
    std::uint32_t members = 1;  // 1: one trunk; else so many trunks of one, numbered in a row.
  };
  // One hashed connection, or (spray) all paths in equal parts.
  struct Choice {
    bool hashed = false;
    std::uint64_t hash = 0;
  };
  struct Share {
    std::uint32_t link = 0;
    double weight = 0;
  };

  void lay_trunks(const Graph& graph, TrunkTable& t);
  Stage lay_stage(const std::vector<LinkId>& links, const Graph& graph, TrunkTable& t) const;
  static void add(const Stage& stage, double weight, std::vector<Usage>& out);
  void add(LinkId link, double weight, std::vector<Usage>& out) const;
  bool alive(LinkId link) const { return alive_[link.value - d_.host0]; }
  std::vector<Share> choose(const std::vector<std::uint32_t>& links, double weight,
                            const Choice& choice, std::uint64_t hop) const;
  std::vector<std::uint32_t> spine_downs(std::uint32_t spine, std::uint32_t leaf) const;
  std::vector<std::uint32_t> core_downs(std::uint32_t pod, std::uint32_t plane,
                                        std::uint32_t core) const;
  std::vector<std::uint32_t> core_ups(std::uint32_t from_pod, std::uint32_t to_pod,
                                      std::uint32_t plane) const;
  void by_members(std::uint32_t from, std::uint32_t to, double weight, const Choice& choice,
                  std::vector<Usage>& out) const;
  void across(std::uint32_t from_pod, std::uint32_t to_pod, std::uint32_t plane, double weight,
              const Choice& choice, std::vector<Usage>& out) const;
  void between_leaves(std::uint32_t from, std::uint32_t to, double weight, const Choice& choice,
                      std::vector<Usage>& out) const;
  Time latency(std::uint32_t leaf_a, std::uint32_t leaf_b) const;

  Dimensions d_;
  RoutingSpec routing_;
  bool by_members_ = false;  // Links stand alone: some link is dead, or connections are hashed.
  Time host_latency_, leaf_latency_, core_latency_;
  std::vector<Stage> leaf_up_, leaf_down_, pod_up_, pod_down_;
  std::vector<bool> alive_;     // From host0 on.
  std::vector<TrunkId> trunk_;  // From host0 on.
};

ClosRouter::ClosRouter(const Dimensions& d, const RoutingSpec& routing, const Graph& graph,
                       TrunkTable& t)
    : d_(d), routing_(routing), by_members_(routing.policy == RoutingPolicy::kEcmpHash) {
  const auto links = graph.links();
  for (std::size_t l = d_.host0; l < links.size(); ++l) {
    alive_.push_back(links[l].capacity.value() > 0);
    by_members_ = by_members_ || (l >= d_.leaf0 && !alive_.back());
  }
  host_latency_ = links[d_.host0].latency;
  leaf_latency_ = links[d_.leaf0].latency;
  if (d_.core_up > 0) core_latency_ = links[d_.core0].latency;
  lay_trunks(graph, t);
}

ClosRouter::Stage ClosRouter::lay_stage(const std::vector<LinkId>& links, const Graph& graph,
                                        TrunkTable& t) const {
  const Bandwidth rate = graph.link(links.front()).capacity;
  const bool equal = std::all_of(links.begin(), links.end(),
                                 [&](LinkId l) { return graph.link(l).capacity == rate; });
  if (equal && !by_members_) return {t.bundle(links), 1};
  const TrunkId first(t.trunks.size());
  for (const LinkId l : links) t.single(l);
  return {first, static_cast<std::uint32_t>(links.size())};
}

void ClosRouter::lay_trunks(const Graph& graph, TrunkTable& t) {
  for (std::uint32_t p = 0; p < d_.ports; ++p) {
    t.single(d_.host_up(PortId(p)));
    t.single(d_.host_down(PortId(p)));
  }
  std::vector<LinkId> up, down;
  const auto lay = [&](std::vector<Stage>& ups, std::vector<Stage>& downs) {
    ups.push_back(lay_stage(up, graph, t));
    downs.push_back(lay_stage(down, graph, t));
    up.clear();
    down.clear();
  };
  for (std::uint32_t leaf = 0; leaf < d_.leaves; ++leaf) {
    for (std::uint32_t i = 0; i < d_.up; ++i) {
      up.push_back(d_.leaf_up(leaf, i));
      down.push_back(d_.leaf_down(leaf, i));
    }
    lay(leaf_up_, leaf_down_);
  }
  for (std::uint32_t pod = 0; d_.core_up > 0 && pod < d_.pods; ++pod) {
    for (std::uint32_t plane = 0; plane < d_.spines_per_pod; ++plane) {
      for (std::uint32_t i = 0; i < d_.core_up; ++i) {
        up.push_back(d_.core_up_link(pod, plane, i));
        down.push_back(d_.core_down_link(pod, plane, i));
      }
    }
    lay(pod_up_, pod_down_);
  }
  trunk_.assign(t.trunk_of_link.begin() + d_.host0, t.trunk_of_link.end());
}

void ClosRouter::add(const Stage& stage, double weight, std::vector<Usage>& out) {
  for (std::uint32_t i = 0; i < stage.members; ++i) {
    out.push_back({TrunkId(stage.first.value + i), weight / stage.members});
  }
}

void ClosRouter::add(LinkId link, double weight, std::vector<Usage>& out) const {
  out.push_back({trunk_[link.value - d_.host0], weight});
}

std::vector<ClosRouter::Share> ClosRouter::choose(const std::vector<std::uint32_t>& links,
                                                  double weight, const Choice& choice,
                                                  std::uint64_t hop) const {
  if (choice.hashed) {
    const std::uint64_t h = combine(choice.hash, hop);
    return {{links[h % links.size()], weight}};
  }
  std::vector<Share> shares;
  for (const std::uint32_t l : links) {
    shares.push_back({l, weight / static_cast<double>(links.size())});
  }
  return shares;
}

// Live cables from spine `spine` of the leaf's pod down to the leaf, as uplink numbers of the leaf.
std::vector<std::uint32_t> ClosRouter::spine_downs(std::uint32_t spine, std::uint32_t leaf) const {
  std::vector<std::uint32_t> live;
  for (std::uint32_t i = 0; i < d_.leaf_parallel; ++i) {
    const std::uint32_t t = spine * d_.leaf_parallel + i;
    if (alive(d_.leaf_down(leaf, t))) live.push_back(t);
  }
  return live;
}

// Live cables from core `core` of a plane down to that plane's spine of a pod.
std::vector<std::uint32_t> ClosRouter::core_downs(std::uint32_t pod, std::uint32_t plane,
                                                  std::uint32_t core) const {
  std::vector<std::uint32_t> live;
  for (std::uint32_t i = 0; i < d_.core_parallel; ++i) {
    const std::uint32_t t = core * d_.core_parallel + i;
    if (alive(d_.core_down_link(pod, plane, t))) live.push_back(t);
  }
  return live;
}

// Live uplinks of spine `plane` in one pod whose core still reaches the other pod.
std::vector<std::uint32_t> ClosRouter::core_ups(std::uint32_t from_pod, std::uint32_t to_pod,
                                                std::uint32_t plane) const {
  std::vector<std::uint32_t> live;
  for (std::uint32_t t = 0; t < d_.core_up; ++t) {
    if (!alive(d_.core_up_link(from_pod, plane, t))) continue;
    if (!core_downs(to_pod, plane, t / d_.core_parallel).empty()) live.push_back(t);
  }
  return live;
}

void ClosRouter::across(std::uint32_t from_pod, std::uint32_t to_pod, std::uint32_t plane,
                        double weight, const Choice& choice, std::vector<Usage>& out) const {
  for (const Share& up : choose(core_ups(from_pod, to_pod, plane), weight, choice, 2)) {
    add(d_.core_up_link(from_pod, plane, up.link), up.weight, out);
    const auto downs = core_downs(to_pod, plane, up.link / d_.core_parallel);
    for (const Share& down : choose(downs, up.weight, choice, 3)) {
      add(d_.core_down_link(to_pod, plane, down.link), down.weight, out);
    }
  }
}

// Hop by hop, each switch spreads evenly over (or hashes onto) the live links that lead there.
void ClosRouter::by_members(std::uint32_t from, std::uint32_t to, double weight,
                            const Choice& choice, std::vector<Usage>& out) const {
  const std::uint32_t from_pod = d_.pod_of(from), to_pod = d_.pod_of(to);
  std::vector<std::uint32_t> ups;
  for (std::uint32_t t = 0; t < d_.up; ++t) {
    const std::uint32_t spine = t / d_.leaf_parallel;
    if (!alive(d_.leaf_up(from, t)) || spine_downs(spine, to).empty()) continue;
    if (from_pod == to_pod || !core_ups(from_pod, to_pod, spine).empty()) ups.push_back(t);
  }
  if (ups.empty()) {
    throw Error(
        ErrorKind::kInvalid,
        fmt::format("no path from leaf{} to leaf{}: the links between them are down", from, to));
  }
  for (const Share& up : choose(ups, weight, choice, 1)) {
    const std::uint32_t spine = up.link / d_.leaf_parallel;
    add(d_.leaf_up(from, up.link), up.weight, out);
    if (from_pod != to_pod) across(from_pod, to_pod, spine, up.weight, choice, out);
    for (const Share& down : choose(spine_downs(spine, to), up.weight, choice, 4)) {
      add(d_.leaf_down(to, down.link), down.weight, out);
    }
  }
}

void ClosRouter::between_leaves(std::uint32_t from, std::uint32_t to, double weight,
                                const Choice& choice, std::vector<Usage>& out) const {
  if (from == to) return;
  if (by_members_) return by_members(from, to, weight, choice, out);
  add(leaf_up_[from], weight, out);
  if (d_.pod_of(from) != d_.pod_of(to)) {
    add(pod_up_[d_.pod_of(from)], weight, out);
    add(pod_down_[d_.pod_of(to)], weight, out);
  }
  add(leaf_down_[to], weight, out);
}

Time ClosRouter::latency(std::uint32_t leaf_a, std::uint32_t leaf_b) const {
  Time t = host_latency_ * 2;
  if (leaf_a != leaf_b) t += leaf_latency_ * 2;
  if (d_.pod_of(leaf_a) != d_.pod_of(leaf_b)) t += core_latency_ * 2;
  return t;
}

Time ClosRouter::connect(PortId from, PortId to, const Wire& wire, std::vector<Usage>& out) const {
  add(d_.host_up(from), wire.weight, out);
  add(d_.host_down(to), wire.weight, out);
  Choice choice;
  choice.hashed = routing_.policy == RoutingPolicy::kEcmpHash;
  choice.hash = combine(combine(routing_.seed, wire.key), combine(from.value, to.value));
  between_leaves(d_.leaf_of(from), d_.leaf_of(to), wire.weight, choice, out);
  return latency(d_.leaf_of(from), d_.leaf_of(to));
}

Time ClosRouter::connect_all_pairs(std::span<const PortId> ports, const Wire& wire,
                                   std::vector<Usage>& out) const {
  const double weight = wire.weight;
  Time worst;
  if (routing_.policy == RoutingPolicy::kEcmpHash) {
    if (ports.size() > kMaxHashedPorts) {
      throw Error(ErrorKind::kInvalid,
                  fmt::format("all-to-all over {} ports under routing.policy ecmp-hash: at most {} "
                              "can be enumerated; use ecmp-expected, which has the same mean load",
                              ports.size(), kMaxHashedPorts));
    }
    for (const PortId a : ports) {
      for (const PortId b : ports) {
        if (a != b) worst = std::max(worst, connect(a, b, wire, out));
      }
      if (out.size() > (1u << 22)) merge_usage(out);
    }
    return worst;
  }
  const double others = static_cast<double>(ports.size() - 1);
  std::vector<double> on_leaf(d_.leaves, 0), in_pod(d_.pods, 0);
  for (const PortId p : ports) {
    add(d_.host_up(p), weight * others, out);
    add(d_.host_down(p), weight * others, out);
    on_leaf[d_.leaf_of(p)] += 1;
    in_pod[d_.pod_of(d_.leaf_of(p))] += 1;
  }
  const std::uint32_t first = d_.leaf_of(ports.front()), last = d_.leaf_of(ports.back());
  worst = latency(first, last);  // Ports ascend, so the ends are the farthest apart.
  if (by_members_) {
    for (std::uint32_t a = 0; a < d_.leaves; ++a) {
      for (std::uint32_t b = 0; on_leaf[a] > 0 && b < d_.leaves; ++b) {
        if (on_leaf[b] > 0) between_leaves(a, b, weight * on_leaf[a] * on_leaf[b], {}, out);
      }
      if (out.size() > (1u << 22)) merge_usage(out);
    }
    return worst;
  }
  const double all = others + 1;
  for (std::uint32_t leaf = 0; leaf < d_.leaves; ++leaf) {
    const double outside = weight * on_leaf[leaf] * (all - on_leaf[leaf]);
    if (outside <= 0) continue;
    add(leaf_up_[leaf], outside, out);
    add(leaf_down_[leaf], outside, out);
  }
  for (std::uint32_t pod = 0; d_.core_up > 0 && pod < d_.pods; ++pod) {
    const double outside = weight * in_pod[pod] * (all - in_pod[pod]);
    if (outside <= 0) continue;
    add(pod_up_[pod], outside, out);
    add(pod_down_[pod], outside, out);
  }
  return worst;
}

class Clos : public Network {
 public:
  Clos(ClosSpec spec, const Dimensions& d) : spec_(std::move(spec)), d_(d) {}

  void build(GraphBuilder& b, std::span<const DeviceId> ports) const override {
    const auto switches = [&](std::string_view kind, std::uint32_t count) {
      const std::uint16_t k = b.device_kind(kind);
      std::vector<DeviceId> ids;
      for (std::uint32_t i = 0; i < count; ++i) ids.push_back(b.add({k, 1, kNoNode, i}));
      return ids;
    };
    const auto leaves = switches("leaf", d_.leaves);
    const auto spines = switches("spine", d_.pods * d_.spines_per_pod);
    const auto cores = switches("core", d_.spines_per_pod * d_.cores_per_plane);
    const auto cable = [&](DeviceId from, DeviceId to, double share, const std::string& kind) {
      b.add({from, to, spec_.link.rate * share, spec_.link.latency, b.link_kind(kind + " up"),
             b.link_kind(kind + " down")});
    };
    for (std::uint32_t p = 0; p < d_.ports; ++p) {
      cable(ports[p], leaves[d_.leaf_of(PortId(p))], 1, "host");
    }
    for (std::uint32_t leaf = 0; leaf < d_.leaves; ++leaf) {
      for (std::uint32_t t = 0; t < d_.up; ++t) {
        const std::uint32_t spine = d_.pod_of(leaf) * d_.spines_per_pod + t / d_.leaf_parallel;
        cable(leaves[leaf], spines[spine], d_.up_share, "leaf-spine");
      }
    }
    for (std::uint32_t s = 0; s < spines.size(); ++s) {
      for (std::uint32_t t = 0; t < d_.core_up; ++t) {
        const std::uint32_t plane = s % d_.spines_per_pod;
        cable(spines[s], cores[plane * d_.cores_per_plane + t / d_.core_parallel], d_.core_up_share,
              "spine-core");
      }
    }
  }

  std::shared_ptr<const Router> route(const Graph& graph, LinkId first_link,
                                      TrunkTable& trunks) const override {
    Dimensions d = d_;  // Links stand in the order in which build adds them.
    d.host0 = first_link.value;
    d.leaf0 = d.host0 + 2 * d.ports;
    d.core0 = d.leaf0 + 2 * d.leaves * d.up;
    return std::make_shared<ClosRouter>(d, spec_.routing, graph, trunks);
  }

  NetworkFacts facts() const override {
    NetworkFacts facts;
    facts.port_rate = spec_.link.rate;
    const Level& top = spec_.levels.back();
    const std::uint32_t needed =
        spec_.levels.size() == 2 ? d_.leaves * d_.leaf_parallel : d_.pods * d_.core_parallel;
    if (needed > top.radix) {
      facts.buildable = false;
      facts.reason = fmt::format("a top-tier switch needs {} ports and has {}", needed, top.radix);
    }
    if (spec_.open_core) {
      facts.assumptions.push_back(
          fmt::format("top tier: the scenario gives no size; {} switches of {} ports assumed",
                      d_.spines_per_pod * std::max(1u, d_.cores_per_plane), needed));
    }
    return facts;
  }

 private:
  ClosSpec spec_;
  Dimensions d_;
};

std::shared_ptr<const Network> read_clos(Section& s, const NetworkShape& shape) {
  ClosSpec spec;
  if (s.has("levels") && (s.has("radix") || s.has("tiers"))) {
    s.fail("levels", "a clos is given either by tiers and radix or by levels, not both");
  }
  s.has("levels") ? read_levels(s, spec) : read_radix(s, spec);
  spec.rails = s.integer("rails", {1, 64}, 1);
  spec.link = read_link(s.section("link"));
  spec.routing = read_routing(s.section("routing", false));
  const Dimensions d = size_network(s, spec, shape);
  return std::make_shared<Clos>(std::move(spec), d);
}

}  // namespace

extern const NetworkKind kClos{
    .name = "clos",
    .summary = "leaf-spine or three-tier CLOS by radix or by level, rails, oversubscription",
    .read = read_clos};

}  // namespace tenk
