// Which way does a byte go through a CLOS network?
//
// Trunks: under spray every uplink of a healthy leaf (of a pod) carries the same, so each leaf has
// one trunk up and one down, each pod one to and from the cores. A link that is slower than its
// fellows splits the trunk it is in; a dead link changes the set of paths, and a hashed connection
// addresses one member, so then every link stands alone.
//
// Adaptive: hop by hop each switch fills its ways in proportion to their room, that of the narrowest
// link ahead (what all leaves of a pod share counts by its part for one). That is where choosing the
// emptiest way comes to rest for the traffic of any one pair of leaves, and of all pairs whose own
// links differ; with all links equal it is spray. Shares do not follow who else sends.
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
  bool hashes() const override { return routing_.hashes(); }

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
  struct Way {
    std::uint32_t link = 0;
    double room = 0;  // Bytes/s
  };
  struct Share {
    std::uint32_t link = 0;
    double weight = 0;
  };

  void lay_trunks(const Graph& graph, TrunkTable& t);
  Stage lay_stage(const std::vector<LinkId>& links, const Graph& graph, TrunkTable& t) const;
  static void add(const Stage& stage, double weight, std::vector<Usage>& out);
  void add(LinkId link, double weight, std::vector<Usage>& out) const;
  bool alive(LinkId link) const { return rate(link) > 0; }
  double rate(LinkId link) const { return rate_[link.value - d_.host0].value(); }
  std::vector<Share> choose(const std::vector<Way>& ways, double weight, const Choice& choice,
                            std::uint64_t hop) const;
  std::vector<Way> spine_downs(std::uint32_t spine, std::uint32_t leaf) const;
  std::vector<Way> core_downs(std::uint32_t pod, std::uint32_t plane, std::uint32_t core) const;
  std::vector<Way> core_ups(std::uint32_t from_pod, std::uint32_t to_pod,
                            std::uint32_t plane) const;
  std::vector<Way> leaf_ups(std::uint32_t from, std::uint32_t to) const;
  static double room_of(const std::vector<Way>& ways);  // Of all together.
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
  std::vector<Bandwidth> rate_;  // From host0 on.
  std::vector<TrunkId> trunk_;   // From host0 on.
};

ClosRouter::ClosRouter(const ClosShape& d, const RoutingSpec& routing, const Graph& graph,
                       TrunkTable& t)
    : d_(d), routing_(routing), by_members_(routing.hashes()) {
  const auto links = graph.links();
  const bool adapts = routing.policy == RoutingPolicy::kAdaptive;
  for (std::size_t l = d_.host0; l < d_.host0 + d_.links(); ++l) {
    rate_.push_back(links[l].capacity);
    const std::size_t first = d_.core_up > 0 && l >= d_.core0 ? d_.core0 : d_.leaf0;
    const bool slow = adapts && l >= d_.leaf0 && links[l].capacity != links[first].capacity;
    by_members_ = by_members_ || (l >= d_.leaf0 && rate_.back().value() <= 0) || slow;
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

std::vector<ClosRouter::Share> ClosRouter::choose(const std::vector<Way>& ways, double weight,
                                                  const Choice& choice, std::uint64_t hop) const {
  if (choice.hashed) {
    const std::uint64_t h = combine(choice.hash, hop);
    return {{ways[h % ways.size()].link, weight}};
  }
  const bool adapts = routing_.policy == RoutingPolicy::kAdaptive;
  double all = 0;
  for (const Way& w : ways) all += adapts ? w.room : 1;
  std::vector<Share> shares;
  shares.reserve(ways.size());
  for (const Way& w : ways) shares.push_back({w.link, weight * (adapts ? w.room : 1) / all});
  return shares;
}

double ClosRouter::room_of(const std::vector<Way>& ways) {
  double all = 0;
  for (const Way& w : ways) all += w.room;
  return all;
}

// Live cables from spine `spine` of the leaf's pod down to the leaf, as uplink numbers of the leaf.
std::vector<ClosRouter::Way> ClosRouter::spine_downs(std::uint32_t spine,
                                                     std::uint32_t leaf) const {
  std::vector<Way> live;
  for (std::uint32_t i = 0; i < d_.leaf_parallel; ++i) {
    const std::uint32_t t = spine * d_.leaf_parallel + i;
    if (alive(d_.leaf_down(leaf, t))) live.push_back({t, rate(d_.leaf_down(leaf, t))});
  }
  return live;
}

// Live cables from core `core` of a plane down to that plane's spine of a pod.
std::vector<ClosRouter::Way> ClosRouter::core_downs(std::uint32_t pod, std::uint32_t plane,
                                                    std::uint32_t core) const {
  std::vector<Way> live;
  for (std::uint32_t i = 0; i < d_.core_parallel; ++i) {
    const std::uint32_t t = core * d_.core_parallel + i;
    const LinkId link = d_.core_down_link(pod, plane, t);
    if (alive(link)) live.push_back({t, rate(link)});
  }
  return live;
}

// Live uplinks of spine `plane` in one pod whose core still reaches the other pod.
std::vector<ClosRouter::Way> ClosRouter::core_ups(std::uint32_t from_pod, std::uint32_t to_pod,
                                                  std::uint32_t plane) const {
  std::vector<Way> live;
  for (std::uint32_t t = 0; t < d_.core_up; ++t) {
    const LinkId link = d_.core_up_link(from_pod, plane, t);
    if (!alive(link)) continue;
    const double ahead = room_of(core_downs(to_pod, plane, t / d_.core_parallel));
    if (ahead > 0) live.push_back({t, std::min(rate(link), ahead / d_.core_parallel)});
  }
  return live;
}

// Live uplinks of a leaf from whose spine the other leaf is reached.
std::vector<ClosRouter::Way> ClosRouter::leaf_ups(std::uint32_t from, std::uint32_t to) const {
  const std::uint32_t from_pod = d_.pod_of(from), to_pod = d_.pod_of(to);
  std::vector<Way> live;
  for (std::uint32_t t = 0; t < d_.up; ++t) {
    const std::uint32_t spine = t / d_.leaf_parallel;
    if (!alive(d_.leaf_up(from, t))) continue;
    double ahead = room_of(spine_downs(spine, to)) / d_.leaf_parallel;
    if (from_pod != to_pod) {
      ahead = std::min(ahead, room_of(core_ups(from_pod, to_pod, spine)) / d_.leaves_per_pod);
    }
    if (ahead > 0) live.push_back({t, std::min(rate(d_.leaf_up(from, t)), ahead)});
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

// Hop by hop, each switch spreads over (or hashes onto) the live links that lead there.
void ClosRouter::by_members(std::uint32_t from, std::uint32_t to, double weight,
                            const Choice& choice, std::vector<Usage>& out) const {
  const std::uint32_t from_pod = d_.pod_of(from), to_pod = d_.pod_of(to);
  const std::vector<Way> ups = leaf_ups(from, to);
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

// Sums what was appended from `first` on by trunk.
void merge_tail(std::size_t first, std::vector<Usage>& out) {
  std::vector<Usage> tail(out.begin() + static_cast<std::ptrdiff_t>(first), out.end());
  merge_usage(tail);
  out.resize(first);
  out.insert(out.end(), tail.begin(), tail.end());
}

Time ClosRouter::connect(PortId from, PortId to, const Wire& wire, std::vector<Usage>& out) const {
  add(d_.host_up(from), wire.weight, out);
  add(d_.host_down(to), wire.weight, out);
  const std::uint32_t leaf_a = d_.leaf_of(from), leaf_b = d_.leaf_of(to);
  Choice choice;
  choice.hashed = routing_.hashes();
  const std::uint64_t hash =
      combine(combine(routing_.seed, wire.key), combine(from.value, to.value));
  if (routing_.policy != RoutingPolicy::kFlowlets) {
    choice.hash = hash;
    between_leaves(leaf_a, leaf_b, wire.weight, choice, out);
    return latency(leaf_a, leaf_b);
  }
  const std::size_t before = out.size();
  const auto pieces = static_cast<double>(routing_.pieces);
  for (std::int64_t i = 0; i < routing_.pieces; ++i) {
    choice.hash = combine(hash, static_cast<std::uint64_t>(i));
    between_leaves(leaf_a, leaf_b, wire.weight / pieces, choice, out);
  }
  merge_tail(before, out);
  return latency(leaf_a, leaf_b);
}

Time ClosRouter::hashed_all_pairs(std::span<const PortId> ports, const Wire& wire,
                                  std::vector<Usage>& out) const {
  if (ports.size() > kMaxHashedPorts) {
    throw Error(ErrorKind::kInvalid,
                fmt::format("all-to-all over {} ports under hashed routing: at most {} "
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
  if (routing_.hashes()) return hashed_all_pairs(ports, wire, out);
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
