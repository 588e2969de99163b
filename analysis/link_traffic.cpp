#include "analysis/link_traffic.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tenk {
namespace {

constexpr std::size_t kCategories = kCategoryNames.size();

// The bytes of a transfer begin or cease to flow.
struct Edge {
  Time time;
  std::uint32_t activity;
  bool begins;
};

// One trunk of a class, and one category on it.
struct Flow {
  double bytes = 0;
  std::uint32_t active = 0;  // Transfers now.
  Time full;
};
struct Load {
  double rate = 0;  // Of all categories.
  Time since;
  std::array<Flow, kCategories> flows{};
};

std::vector<Edge> edges_of(const Plan& plan, const Timeline& timeline) {
  std::vector<Edge> edges;
  for (std::uint32_t a = 0; a < plan.activities.size(); ++a) {
    const Activity& activity = plan.activities[a];
    if (activity.kind != Activity::Kind::kTransfer || activity.bytes <= 0) continue;
    const Time from = timeline.start[a] + activity.time;
    if (from >= timeline.end[a]) continue;
    edges.push_back({from, a, true});
    edges.push_back({timeline.end[a], a, false});
  }
  std::sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) {
    return std::tuple(a.time, a.begins, a.activity) < std::tuple(b.time, b.begins, b.activity);
  });
  return edges;
}

std::vector<Load> loads_of(const Plan& plan, const Timeline& timeline) {
  std::vector<Load> loads(plan.capacity.size());
  for (const Edge& edge : edges_of(plan, timeline)) {
    const Activity& activity = plan.activities[edge.activity];
    const Time flowing =
        timeline.end[edge.activity] - timeline.start[edge.activity] - activity.time;
    const double rate = activity.bytes / flowing.s();
    for (const ClassUsage& usage : plan.usage[activity.coflow.value]) {
      Load& load = loads[usage.trunk.value];
      if (load.rate >= kFullLink * plan.capacity[usage.trunk.value].value()) {
        for (Flow& flow : load.flows) {
          if (flow.active > 0) flow.full += edge.time - load.since;
        }
      }
      load.since = edge.time;
      load.rate += (edge.begins ? rate : -rate) * usage.connections;
      Flow& flow = load.flows[static_cast<std::size_t>(activity.category)];
      flow.active += edge.begins ? 1u : -1u;
      if (edge.begins) flow.bytes += activity.bytes * usage.connections;
    }
  }
  return loads;
}

std::vector<bool> network_kinds_of(const Graph& graph) {
  std::vector<bool> network(graph.link_kinds());
  for (const Link& link : graph.links()) {
    const std::uint32_t from = graph.device(link.from).node, to = graph.device(link.to).node;
    if (from != to || from == kNoNode) network[link.kind] = true;
  }
  return network;
}

}  // namespace

std::vector<LinkTraffic> link_traffic(const Fabric& fabric, const Partition& trunks,
                                      const Plan& plan, const Timeline& timeline) {
  const Graph& graph = fabric.graph();
  const std::vector<Load> loads = loads_of(plan, timeline);
  const std::vector<bool> network = network_kinds_of(graph);
  std::vector<LinkTraffic> all(graph.link_kinds() * kCategories);
  for (std::size_t k = 0; k < trunks.classes(); ++k) {
    const Trunk& trunk = fabric.trunks()[trunks.representative[k]];
    for (std::size_t c = 0; c < kCategories; ++c) {
      LinkTraffic& one = all[trunk.kind * kCategories + c];
      one.bytes += loads[k].flows[c].bytes * trunks.count[k];
      one.full_s = std::max(one.full_s, loads[k].flows[c].full.s());
    }
  }
  std::vector<LinkTraffic> used;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].bytes <= 0) continue;
    all[i].kind = graph.link_kind(static_cast<std::uint16_t>(i / kCategories));
    all[i].category = static_cast<Category>(i % kCategories);
    all[i].network = network[i / kCategories];
    used.push_back(all[i]);
  }
  return used;
}

}  // namespace tenk
