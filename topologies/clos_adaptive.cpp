// Where does adaptive routing come to rest in a CLOS whose links differ?
//
// Hop by hop each switch fills its ways in proportion to their room, that of the narrowest link
// ahead (what all leaves of a pod share counts by its part for one). That is where choosing the
// emptiest way comes to rest for the traffic of any one pair of leaves, and of all pairs whose own
// links differ. Shares do not follow who else sends. With all links equal it is spray.
#include <algorithm>

#include <fmt/format.h>

#include "sim/base/error.h"
#include "topologies/clos_network.h"

namespace tenk {
namespace {

class AdaptiveRouter : public Router {
 public:
  AdaptiveRouter(const ClosShape& d, const Graph& graph, TrunkTable& t);
  Time connect(PortId from, PortId to, const Wire& wire, std::vector<Usage>& out) const override;
  Time connect_all_pairs(std::span<const PortId> ports, const Wire& wire,
                         std::vector<Usage>& out) const override;

 private:
  struct Way {
    std::uint32_t link = 0;
    double room = 0;  // Bytes/s
  };

  double rate(LinkId link) const { return rate_[link.value - d_.host0]; }
  void add(LinkId link, double weight, std::vector<Usage>& out) const {
    out.push_back({trunk_[link.value - d_.host0], weight});
  }
  static double room_of(const std::vector<Way>& ways);  // Of all together.
  std::vector<Way> spine_downs(std::uint32_t spine, std::uint32_t leaf) const;
  std::vector<Way> core_downs(std::uint32_t pod, std::uint32_t plane, std::uint32_t core) const;
  std::vector<Way> core_ups(std::uint32_t from_pod, std::uint32_t to_pod,
                            std::uint32_t plane) const;
  std::vector<Way> leaf_ups(std::uint32_t from, std::uint32_t to) const;
  void across(std::uint32_t from_pod, std::uint32_t to_pod, std::uint32_t plane, double weight,
              std::vector<Usage>& out) const;
  void between(std::uint32_t from, std::uint32_t to, double weight, std::vector<Usage>& out) const;
  Time latency(std::uint32_t leaf_a, std::uint32_t leaf_b) const;

  ClosShape d_;
  Time host_latency_, leaf_latency_, core_latency_;
  std::vector<double> rate_;    // From host0 on.
  std::vector<TrunkId> trunk_;  // The same: every link stands alone.
};

AdaptiveRouter::AdaptiveRouter(const ClosShape& d, const Graph& graph, TrunkTable& t) : d_(d) {
  for (std::uint32_t l = d_.host0; l < d_.host0 + d_.links(); ++l) {
    rate_.push_back(graph.link(LinkId(l)).capacity.value());
    trunk_.push_back(t.single(LinkId(l)));
  }
  host_latency_ = graph.link(LinkId(d_.host0)).latency;
  leaf_latency_ = graph.link(LinkId(d_.leaf0)).latency;
  if (d_.core_up > 0) core_latency_ = graph.link(LinkId(d_.core0)).latency;
}

double AdaptiveRouter::room_of(const std::vector<Way>& ways) {
  double all = 0;
  for (const Way& w : ways) all += w.room;
  return all;
}

// Live cables from spine `spine` of the leaf's pod down to the leaf, as uplink numbers of the leaf.
std::vector<AdaptiveRouter::Way> AdaptiveRouter::spine_downs(std::uint32_t spine,
                                                             std::uint32_t leaf) const {
  std::vector<Way> live;
  for (std::uint32_t i = 0; i < d_.leaf_parallel; ++i) {
    const std::uint32_t t = spine * d_.leaf_parallel + i;
    const double down = rate(d_.leaf_down(leaf, t));
    if (down > 0) live.push_back({t, down});
  }
  return live;
}

// Live cables from core `core` of a plane down to that plane's spine of a pod.
std::vector<AdaptiveRouter::Way> AdaptiveRouter::core_downs(std::uint32_t pod, std::uint32_t plane,
                                                            std::uint32_t core) const {
  std::vector<Way> live;
  for (std::uint32_t i = 0; i < d_.core_parallel; ++i) {
    const std::uint32_t t = core * d_.core_parallel + i;
    const double down = rate(d_.core_down_link(pod, plane, t));
    if (down > 0) live.push_back({t, down});
  }
  return live;
}

// Live uplinks of spine `plane` in one pod whose core still reaches the other pod.
std::vector<AdaptiveRouter::Way> AdaptiveRouter::core_ups(std::uint32_t from_pod,
                                                          std::uint32_t to_pod,
                                                          std::uint32_t plane) const {
  std::vector<Way> live;
  for (std::uint32_t t = 0; t < d_.core_up; ++t) {
    const double up = rate(d_.core_up_link(from_pod, plane, t));
    const double ahead = room_of(core_downs(to_pod, plane, t / d_.core_parallel));
    if (up > 0 && ahead > 0) live.push_back({t, std::min(up, ahead / d_.core_parallel)});
  }
  return live;
}

// Live uplinks of a leaf from whose spine the other leaf is reached.
std::vector<AdaptiveRouter::Way> AdaptiveRouter::leaf_ups(std::uint32_t from,
                                                          std::uint32_t to) const {
  const std::uint32_t from_pod = d_.pod_of(from), to_pod = d_.pod_of(to);
  std::vector<Way> live;
  for (std::uint32_t t = 0; t < d_.up; ++t) {
    const std::uint32_t spine = t / d_.leaf_parallel;
    const double up = rate(d_.leaf_up(from, t));
    if (up <= 0) continue;
    double ahead = room_of(spine_downs(spine, to)) / d_.leaf_parallel;
    if (from_pod != to_pod) {
      ahead = std::min(ahead, room_of(core_ups(from_pod, to_pod, spine)) / d_.leaves_per_pod);
    }
    if (ahead > 0) live.push_back({t, std::min(up, ahead)});
  }
  return live;
}

void AdaptiveRouter::across(std::uint32_t from_pod, std::uint32_t to_pod, std::uint32_t plane,
                            double weight, std::vector<Usage>& out) const {
  const std::vector<Way> ups = core_ups(from_pod, to_pod, plane);
  for (const Way& up : ups) {
    const double share = weight * up.room / room_of(ups);
    add(d_.core_up_link(from_pod, plane, up.link), share, out);
    const auto downs = core_downs(to_pod, plane, up.link / d_.core_parallel);
    for (const Way& down : downs) {
      add(d_.core_down_link(to_pod, plane, down.link), share * down.room / room_of(downs), out);
    }
  }
}

void AdaptiveRouter::between(std::uint32_t from, std::uint32_t to, double weight,
                             std::vector<Usage>& out) const {
  if (from == to) return;
  const std::vector<Way> ups = leaf_ups(from, to);
  if (ups.empty()) {
    throw Error(
        ErrorKind::kInvalid,
        fmt::format("no path from leaf{} to leaf{}: the links between them are down", from, to));
  }
  for (const Way& up : ups) {
    const double share = weight * up.room / room_of(ups);
    const std::uint32_t spine = up.link / d_.leaf_parallel;
    add(d_.leaf_up(from, up.link), share, out);
    if (d_.pod_of(from) != d_.pod_of(to)) {
      across(d_.pod_of(from), d_.pod_of(to), spine, share, out);
    }
    const auto downs = spine_downs(spine, to);
    for (const Way& down : downs) {
      add(d_.leaf_down(to, down.link), share * down.room / room_of(downs), out);
    }
  }
}

Time AdaptiveRouter::latency(std::uint32_t leaf_a, std::uint32_t leaf_b) const {
  Time t = host_latency_ * 2;
  if (leaf_a != leaf_b) t += leaf_latency_ * 2;
  if (d_.pod_of(leaf_a) != d_.pod_of(leaf_b)) t += core_latency_ * 2;
  return t;
}

Time AdaptiveRouter::connect(PortId from, PortId to, const Wire& wire,
                             std::vector<Usage>& out) const {
  const std::uint32_t a = d_.leaf_of(from), b = d_.leaf_of(to);
  add(d_.host_up(from), wire.weight, out);
  add(d_.host_down(to), wire.weight, out);
  between(a, b, wire.weight, out);
  return latency(a, b);
}

Time AdaptiveRouter::connect_all_pairs(std::span<const PortId> ports, const Wire& wire,
                                       std::vector<Usage>& out) const {
  const double each = wire.weight * static_cast<double>(ports.size() - 1);
  std::vector<double> on_leaf(d_.leaves, 0);
  Time worst;
  for (const PortId p : ports) {
    add(d_.host_up(p), each, out);
    add(d_.host_down(p), each, out);
    on_leaf[d_.leaf_of(p)] += 1;
    worst = std::max(worst, latency(d_.leaf_of(ports.front()), d_.leaf_of(p)));
  }
  for (std::uint32_t a = 0; a < d_.leaves; ++a) {
    for (std::uint32_t b = 0; on_leaf[a] > 0 && b < d_.leaves; ++b) {
      if (on_leaf[b] > 0) between(a, b, wire.weight * on_leaf[a] * on_leaf[b], out);
    }
    if (out.size() > (1u << 22)) merge_usage(out);
  }
  return worst;
}

}  // namespace

bool links_differ(const ClosShape& d, const Graph& graph) {
  const auto differ = [&](std::uint32_t first, std::uint32_t last) {
    for (std::uint32_t l = first; l < last; ++l) {
      if (graph.link(LinkId(l)).capacity != graph.link(LinkId(first)).capacity) return true;
    }
    return false;
  };
  return differ(d.leaf0, d.core0) || differ(d.core0, d.host0 + d.links());
}

std::shared_ptr<const Router> route_adaptive_clos(const ClosShape& shape, const Graph& graph,
                                                  TrunkTable& trunks) {
  return std::make_shared<AdaptiveRouter>(shape, graph, trunks);
}

}  // namespace tenk
