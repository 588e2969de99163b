// Which way does a byte go through a CLOS network?
//
// Trunks: under spray every uplink of a healthy leaf (of a pod) carries the same, so each leaf has
// one trunk up and one down, each pod one to and from the cores. A link that is slower than its
// fellows splits the trunk it is in; a dead link changes the set of paths, and a hashed connection
// addresses one member, so then every link stands alone.
#include <algorithm>

#include <fmt/format.h>

#include "sim/base/error.h"
#include "sim/base/hash.h"
#include "topologies/clos_network.h"

namespace tenk {
namespace {

class ClosRouter : public Router {
 public:
  ClosRouter(const ClosShape& d, const RoutingSpec& routing, const Graph& graph, TrunkTable& t);
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
  Time hashed_all_pairs(std::span<const PortId> ports, const Wire& wire,
                        std::vector<Usage>& out) const;

  ClosShape d_;
  RoutingSpec routing_;
  bool by_members_ = false;  // Links stand alone: some link is dead, or connections are hashed.
  Time host_latency_, leaf_latency_, core_latency_;
  std::vector<Stage> leaf_up_, leaf_down_, pod_up_, pod_down_;
  std::vector<bool> alive_;     // From host0 on.
  std::vector<TrunkId> trunk_;  // From host0 on.
};

ClosRouter::ClosRouter(const ClosShape& d, const RoutingSpec& routing, const Graph& graph,
                       TrunkTable& t)
    : d_(d), routing_(routing), by_members_(routing.policy == RoutingPolicy::kEcmpHash) {
  const auto links = graph.links();
  for (std::size_t l = d_.host0; l < d_.host0 + d_.links(); ++l) {
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
  const auto first = t.trunk_of_link.begin() + d_.host0;
  trunk_.assign(first, first + d_.links());
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
  shares.reserve(links.size());
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

Time ClosRouter::hashed_all_pairs(std::span<const PortId> ports, const Wire& wire,
                                  std::vector<Usage>& out) const {
  if (ports.size() > kMaxHashedPorts) {
    throw Error(ErrorKind::kInvalid,
                fmt::format("all-to-all over {} ports under routing.policy ecmp-hash: at most {} "
                            "can be enumerated; use ecmp-expected, which has the same mean load",
                            ports.size(), kMaxHashedPorts));
  }
  Time worst;
  for (const PortId a : ports) {
    for (const PortId b : ports) {
      if (a != b) worst = std::max(worst, connect(a, b, wire, out));
    }
    if (out.size() > (1u << 22)) merge_usage(out);
  }
  return worst;
}

Time ClosRouter::connect_all_pairs(std::span<const PortId> ports, const Wire& wire,
                                   std::vector<Usage>& out) const {
  if (routing_.policy == RoutingPolicy::kEcmpHash) return hashed_all_pairs(ports, wire, out);
  const double weight = wire.weight, all = static_cast<double>(ports.size());
  std::vector<double> on_leaf(d_.leaves, 0), in_pod(d_.pods, 0);
  Time worst;
  for (const PortId p : ports) {
    add(d_.host_up(p), weight * (all - 1), out);
    add(d_.host_down(p), weight * (all - 1), out);
    const std::uint32_t leaf = d_.leaf_of(p);
    on_leaf[leaf] += 1;
    in_pod[d_.pod_of(leaf)] += 1;
    worst = std::max(worst, latency(d_.leaf_of(ports.front()), leaf));
  }
  if (by_members_) {
    for (std::uint32_t a = 0; a < d_.leaves; ++a) {
      for (std::uint32_t b = 0; on_leaf[a] > 0 && b < d_.leaves; ++b) {
        if (on_leaf[b] > 0) between_leaves(a, b, weight * on_leaf[a] * on_leaf[b], {}, out);
      }
      if (out.size() > (1u << 22)) merge_usage(out);
    }
    return worst;
  }
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

}  // namespace

std::shared_ptr<const Router> route_clos(const ClosSpec& spec, const ClosShape& shape,
                                         LinkId first_link, const Graph& graph,
                                         TrunkTable& trunks) {
  ClosShape d = shape;  // Links stand in the order in which build_clos adds them.
  d.host0 = first_link.value;
  d.leaf0 = d.host0 + 2 * d.ports;
  d.core0 = d.leaf0 + 2 * d.leaves * d.up;
  return std::make_shared<ClosRouter>(d, spec.routing, graph, trunks);
}

}  // namespace tenk
