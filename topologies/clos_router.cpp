// Which way does a byte go through a CLOS network?
//
// Hop by hop each switch spreads a connection evenly over the live links that lead there, or (under
// ecmp-hash) hashes it onto one of them, or (flowlets) each of its pieces. Sprayed routes are
// written by bundle (clos_trunks.h); where links differ adaptive routes are clos_adaptive.cpp's.
#include <algorithm>

#include <fmt/format.h>

#include "sim/base/error.h"
#include "sim/base/hash.h"
#include "topologies/clos_network.h"
#include "topologies/clos_trunks.h"

namespace tenk {
namespace {

class ClosRouter : public Router {
 public:
  ClosRouter(const ClosShape& d, const RoutingSpec& routing, const Graph& graph, TrunkTable& t);
  Time connect(PortId from, PortId to, const Wire& wire, std::vector<Usage>& out) const override;
  Time connect_all_pairs(std::span<const PortId> ports, const Wire& wire,
                         std::vector<Usage>& out) const override;
  std::size_t most_all_pairs() const override {
    return hashes() ? kMaxHashedRanks : Router::most_all_pairs();
  }
  bool hashes() const override { return routing_.hashes(); }

 private:
  enum class Half { kUp, kDown, kBoth };  // Of a route; up includes the way between pods.
  struct Leaves {
    std::uint32_t from = 0, to = 0;
  };
  struct Ports {  // Of one all-to-all, on leaves that all others reach alike.
    std::uint32_t leaf = 0;
    double count = 0;
  };

  void add(const Bundle& bundle, double weight, std::vector<Usage>& out) const;
  [[noreturn]] static void refuse(const Leaves& way);
  std::uint32_t links_between(std::uint32_t plane, std::uint32_t from_pod,
                              std::uint32_t to_pod) const;
  std::uint32_t links_up(std::uint32_t plane, const Leaves& way) const;
  std::uint32_t links_up(const Leaves& way) const;
  void spray(const Leaves& way, double weight, Half half, std::vector<Usage>& out) const;
  void spray_over(std::uint32_t plane, const Leaves& way, double weight, Half half,
                  std::vector<Usage>& out) const;
  void across(std::uint32_t plane, std::uint32_t from_pod, std::uint32_t to_pod, double weight,
              std::vector<Usage>& out) const;
  template <class LinkAt>
  std::uint32_t nth_alive(std::uint64_t n, std::uint32_t first, const LinkAt& link_at) const;
  std::uint32_t hashed_up(const Leaves& way, std::uint64_t hash) const;
  std::uint32_t hashed_core_up(const Leaves& way, std::uint32_t spine, std::uint64_t hash) const;
  template <class Emit>
  void hashed(const Leaves& way, std::uint64_t hash, const Emit& emit) const;
  std::uint64_t hash_of(PortId from, PortId to, const Wire& wire) const {
    return combine(combine(routing_.seed, wire.key), combine(from.value, to.value));
  }
  // That a hashed connection is cut into.
  std::uint64_t pieces() const {
    return routing_.policy == RoutingPolicy::kFlowlets ? static_cast<std::uint64_t>(routing_.pieces)
                                                       : 1;
  }
  Time latency(std::uint32_t leaf_a, std::uint32_t leaf_b) const;
  void hashed_all_pairs(std::span<const PortId> ports, const Wire& wire,
                        std::vector<Usage>& out) const;
  void sprayed_all_pairs(std::span<const double> on_leaf, double weight,
                         std::vector<Usage>& out) const;
  void broken_all_pairs(std::span<const double> on_leaf, double weight,
                        std::vector<Usage>& out) const;

  ClosShape d_;
  RoutingSpec routing_;
  ClosTrunks trunks_;
  Time host_latency_, leaf_latency_, core_latency_;
};

ClosRouter::ClosRouter(const ClosShape& d, const RoutingSpec& routing, const Graph& graph,
                       TrunkTable& t)
    : d_(d), routing_(routing), trunks_(d, graph, hashes(), t) {
  const auto links = graph.links();
  host_latency_ = links[d_.host0].latency;
  leaf_latency_ = links[d_.leaf0].latency;
  if (d_.core_up > 0) core_latency_ = links[d_.core0].latency;
}

void ClosRouter::add(const Bundle& bundle, double weight, std::vector<Usage>& out) const {
  for (const Bundle::Part& p : trunks_.parts(bundle)) out.push_back({p.trunk, weight * p.share});
}

void ClosRouter::refuse(const Leaves& way) {
  throw Error(ErrorKind::kInvalid,
              fmt::format("no path from leaf{} to leaf{}: the links between them are down",
                          way.from, way.to));
}

// Live links that lead from one pod's spine of a broken plane to the other pod: those whose core
// still reaches it.
std::uint32_t ClosRouter::links_between(std::uint32_t plane, std::uint32_t from_pod,
                                        std::uint32_t to_pod) const {
  std::uint32_t links = trunks_.pod_up(from_pod, plane).links;
  for (std::uint32_t c = trunks_.first_core(plane); c < trunks_.first_core(plane + 1); ++c) {
    if (trunks_.core_down(to_pod, c).links > 0) links += trunks_.core_up(from_pod, c).links;
  }
  return links;
}

// Live uplinks that lead to the other leaf through a plane (0: through all whole ones).
std::uint32_t ClosRouter::links_up(std::uint32_t plane, const Leaves& way) const {
  const std::uint32_t from = d_.pod_of(way.from), to = d_.pod_of(way.to);
  if (plane > 0 && trunks_.leaf_down(way.to, plane).links == 0) return 0;
  if (plane > 0 && from != to && links_between(plane, from, to) == 0) return 0;
  return trunks_.leaf_up(way.from, plane).links;
}

std::uint32_t ClosRouter::links_up(const Leaves& way) const {
  std::uint32_t links = 0;
  for (std::uint32_t p = 0; p < trunks_.planes(); ++p) links += links_up(p, way);
  if (links == 0) refuse(way);
  return links;
}

void ClosRouter::spray(const Leaves& way, double weight, Half half, std::vector<Usage>& out) const {
  const double all = links_up(way);
  for (std::uint32_t p = 0; p < trunks_.planes(); ++p) {
    const std::uint32_t links = links_up(p, way);
    if (links > 0) spray_over(p, way, weight * (links / all), half, out);
  }
}

void ClosRouter::spray_over(std::uint32_t plane, const Leaves& way, double weight, Half half,
                            std::vector<Usage>& out) const {
  const std::uint32_t from = d_.pod_of(way.from), to = d_.pod_of(way.to);
  if (half != Half::kDown) {
    add(trunks_.leaf_up(way.from, plane), weight, out);
    if (from != to) across(plane, from, to, weight, out);
  }
  if (half != Half::kUp) add(trunks_.leaf_down(way.to, plane), weight, out);
}

void ClosRouter::across(std::uint32_t plane, std::uint32_t from_pod, std::uint32_t to_pod,
                        double weight, std::vector<Usage>& out) const {
  const double all =
      plane > 0 ? links_between(plane, from_pod, to_pod) : trunks_.pod_up(from_pod, 0).links;
  const double whole = weight * (trunks_.pod_up(from_pod, plane).links / all);
  add(trunks_.pod_up(from_pod, plane), whole, out);
  add(trunks_.pod_down(to_pod, plane), whole, out);
  if (plane == 0) return;
  for (std::uint32_t c = trunks_.first_core(plane); c < trunks_.first_core(plane + 1); ++c) {
    const Bundle &up = trunks_.core_up(from_pod, c), &down = trunks_.core_down(to_pod, c);
    if (up.links == 0 || down.links == 0) continue;
    add(up, weight * (up.links / all), out);
    add(down, weight * (up.links / all), out);
  }
}

// The n-th live one of the links that `link_at` numbers from `first` on; there are more than n.
template <class LinkAt>
std::uint32_t ClosRouter::nth_alive(std::uint64_t n, std::uint32_t first,
                                    const LinkAt& link_at) const {
  for (;; ++first) {
    if (trunks_.alive(link_at(first)) && n-- == 0) return first;
  }
}

// The uplink that a connection hashes onto, of those that lead to the other leaf.
std::uint32_t ClosRouter::hashed_up(const Leaves& way, std::uint64_t hash) const {
  if (trunks_.planes() == 1) return static_cast<std::uint32_t>(hash % d_.up);
  std::uint64_t n = hash % links_up(way);
  for (std::uint32_t spine = 0;; ++spine) {
    const std::uint32_t plane = trunks_.plane(spine);
    const std::uint64_t links = plane > 0 ? links_up(plane, way) : d_.leaf_parallel;
    if (n < links) {
      return nth_alive(n, spine * d_.leaf_parallel,
                       [&](std::uint32_t t) { return d_.leaf_up(way.from, t); });
    }
    n -= links;
  }
}

// The same from a spine to the cores.
std::uint32_t ClosRouter::hashed_core_up(const Leaves& way, std::uint32_t spine,
                                         std::uint64_t hash) const {
  const std::uint32_t plane = trunks_.plane(spine);
  if (plane == 0) return static_cast<std::uint32_t>(hash % d_.core_up);
  const std::uint32_t from = d_.pod_of(way.from), to = d_.pod_of(way.to);
  std::uint64_t n = hash % links_between(plane, from, to);
  for (std::uint32_t core = 0;; ++core) {
    const std::uint32_t c = trunks_.core(spine, core);
    const bool reaches = c == 0 || trunks_.core_down(to, c).links > 0;
    const std::uint64_t links = c == 0 ? d_.core_parallel : trunks_.core_up(from, c).links;
    if (reaches && n < links) {
      return nth_alive(n, core * d_.core_parallel,
                       [&](std::uint32_t t) { return d_.core_up_link(from, spine, t); });
    }
    n -= reaches ? links : 0;
  }
}

// Calls emit(link) for each link between two leaves on the path of one connection.
template <class Emit>
void ClosRouter::hashed(const Leaves& way, std::uint64_t hash, const Emit& emit) const {
  if (way.from == way.to) return;
  const std::uint32_t from = d_.pod_of(way.from), to = d_.pod_of(way.to);
  const std::uint32_t up = hashed_up(way, combine(hash, 1));
  const std::uint32_t spine = up / d_.leaf_parallel, plane = trunks_.plane(spine);
  emit(d_.leaf_up(way.from, up));
  if (from != to) {
    const std::uint32_t t = hashed_core_up(way, spine, combine(hash, 2));
    const std::uint32_t core = t / d_.core_parallel, broken = trunks_.core(spine, core);
    emit(d_.core_up_link(from, spine, t));
    const std::uint32_t links = broken > 0 ? trunks_.core_down(to, broken).links : d_.core_parallel;
    emit(d_.core_down_link(
        to, spine,
        nth_alive(combine(hash, 3) % links, core * d_.core_parallel,
                  [&](std::uint32_t i) { return d_.core_down_link(to, spine, i); })));
  }
  const std::uint32_t links = plane > 0 ? trunks_.leaf_down(way.to, plane).links : d_.leaf_parallel;
  emit(d_.leaf_down(way.to, nth_alive(combine(hash, 4) % links, spine * d_.leaf_parallel,
                                      [&](std::uint32_t t) { return d_.leaf_down(way.to, t); })));
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
  const Leaves way{d_.leaf_of(from), d_.leaf_of(to)};
  const auto add_link = [&](LinkId l) { out.push_back({trunks_.of(l), wire.weight}); };
  add_link(d_.host_up(from));
  if (hashes()) {
    const std::size_t before = out.size();
    const double share = wire.weight / static_cast<double>(pieces());
    for (std::uint64_t i = 0; i < pieces(); ++i) {
      hashed(way, hash_of(from, to, wire) + i, [&](LinkId l) {
        out.push_back({trunks_.of(l), share});
      });
    }
    if (pieces() > 1) merge_tail(before, out);
  } else if (way.from != way.to) {
    spray(way, wire.weight, Half::kBoth, out);
  }
  add_link(d_.host_down(to));  // In order of the path.
  return latency(way.from, way.to);
}

// Each connection on its one path, counted link by link: O(ports^2) steps, O(links) memory.
void ClosRouter::hashed_all_pairs(std::span<const PortId> ports, const Wire& wire,
                                  std::vector<Usage>& out) const {
  std::vector<std::uint32_t> leaf;
  for (const PortId p : ports) leaf.push_back(d_.leaf_of(p));
  const double share = wire.weight / static_cast<double>(pieces());
  std::vector<std::uint32_t> connections(d_.links(), 0);  // In pieces.
  const auto count = [&](LinkId l) { ++connections[l.value - d_.host0]; };
  for (std::size_t a = 0; a < ports.size(); ++a) {
    for (std::size_t b = 0; b < ports.size(); ++b) {
      for (std::uint64_t i = 0; a != b && i < pieces(); ++i) {
        hashed({leaf[a], leaf[b]}, hash_of(ports[a], ports[b], wire) + i, count);
      }
    }
  }
  for (std::uint32_t l = 0; l < connections.size(); ++l) {
    if (connections[l] == 0) continue;
    out.push_back({trunks_.of(LinkId(d_.host0 + l)), share * connections[l]});
  }
}

// While nothing is broken, what leaves a leaf (a pod) spreads over all of its uplinks.
void ClosRouter::sprayed_all_pairs(std::span<const double> on_leaf, double weight,
                                   std::vector<Usage>& out) const {
  double all = 0;
  std::vector<double> in_pod(d_.pods, 0);
  for (std::uint32_t leaf = 0; leaf < d_.leaves; ++leaf) {
    all += on_leaf[leaf];
    in_pod[d_.pod_of(leaf)] += on_leaf[leaf];
  }
  for (std::uint32_t leaf = 0; leaf < d_.leaves; ++leaf) {
    const double outside = weight * on_leaf[leaf] * (all - on_leaf[leaf]);
    if (outside <= 0) continue;
    add(trunks_.leaf_up(leaf, 0), outside, out);
    add(trunks_.leaf_down(leaf, 0), outside, out);
  }
  for (std::uint32_t pod = 0; d_.core_up > 0 && pod < d_.pods; ++pod) {
    const double outside = weight * in_pod[pod] * (all - in_pod[pod]);
    if (outside <= 0) continue;
    add(trunks_.pod_up(pod, 0), outside, out);
    add(trunks_.pod_down(pod, 0), outside, out);
  }
}

// Leaves of a pod without a dead link of their own reach, and are reached, alike, so they stand for
// each other: O(leaves x (pods + leaves with dead links)), not O(leaves^2).
void ClosRouter::broken_all_pairs(std::span<const double> on_leaf, double weight,
                                  std::vector<Usage>& out) const {
  std::vector<Ports> others;
  std::vector<std::size_t> among(d_.leaves), of_pod(d_.pods, d_.leaves);
  for (std::uint32_t leaf = 0; leaf < d_.leaves; ++leaf) {
    if (on_leaf[leaf] == 0) continue;
    std::uint32_t up = 0, down = 0;
    for (std::uint32_t p = 0; p < trunks_.planes(); ++p) {
      up += trunks_.leaf_up(leaf, p).links;
      down += trunks_.leaf_down(leaf, p).links;
    }
    std::size_t& whole = of_pod[d_.pod_of(leaf)];
    const bool cut = up < d_.up || down < d_.up;
    among[leaf] = cut || whole == d_.leaves ? others.size() : whole;
    if (among[leaf] == others.size()) others.push_back({leaf, 0});
    if (!cut) whole = among[leaf];
    others[among[leaf]].count += on_leaf[leaf];
  }
  for (std::uint32_t leaf = 0; leaf < d_.leaves; ++leaf) {
    for (std::size_t i = 0; on_leaf[leaf] > 0 && i < others.size(); ++i) {
      const double there = others[i].count - (among[leaf] == i ? on_leaf[leaf] : 0);
      if (there <= 0) continue;
      const double connections = weight * on_leaf[leaf] * there;
      spray({leaf, others[i].leaf}, connections, Half::kUp, out);
      spray({others[i].leaf, leaf}, connections, Half::kDown, out);
    }
    if (out.size() > (1u << 22)) merge_usage(out);
  }
}

Time ClosRouter::connect_all_pairs(std::span<const PortId> ports, const Wire& wire,
                                   std::vector<Usage>& out) const {
  const double each = wire.weight * static_cast<double>(ports.size() - 1);
  std::vector<double> on_leaf(d_.leaves, 0);
  Time worst;
  for (const PortId p : ports) {
    out.push_back({trunks_.of(d_.host_up(p)), each});
    out.push_back({trunks_.of(d_.host_down(p)), each});
    const std::uint32_t leaf = d_.leaf_of(p);
    on_leaf[leaf] += 1;
    worst = std::max(worst, latency(d_.leaf_of(ports.front()), leaf));
  }
  if (hashes()) {
    hashed_all_pairs(ports, wire, out);
  } else if (trunks_.planes() == 1) {
    sprayed_all_pairs(on_leaf, wire.weight, out);
  } else {
    broken_all_pairs(on_leaf, wire.weight, out);
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
  if (spec.routing.policy == RoutingPolicy::kAdaptive && links_differ(d, graph)) {
    return route_adaptive_clos(d, graph, trunks);
  }
  return std::make_shared<ClosRouter>(d, spec.routing, graph, trunks);
}

}  // namespace tenk
