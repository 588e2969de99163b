// Rail-only: each rail of the nodes has a CLOS of its own, and nothing joins the rails.
//
// Traffic between rails changes rail inside a node, over NVLink (Fabric::connect). Source: Wang,
// Ghobadi, Shakeri, Zhang, Hasani, "Rail-only", arXiv 2307.12169.
#include <algorithm>

#include <fmt/format.h>

#include "sim/base/error.h"
#include "topologies/clos_network.h"

namespace tenk {
namespace {

// NICs of a node are dealt to planes in blocks: with 8 NICs and 4 planes, 0 and 1 to plane 0.
struct Planes {
  std::uint32_t count = 1, ports_per_node = 1;
  std::uint32_t per_node() const { return ports_per_node / count; }  // Ports of a node in a plane.
  std::uint32_t of(PortId p) const { return p.value % ports_per_node / per_node(); }
  PortId inside(PortId p) const {
    return PortId(p.value / ports_per_node * per_node() + p.value % per_node());
  }
};

class RailOnlyRouter : public Router {
 public:
  RailOnlyRouter(Planes planes, std::vector<std::shared_ptr<const Router>> routers)
      : planes_(planes), routers_(std::move(routers)) {}

  Time connect(PortId from, PortId to, const Wire& wire, std::vector<Usage>& out) const override {
    check(from, to);
    return routers_[planes_.of(from)]->connect(planes_.inside(from), planes_.inside(to), wire, out);
  }
  Time connect_all_pairs(std::span<const PortId> ports, const Wire& wire,
                         std::vector<Usage>& out) const override {
    std::vector<PortId> inside;
    for (const PortId p : ports) {
      check(ports.front(), p);
      inside.push_back(planes_.inside(p));
    }
    return routers_[planes_.of(ports.front())]->connect_all_pairs(inside, wire, out);
  }
  bool hashes() const override { return routers_.front()->hashes(); }
  std::size_t most_all_pairs() const override { return routers_.front()->most_all_pairs(); }

 private:
  void check(PortId from, PortId to) const {
    if (planes_.of(from) == planes_.of(to)) return;
    throw Error(ErrorKind::kInvalid,
                fmt::format("fabric rail-only joins no rails, but port {} (rail {}) is to reach "
                            "port {} (rail {}); use nodes whose accelerators are joined inside "
                            "(NVLink), keep such groups within a rail, or use kind clos",
                            from.value, planes_.of(from), to.value, planes_.of(to)));
  }

  Planes planes_;
  std::vector<std::shared_ptr<const Router>> routers_;  // By plane.
};

class RailOnly : public Network {
 public:
  RailOnly(ClosSpec spec, const ClosShape& shape, Planes planes)
      : spec_(std::move(spec)), shape_(shape), planes_(planes) {}

  void build(GraphBuilder& b, std::span<const DeviceId> ports) const override {
    std::vector<std::vector<DeviceId>> of_plane(planes_.count);
    for (std::uint32_t p = 0; p < ports.size(); ++p) {
      of_plane[planes_.of(PortId(p))].push_back(ports[p]);
    }
    for (std::uint32_t i = 0; i < planes_.count; ++i) build_clos(spec_, shape_, i, of_plane[i], b);
  }

  std::shared_ptr<const Router> route(const Graph& graph, LinkId first_link,
                                      TrunkTable& trunks) const override {
    std::vector<std::shared_ptr<const Router>> routers;
    for (std::uint32_t i = 0; i < planes_.count; ++i) {
      const LinkId first(first_link.value + i * shape_.links());
      routers.push_back(route_clos(spec_, shape_, first, graph, trunks));
    }
    return std::make_shared<RailOnlyRouter>(planes_, std::move(routers));
  }

  NetworkFacts facts() const override {
    NetworkFacts facts = clos_facts(spec_, shape_);
    for (auto& s : facts.switches) s.count *= planes_.count;
    for (auto& c : facts.cables) c.count *= planes_.count;
    facts.bisection = facts.bisection * planes_.count;
    facts.bisection_how += " (between halves of the nodes; nothing joins the rails)";
    return facts;
  }

 private:
  ClosSpec spec_;
  ClosShape shape_;  // Of one plane.
  Planes planes_;
};

std::shared_ptr<const Network> read_rail_only(Section& s, const NetworkShape& shape) {
  ClosSpec spec;
  read_clos_levels(s, spec);
  Planes planes{.count = 1, .ports_per_node = shape.ports_per_node};
  const std::int64_t rails = s.integer("rails", {1, 64}, shape.ports_per_node);
  if (shape.ports_per_node % rails == 0) {
    planes.count = static_cast<std::uint32_t>(rails);
  } else {
    s.fail("rails", fmt::format("{} rails cannot share the {} NICs of a node evenly; use a divisor "
                                "of {}",
                                rails, shape.ports_per_node, shape.ports_per_node));
  }
  spec.link = read_link(s.section("link"));
  spec.routing = read_clos_routing(s);
  const ClosShape d = size_clos(s, spec, {shape.nodes, planes.per_node()});
  const std::int64_t cables = std::int64_t{d.links() / 2} * planes.count;
  if (cables > kMaxCables) {
    s.fail(fmt::format("{} planes of {} cables are more than the {} a network of planes may have",
                       planes.count, d.links() / 2, kMaxCables));
  }
  return std::make_shared<RailOnly>(std::move(spec), d, planes);
}

}  // namespace

extern const NetworkKind kRailOnly{
    .name = "rail-only",
    .summary = "a CLOS for each rail, nothing between rails (NVLink changes rails)",
    .parameters =
        "  tiers: 2                      # of each rail's network; or levels\n"
        "  radix: 64\n"
        "  rails: 8                      # default: the NICs of a node\n"
        "  oversubscription: {leaf: 1}\n"
        "  link: {rate: 400Gbps, latency: 600ns}\n"
        "  routing: {policy: spray, seed: 0}  # spray, ecmp-expected, ecmp-hash, flowlets, "
        "adaptive\n",
    .read = read_rail_only};

}  // namespace tenk
