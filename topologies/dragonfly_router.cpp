// Which way does a byte go through a dragonfly?
//
// Minimal: a local hop to a cable of the two groups, the cable, a local hop; evenly over the
// cables that are alive. By a detour (Valiant and Brebner, STOC 1981; as in Kim, Dally, Scott,
// Abts, ISCA 2008): evenly over every other group that is joined to both, minimal to it and on
// from where it is entered; inside a group over every other router. With ugal both are there, way
// 0 and way 1.
//
// A slower link keeps its share. A dead cable gives its share to the others of its pair; a pair
// of groups (of routers) with none left goes by a detour. A detour inside a group is two hops.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sim/base/error.h"
#include "topologies/dragonfly_shape.h"

namespace tenk {
namespace {

class DragonflyRouter : public Router {
 public:
  DragonflyRouter(const DragonflyShape& d, RoutingPolicy policy, const Graph& graph, TrunkTable& t);
  Time connect(PortId from, PortId to, const Wire& wire, std::vector<Usage>& out) const override;
  Time connect_all_pairs(std::span<const PortId> ports, const Wire& wire,
                         std::vector<Usage>& out) const override;
  int ways() const override { return policy_ == RoutingPolicy::kUgal ? 2 : 1; }

 private:
  struct Cable {  // From one group to another; the routers within their groups.
    TrunkId trunk;
    std::uint32_t from = 0, to = 0;
  };
  struct Hop {  // Live links from one router to another of its group, numbered in a row.
    TrunkId first;
    std::uint32_t live = 0;
  };
  // What all pairs of some ports ask of the network.
  struct Load {
    std::vector<double> at, in;                  // Ports on each router; in each group.
    std::vector<std::uint32_t> groups;           // Those with ports.
    std::vector<std::uint32_t> mids;             // By pair of `groups`: of the detour; 0: minimal.
    std::vector<double> out_to, in_from;         // By router: what each port of its group sends
                                                 // there to leave the group, gets from there.
    std::vector<std::vector<double>> hop;        // By group: from router to router.
    std::vector<double> on_cable;                // By index of cables_.
    std::vector<std::uint32_t> far_out, far_in;  // By router: hops from and to the farthest used
                                                 // router of its group.
  };

  void lay_local(const Graph& graph, TrunkTable& t);
  void lay_global(const Graph& graph, TrunkTable& t);
  bool detours(const Wire& wire) const {
    return policy_ == RoutingPolicy::kValiant || (policy_ == RoutingPolicy::kUgal && wire.way == 1);
  }
  const Hop& hop(std::uint32_t group, std::uint32_t i, std::uint32_t j) const {
    return hops_[(std::size_t{group} * d_.a + i) * d_.a + j];
  }
  std::span<const Cable> cables(std::uint32_t x, std::uint32_t y) const {
    const std::size_t at = std::size_t{x} * d_.groups + y;
    return {cables_.data() + first_[at], cables_.data() + first_[at + 1]};
  }
  std::vector<std::uint32_t> vias(std::uint32_t group, std::uint32_t i, std::uint32_t j) const;
  std::vector<std::uint32_t> mids(std::uint32_t x, std::uint32_t y, bool detour) const;
  void take(const Hop& hop, double weight, std::vector<Usage>& out) const;
  std::uint32_t inside(std::uint32_t group, std::uint32_t i, std::uint32_t j, double weight,
                       bool detour, std::vector<Usage>& out) const;
  std::uint32_t across(std::uint32_t x, std::uint32_t y, std::uint32_t i, std::uint32_t j,
                       double weight, std::vector<Usage>& out) const;
  std::uint32_t by_way_of(std::uint32_t z, std::array<std::uint32_t, 2> x,
                          std::array<std::uint32_t, 2> y, double weight,
                          std::vector<Usage>& out) const;

  std::uint32_t hops_between(std::uint32_t group, std::uint32_t i, std::uint32_t j) const {
    return i == j ? 0 : hop(group, i, j).live > 0 ? 1 : 2;
  }
  void count_ports(std::span<const PortId> ports, bool detour, Load& load) const;
  void ask_inside(double weight, bool detour, Load& load) const;
  void ask_minimal(double weight, Load& load) const;
  void ask_detours(double weight, Load& load) const;
  void enter_and_leave(Load& load) const;
  std::uint32_t farthest(const Load& load, bool detour) const;
  std::uint32_t farthest_by(const Load& load, std::uint32_t x, std::uint32_t y,
                            std::uint32_t z) const;

  DragonflyShape d_;
  RoutingPolicy policy_;
  Time latency_;                      // Of a link.
  bool whole_ = true;                 // Every pair of groups has a live cable.
  std::uint32_t most_local_ = 1;      // Hops of the longest local way.
  std::vector<TrunkId> up_, down_;    // By port.
  std::vector<Hop> hops_;             // By router, then router of its group.
  std::vector<std::uint32_t> first_;  // Into cables_, by pair of groups.
  std::vector<Cable> cables_;         // Live ones.
};

DragonflyRouter::DragonflyRouter(const DragonflyShape& d, RoutingPolicy policy, const Graph& graph,
                                 TrunkTable& t)
    : d_(d), policy_(policy), latency_(graph.link(LinkId(d.host0)).latency) {
  for (std::uint32_t p = 0; p < d_.ports; ++p) {
    up_.push_back(t.single(d_.host_up(PortId(p))));
    down_.push_back(t.single(d_.host_down(PortId(p))));
  }
  if (d_.a == 1) most_local_ = 0;
  lay_local(graph, t);
  lay_global(graph, t);
}

void DragonflyRouter::lay_local(const Graph& graph, TrunkTable& t) {
  hops_.resize(std::size_t{d_.routers()} * d_.a);
  std::vector<LinkId> live;
  for (std::uint32_t router = 0; router < d_.routers(); ++router) {
    const std::uint32_t group = router / d_.a, i = router % d_.a;
    for (std::uint32_t j = 0; j < d_.a; ++j) {
      live.clear();
      bool equal = true;
      for (std::uint32_t k = 0; i != j && k < d_.local; ++k) {
        const LinkId link = d_.local_link(group, i, j, k);
        if (graph.link(link).capacity.value() <= 0) continue;
        live.push_back(link);
        equal = equal && graph.link(link).capacity == graph.link(live.front()).capacity;
      }
      Hop& hop = hops_[std::size_t{router} * d_.a + j];
      hop.first = TrunkId(t.trunks.size());
      hop.live = equal && !live.empty() ? 1 : static_cast<std::uint32_t>(live.size());
      if (i != j && live.empty()) most_local_ = 2;
      if (hop.live == 1) {
        t.bundle(live);
      } else {
        for (const LinkId l : live) t.single(l);
      }
    }
  }
}

void DragonflyRouter::lay_global(const Graph& graph, TrunkTable& t) {
  first_.push_back(0);
  for (std::uint32_t x = 0; x < d_.groups; ++x) {
    for (std::uint32_t y = 0; y < d_.groups; ++y) {
      for (std::uint32_t c = 0; x != y && c < d_.global; ++c) {
        const LinkId link = d_.global_link(x, y, c);
        if (graph.link(link).capacity.value() <= 0) continue;
        cables_.push_back(
            {t.single(link), d_.end_router(x, y, c), d_.end_router(y, x, d_.global - 1 - c)});
      }
      if (x != y && cables_.size() == first_.back()) whole_ = false;
      first_.push_back(static_cast<std::uint32_t>(cables_.size()));
    }
  }
}

// Other routers of the group that join router i to j.
std::vector<std::uint32_t> DragonflyRouter::vias(std::uint32_t group, std::uint32_t i,
                                                 std::uint32_t j) const {
  std::vector<std::uint32_t> found;
  for (std::uint32_t k = 0; k < d_.a; ++k) {
    if (hop(group, i, k).live > 0 && hop(group, k, j).live > 0) found.push_back(k);
  }
  return found;
}

// Groups by way of which x reaches y; none: it goes straight.
std::vector<std::uint32_t> DragonflyRouter::mids(std::uint32_t x, std::uint32_t y,
                                                 bool detour) const {
  std::vector<std::uint32_t> found;
  if (!detour && !cables(x, y).empty()) return found;
  for (std::uint32_t z = 0; z < d_.groups; ++z) {
    if (z == x || z == y) continue;
    if (!cables(x, z).empty() && !cables(z, y).empty()) found.push_back(z);
  }
  if (found.empty() && cables(x, y).empty()) {
    throw Error(ErrorKind::kInvalid,
                fmt::format("no path from group {} (router{} to router{}) to group {} (router{} to "
                            "router{}): the global links are down",
                            x, x * d_.a, (x + 1) * d_.a - 1, y, y * d_.a, (y + 1) * d_.a - 1));
  }
  return found;
}

void DragonflyRouter::take(const Hop& hop, double weight, std::vector<Usage>& out) const {
  for (std::uint32_t k = 0; k < hop.live; ++k) {
    out.push_back({TrunkId(hop.first.value + k), weight / hop.live});
  }
}

// From router i to j of a group; returns the hops.
std::uint32_t DragonflyRouter::inside(std::uint32_t group, std::uint32_t i, std::uint32_t j,
                                      double weight, bool detour, std::vector<Usage>& out) const {
  if (i == j) return 0;
  const Hop& straight = hop(group, i, j);
  std::vector<std::uint32_t> by;
  if (detour || straight.live == 0) by = vias(group, i, j);
  if (by.empty() && straight.live == 0) {
    throw Error(ErrorKind::kInvalid,
                fmt::format("no path from router{} to router{}: the link between them is down, and "
                            "no router of their group reaches both",
                            group * d_.a + i, group * d_.a + j));
  }
  if (by.empty()) take(straight, weight, out);
  const double share = weight / static_cast<double>(by.size());
  for (const std::uint32_t k : by) {
    take(hop(group, i, k), share, out);
    take(hop(group, k, j), share, out);
  }
  return by.empty() ? 1 : 2;
}

// From router i of group x straight to router j of group y; returns the hops of the longest path.
std::uint32_t DragonflyRouter::across(std::uint32_t x, std::uint32_t y, std::uint32_t i,
                                      std::uint32_t j, double weight,
                                      std::vector<Usage>& out) const {
  std::uint32_t longest = 0;
  const double share = weight / static_cast<double>(cables(x, y).size());
  for (const Cable& c : cables(x, y)) {
    const std::uint32_t before = inside(x, i, c.from, share, false, out);
    out.push_back({c.trunk, share});
    longest = std::max(longest, before + 1 + inside(y, c.to, j, share, false, out));
  }
  return longest;
}

// The same by way of group z. Ends are (group, router).
std::uint32_t DragonflyRouter::by_way_of(std::uint32_t z, std::array<std::uint32_t, 2> x,
                                         std::array<std::uint32_t, 2> y, double weight,
                                         std::vector<Usage>& out) const {
  const auto in = cables(x[0], z), on = cables(z, y[0]);
  const double enter = weight / static_cast<double>(in.size());
  const double leave = weight / static_cast<double>(on.size());
  std::uint32_t longest = 0;
  std::vector<std::uint32_t> after;
  for (const Cable& c : on) {
    out.push_back({c.trunk, leave});
    after.push_back(inside(y[0], c.to, y[1], leave, false, out));
  }
  for (const Cable& c : in) {
    const std::uint32_t before = inside(x[0], x[1], c.from, enter, false, out);
    out.push_back({c.trunk, enter});
    for (std::size_t k = 0; k < on.size(); ++k) {
      const double share = enter / static_cast<double>(on.size());
      const std::uint32_t middle = inside(z, c.to, on[k].from, share, false, out);
      longest = std::max(longest, before + middle + after[k] + 2);
    }
  }
  return longest;
}

Time DragonflyRouter::connect(PortId from, PortId to, const Wire& wire,
                              std::vector<Usage>& out) const {
  out.push_back({up_[from.value], wire.weight});
  out.push_back({down_[to.value], wire.weight});
  const std::uint32_t r = d_.router_of(from), s = d_.router_of(to);
  const std::uint32_t x = r / d_.a, y = s / d_.a, i = r % d_.a, j = s % d_.a;
  if (x == y) return latency_ * (2 + inside(x, i, j, wire.weight, detours(wire), out));
  const auto by = mids(x, y, detours(wire));
  if (by.empty()) return latency_ * (2 + across(x, y, i, j, wire.weight, out));
  std::uint32_t longest = 0;
  for (const std::uint32_t z : by) {
    const double share = wire.weight / static_cast<double>(by.size());
    longest = std::max(longest, by_way_of(z, {x, i}, {y, j}, share, out));
  }
  return latency_ * (2 + longest);
}

void DragonflyRouter::count_ports(std::span<const PortId> ports, bool detour, Load& load) const {
  load.at.assign(d_.routers(), 0);
  load.in.assign(d_.groups, 0);
  for (const PortId p : ports) load.at[d_.router_of(p)] += 1;
  for (std::uint32_t r = 0; r < d_.routers(); ++r) load.in[r / d_.a] += load.at[r];
  for (std::uint32_t x = 0; x < d_.groups; ++x) {
    if (load.in[x] > 0) load.groups.push_back(x);
  }
  for (const std::uint32_t x : load.groups) {
    for (const std::uint32_t y : load.groups) {
      const bool simple = x == y || (whole_ && !detour);
      const std::size_t by = simple ? 0 : whole_ ? d_.groups - 2 : mids(x, y, detour).size();
      load.mids.push_back(static_cast<std::uint32_t>(by));
    }
  }
  load.out_to.assign(d_.routers(), 0);
  load.in_from.assign(d_.routers(), 0);
  load.hop.resize(d_.groups);
  load.on_cable.assign(cables_.size(), 0);
  load.far_out.assign(d_.routers(), 0);
  load.far_in.assign(d_.routers(), 0);
  for (const std::uint32_t x : load.groups) {
    for (std::uint32_t u = 0; u < d_.a; ++u) {
      for (std::uint32_t i = 0; i < d_.a; ++i) {
        if (load.at[x * d_.a + i] <= 0) continue;
        std::uint32_t& out = load.far_out[x * d_.a + u];
        std::uint32_t& in = load.far_in[x * d_.a + u];
        out = std::max(out, hops_between(x, i, u));
        in = std::max(in, hops_between(x, u, i));
      }
    }
  }
}

// Pairs within a group.
void DragonflyRouter::ask_inside(double weight, bool detour, Load& load) const {
  for (const std::uint32_t x : load.groups) {
    auto& asked = load.hop[x];
    asked.assign(std::size_t{d_.a} * d_.a, 0);
    for (std::uint32_t i = 0; i < d_.a; ++i) {
      for (std::uint32_t j = 0; j < d_.a; ++j) {
        const double flow = weight * load.at[x * d_.a + i] * load.at[x * d_.a + j];
        if (i == j || flow <= 0) continue;
        const auto by = detour ? vias(x, i, j) : std::vector<std::uint32_t>{};
        if (by.empty()) asked[i * d_.a + j] += flow;
        for (const std::uint32_t k : by) {
          asked[i * d_.a + k] += flow / static_cast<double>(by.size());
          asked[k * d_.a + j] += flow / static_cast<double>(by.size());
        }
      }
    }
  }
}

// Pairs of groups that go straight.
void DragonflyRouter::ask_minimal(double weight, Load& load) const {
  for (std::size_t m = 0; m < load.mids.size(); ++m) {
    const std::uint32_t x = load.groups[m / load.groups.size()];
    const std::uint32_t y = load.groups[m % load.groups.size()];
    if (x == y || load.mids[m] > 0) continue;
    const auto straight = cables(x, y);
    const double share = weight / static_cast<double>(straight.size());
    for (const Cable& c : straight) {
      load.on_cable[static_cast<std::size_t>(&c - cables_.data())] +=
          share * load.in[x] * load.in[y];
      load.out_to[x * d_.a + c.from] += share * load.in[y];
      load.in_from[y * d_.a + c.to] += share * load.in[x];
    }
  }
}

// Pairs of groups that go by way of every other. O(groups * used groups^2 * cables of a pair).
void DragonflyRouter::ask_detours(double weight, Load& load) const {
  const std::size_t used = load.groups.size();
  std::vector<double> landing;  // In group z, on the way to y, by router.
  for (std::uint32_t z = 0; z < d_.groups; ++z) {
    auto& asked = load.hop[z];
    for (std::size_t to = 0; to < used; ++to) {
      const std::uint32_t y = load.groups[to];
      const auto on = cables(z, y);
      double total = 0;
      landing.assign(d_.a, 0);
      for (std::size_t from = 0; from < used && y != z && !on.empty(); ++from) {
        const std::uint32_t x = load.groups[from], by = load.mids[from * used + to];
        const auto in = cables(x, z);
        if (x == z || by == 0 || in.empty()) continue;
        const double each = weight * load.in[y] / (by * static_cast<double>(in.size()));
        total += each * static_cast<double>(in.size()) * load.in[x];
        for (const Cable& c : in) {
          load.on_cable[static_cast<std::size_t>(&c - cables_.data())] += each * load.in[x];
          load.out_to[x * d_.a + c.from] += each;
          landing[c.to] += each * load.in[x];
        }
      }
      if (total <= 0) continue;
      asked.resize(std::size_t{d_.a} * d_.a, 0);
      for (const Cable& c : on) {
        const auto share = static_cast<double>(on.size());
        load.on_cable[static_cast<std::size_t>(&c - cables_.data())] += total / share;
        load.in_from[y * d_.a + c.to] += total / share / load.in[y];
        for (std::uint32_t t = 0; t < d_.a; ++t) {
          asked[t * d_.a + c.from] += landing[t] / share;
        }
      }
    }
  }
}

// The local hops of the first and the last group.
void DragonflyRouter::enter_and_leave(Load& load) const {
  for (const std::uint32_t x : load.groups) {
    auto& asked = load.hop[x];
    for (std::uint32_t i = 0; i < d_.a; ++i) {
      for (std::uint32_t u = 0; u < d_.a; ++u) {
        asked[i * d_.a + u] += load.at[x * d_.a + i] * load.out_to[x * d_.a + u];
        asked[u * d_.a + i] += load.at[x * d_.a + i] * load.in_from[x * d_.a + u];
      }
    }
  }
}

std::uint32_t DragonflyRouter::farthest_by(const Load& load, std::uint32_t x, std::uint32_t y,
                                           std::uint32_t z) const {
  std::uint32_t longest = 0;
  for (const Cable& in : cables(x, z)) {
    for (const Cable& on : cables(z, y)) {
      longest = std::max(longest, load.far_out[x * d_.a + in.from] + load.far_in[y * d_.a + on.to] +
                                      hops_between(z, in.to, on.from) + 2);
    }
  }
  return longest;
}

// Hops of the longest path taken. No path is longer than `most`, so the search ends there.
std::uint32_t DragonflyRouter::farthest(const Load& load, bool detour) const {
  const bool any = std::any_of(load.mids.begin(), load.mids.end(), [](auto m) { return m > 0; });
  const std::uint32_t most = any ? 2 + 3 * most_local_ : 1 + 2 * most_local_;
  std::uint32_t longest = 0;
  for (std::size_t m = 0; m < load.mids.size() && longest < most; ++m) {
    const std::uint32_t x = load.groups[m / load.groups.size()];
    const std::uint32_t y = load.groups[m % load.groups.size()];
    for (const Cable& c : load.mids[m] > 0 ? std::span<const Cable>{} : cables(x, y)) {
      longest =
          std::max(longest, load.far_out[x * d_.a + c.from] + 1 + load.far_in[y * d_.a + c.to]);
    }
    for (std::uint32_t z = 0; load.mids[m] > 0 && z < d_.groups && longest < most; ++z) {
      if (z != x && z != y) longest = std::max(longest, farthest_by(load, x, y, z));
    }
    for (std::uint32_t i = 0; x == y && longest < 2 && i < d_.a; ++i) {
      for (std::uint32_t j = 0; j < d_.a; ++j) {
        if (load.at[x * d_.a + i] <= 0 || load.at[x * d_.a + j] <= 0 || i == j) continue;
        const bool twice = detour && !vias(x, i, j).empty();
        longest = std::max(longest, twice ? 2 : hops_between(x, i, j));
      }
    }
  }
  return longest;
}

Time DragonflyRouter::connect_all_pairs(std::span<const PortId> ports, const Wire& wire,
                                        std::vector<Usage>& out) const {
  Load load;
  const bool detour = detours(wire);
  count_ports(ports, detour, load);
  const double ends = wire.weight * static_cast<double>(ports.size() - 1);
  for (const PortId p : ports) {
    out.push_back({up_[p.value], ends});
    out.push_back({down_[p.value], ends});
  }
  ask_inside(wire.weight, detour, load);
  ask_minimal(wire.weight, load);
  ask_detours(wire.weight, load);
  enter_and_leave(load);
  for (std::uint32_t x = 0; x < d_.groups; ++x) {
    for (std::size_t h = 0; h < load.hop[x].size(); ++h) {
      const auto i = static_cast<std::uint32_t>(h / d_.a), j = static_cast<std::uint32_t>(h % d_.a);
      if (load.hop[x][h] > 0) inside(x, i, j, load.hop[x][h], false, out);
    }
  }
  for (std::size_t c = 0; c < cables_.size(); ++c) {
    if (load.on_cable[c] > 0) out.push_back({cables_[c].trunk, load.on_cable[c]});
  }
  return latency_ * (2 + farthest(load, detour));
}

}  // namespace

std::shared_ptr<const Router> route_dragonfly(const DragonflyShape& shape, RoutingPolicy policy,
                                              const Graph& graph, TrunkTable& trunks) {
  return std::make_shared<DragonflyRouter>(shape, policy, graph, trunks);
}

}  // namespace tenk
