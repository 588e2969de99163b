// A dragonfly by its own numbers: p, a, h, groups and how many cables join two of them.
//
// How it is laid out: dragonfly_shape.h; routes: dragonfly_router.cpp. All groups are there even
// if fewer nodes are; nodes fill the routers in order. Closed forms from Kim, Dally, Scott, Abts,
// ISCA 2008.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "topologies/dragonfly_shape.h"

namespace tenk {
namespace {

constexpr std::int64_t kMostOfOne = 4096;  // Groups; ports or routers of a group.

class Dragonfly : public Network {
 public:
  Dragonfly(const DragonflyShape& d, LinkSpec link, RoutingPolicy policy)
      : d_(d), link_(link), policy_(policy) {}

  void build(GraphBuilder& b, std::span<const DeviceId> ports) const override;
  std::shared_ptr<const Router> route(const Graph& graph, LinkId first_link,
                                      TrunkTable& trunks) const override;
  NetworkFacts facts() const override;

 private:
  std::uint32_t routers_in_use() const { return (d_.ports + d_.hosts - 1) / d_.hosts; }
  std::uint32_t most_global() const { return (d_.slots() + d_.a - 1) / d_.a; }  // Of a router.
  int diameter() const;
  void measure_bisection(NetworkFacts& facts) const;
  void judge(NetworkFacts& facts) const;

  DragonflyShape d_;
  LinkSpec link_;
  RoutingPolicy policy_;
};

void Dragonfly::build(GraphBuilder& b, std::span<const DeviceId> ports) const {
  const std::uint16_t kind = b.device_kind("router");
  std::vector<DeviceId> routers;
  for (std::uint32_t i = 0; i < d_.routers(); ++i) routers.push_back(b.add({kind, 1, kNoNode, i}));
  const auto cable = [&](DeviceId from, DeviceId to, const char* up, const char* down) {
    b.add({from, to, link_.rate, link_.latency, b.link_kind(up), b.link_kind(down)});
  };
  for (std::uint32_t p = 0; p < d_.ports; ++p) {
    cable(ports[p], routers[d_.router_of(PortId(p))], "host up", "host down");
  }
  for (std::uint32_t group = 0; group < d_.groups; ++group) {
    for (std::uint32_t i = 0; i < d_.a; ++i) {
      for (std::uint32_t j = i + 1; j < d_.a; ++j) {
        for (std::uint32_t k = 0; k < d_.local; ++k) {
          cable(routers[group * d_.a + i], routers[group * d_.a + j], "local", "local");
        }
      }
    }
  }
  for (std::uint32_t x = 0; x < d_.groups; ++x) {
    for (std::uint32_t y = x + 1; y < d_.groups; ++y) {
      for (std::uint32_t c = 0; c < d_.global; ++c) {
        cable(routers[x * d_.a + d_.end_router(x, y, c)],
              routers[y * d_.a + d_.end_router(y, x, d_.global - 1 - c)], "global", "global");
      }
    }
  }
}

std::shared_ptr<const Router> Dragonfly::route(const Graph& graph, LinkId first_link,
                                               TrunkTable& trunks) const {
  DragonflyShape d = d_;  // Links stand in the order in which build adds them.
  d.host0 = first_link.value;
  d.local0 = d.host0 + 2 * d.ports;
  d.global0 = d.local0 + 2 * d.local_cables();
  return route_dragonfly(d, policy_, graph, trunks);
}

// 3 unless every router of another group is within two hops of each router. Groups differ only by
// a rotation and those in use are the first, so the routers of group 0 stand for all.
int Dragonfly::diameter() const {
  const std::uint32_t used = routers_in_use();
  if (used <= d_.a || d_.a == 1) return used == 1 ? 0 : 1;
  std::vector<std::vector<std::uint32_t>> peers(d_.routers());  // By global cables.
  for (std::uint32_t x = 0; x < d_.groups; ++x) {
    for (std::uint32_t y = 0; y < d_.groups; ++y) {
      for (std::uint32_t c = 0; x != y && c < d_.global; ++c) {
        peers[x * d_.a + d_.end_router(x, y, c)].push_back(y * d_.a +
                                                           d_.end_router(y, x, d_.global - 1 - c));
      }
    }
  }
  for (auto& list : peers) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
  }
  const auto reaches_group = [&](std::uint32_t router, std::uint32_t group) {
    const auto at = std::lower_bound(peers[router].begin(), peers[router].end(), group * d_.a);
    return at != peers[router].end() && *at / d_.a == group;
  };
  const auto share_peer = [&](std::uint32_t r, std::uint32_t s) {
    return std::any_of(peers[r].begin(), peers[r].end(), [&](std::uint32_t via) {
      return std::binary_search(peers[s].begin(), peers[s].end(), via);
    });
  };
  for (std::uint32_t r = 0; r < d_.a; ++r) {
    for (std::uint32_t s = d_.a; s < used; ++s) {
      if (!reaches_group(r, s / d_.a) && !reaches_group(s, 0) && !share_peer(r, s)) return 3;
    }
  }
  const bool direct = std::all_of(peers.begin(), peers.begin() + d_.a, [&](const auto& list) {
    return static_cast<std::size_t>(std::lower_bound(list.begin(), list.end(), used) -
                                    list.begin()) == used - d_.a;
  });
  return direct ? 1 : 2;
}

// The first half of the groups in use (in one group: of the routers) against all others: (g/2)^2
// pairs of groups if all are in use and g is even. Where that is less than half of the ports, the
// missing ones change sides by their own links, so that a bound is the cost of a balanced cut.
void Dragonfly::measure_bisection(NetworkFacts& facts) const {
  const std::uint32_t used = routers_in_use(), half_ports = d_.ports / 2;
  const std::uint32_t half = (used + d_.a - 1) / d_.a / 2, half_routers = used / 2;
  std::uint64_t cut = std::uint64_t{half} * (d_.groups - half) * d_.global;
  std::uint32_t first = half * d_.a * d_.hosts;
  if (half == 0) {
    const std::uint64_t local = std::uint64_t{d_.a - half_routers} * d_.local;
    cut = half_routers * (local + most_global());
    first = half_routers * d_.hosts;
  }
  const bool full = d_.ports == d_.groups * d_.a * d_.hosts;
  if (!full) cut += half_ports - first;
  facts.bisection = link_.rate * static_cast<double>(std::min<std::uint64_t>(cut, half_ports));
  facts.bisection_how = !full                ? "bound"
                        : d_.groups % 2 == 0 ? "formula"
                                             : "formula (odd groups: (g*g-1)/4 pairs are cut)";
}

void Dragonfly::judge(NetworkFacts& facts) const {
  const std::uint64_t room = std::uint64_t{d_.p} * d_.routers();
  const std::uint64_t own = std::uint64_t{d_.a} * d_.h;
  if (d_.ports > room) {
    facts.reason = fmt::format("{} node ports on {} routers of {}", d_.ports, d_.routers(), d_.p);
  }
  if (d_.slots() > own) {
    facts.reason += fmt::format("{}a group needs {} global ports and has {} ({} routers of {})",
                                facts.reason.empty() ? "" : "; ", d_.slots(), own, d_.a, d_.h);
  }
  facts.buildable = facts.reason.empty();
}

NetworkFacts Dragonfly::facts() const {
  NetworkFacts facts;
  const std::uint32_t local = (d_.a - 1) * d_.local;
  facts.switches = {{"router", d_.routers(), std::min(d_.ports, d_.hosts) + local + most_global(),
                     d_.p + local + d_.h}};
  facts.cables = {{"host", d_.ports, link_.rate}, {"global", d_.global_cables(), link_.rate}};
  if (d_.a > 1) facts.cables.push_back({"local", d_.local_cables(), link_.rate});
  facts.port_rate = link_.rate;
  const std::uint32_t nodes = d_.ports / d_.ports_per_node;
  facts.nodes_per_switch = std::clamp(d_.hosts / d_.ports_per_node, 1u, nodes);
  facts.diameter_hops = diameter();
  facts.oversubscription = routers_in_use() > d_.a ? double(d_.a) * d_.hosts / d_.slots() : 1;
  measure_bisection(facts);
  judge(facts);
  return facts;
}

// The keys that fix the size.
DragonflyShape read_size(Section& s) {
  DragonflyShape d;
  d.p = static_cast<std::uint32_t>(s.integer("p", {1, kMostOfOne}));
  d.a = static_cast<std::uint32_t>(s.integer("a", {1, kMostOfOne}));
  d.h = static_cast<std::uint32_t>(s.integer("h", {1, kMostOfOne}));
  const std::int64_t all = std::int64_t{d.a} * d.h + 1;
  const std::int64_t groups = s.integer("groups", {2, kMostOfOne}, all);
  if (groups > kMostOfOne) {
    s.fail(
        fmt::format("a h + 1 = {} groups are more than the {} that can be simulated; give "
                    "\"groups\"",
                    groups, kMostOfOne));
  }
  d.groups = static_cast<std::uint32_t>(std::min(groups, kMostOfOne));
  return d;
}

std::int64_t own_nodes(Section& s, std::uint32_t ports_per_node) {
  const DragonflyShape d = read_size(s);
  return std::int64_t{d.p} * d.a * d.groups / ports_per_node;
}

std::shared_ptr<const Network> read_dragonfly(Section& s, const NetworkShape& shape) {
  DragonflyShape d = read_size(s);
  const std::int64_t fitting = std::max<std::int64_t>(1, std::int64_t{d.a} * d.h / (d.groups - 1));
  d.global = static_cast<std::uint32_t>(s.integer("global-cables", {1, kMaxPorts}, fitting));
  d.local = static_cast<std::uint32_t>(s.integer("local-cables", {1, 64}, 1));
  const std::int64_t local = std::int64_t{d.groups} * d.local_pairs() * d.local;
  const std::int64_t global = std::int64_t{d.groups} * (d.groups - 1) / 2 * d.global;
  if (local > kMaxCables || global > kMaxCables) {
    s.fail(fmt::format("{} local and {} global cables: a tier may have {}", local, global,
                       kMaxCables));
    d.local = d.global = 1;
  }
  d.ports_per_node = shape.ports_per_node;
  d.ports = shape.nodes * shape.ports_per_node;
  d.hosts = std::max(d.p, (d.ports + d.routers() - 1) / d.routers());
  const LinkSpec link = read_link(s.section("link"));
  constexpr std::array kAllowed = {RoutingPolicy::kUgal, RoutingPolicy::kMinimal,
                                   RoutingPolicy::kValiant};
  const RoutingSpec routing = read_routing(s.section("routing", false), kAllowed);
  return std::make_shared<Dragonfly>(d, link, routing.policy);
}

}  // namespace

extern const NetworkKind kDragonfly{
    .name = "dragonfly",
    .summary = "groups of routers joined pair by pair; minimal, Valiant or UGAL routes",
    .parameters =
        "  p: 8                          # node ports of a router\n"
        "  a: 16                         # routers of a group\n"
        "  h: 8                          # global ports of a router\n"
        "  groups: 80                    # default a h + 1\n"
        "  global-cables: 1              # of two groups; default: as many as fit evenly\n"
        "  local-cables: 1               # of two routers of a group\n"
        "  link: {rate: 400Gbps, latency: 600ns}\n"
        "  routing: {policy: ugal}       # ugal, minimal, valiant\n",
    .read = read_dragonfly,
    .own_nodes = own_nodes};

}  // namespace tenk
