// Is the stated bisection the cheapest balanced cut?
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/support.h"
#include "tests/topologies/routes.h"

namespace tenk {
namespace {

using testing::cluster_text;
using testing::fabric;

// Most that can flow from the first set of nodes to the others through the network
// (Edmonds and Karp 1972), in link rates.
class MaxFlow {
 public:
  explicit MaxFlow(const Fabric& f) : graph_(f.graph()) {}

  double between(const std::vector<bool>& first) {
    room_.clear();
    for (const Link& l : graph_.links()) room_.push_back(l.capacity.value() / 50e9);
    double total = 0;
    while (const double more = augment(first)) total += more;
    return total;
  }

 private:
  double augment(const std::vector<bool>& first) {
    std::vector<std::size_t> by(graph_.devices().size(), graph_.links().size());
    std::vector<DeviceId> queue;
    std::vector<bool> seen(graph_.devices().size(), false);
    for (std::size_t d = 0; d < seen.size(); ++d) {
      const std::uint32_t node = graph_.device(DeviceId(d)).node;
      if (node != kNoNode && first[node]) queue.emplace_back(d), seen[d] = true;
    }
    for (std::size_t next = 0; next < queue.size(); ++next) {
      const std::uint32_t node = graph_.device(queue[next]).node;
      if (node != kNoNode && !first[node]) return push(queue[next], by);
      for (const LinkId l : graph_.out_links(queue[next])) {
        const DeviceId to = graph_.link(l).to;
        if (seen[to.value] || room_[l.value] < 1e-9) continue;
        seen[to.value] = true;
        by[to.value] = l.value;
        queue.push_back(to);
      }
    }
    return 0;
  }

  // A link and the one back are 2c and 2c + 1: what goes one way makes room for the other.
  double push(DeviceId end, const std::vector<std::size_t>& by) {
    double most = 1e18;
    for (DeviceId d = end; by[d.value] < room_.size(); d = graph_.link(LinkId(by[d.value])).from) {
      most = std::min(most, room_[by[d.value]]);
    }
    for (DeviceId d = end; by[d.value] < room_.size(); d = graph_.link(LinkId(by[d.value])).from) {
      room_[by[d.value]] -= most;
      room_[by[d.value] ^ 1] += most;
    }
    return most;
  }

  const Graph& graph_;
  std::vector<double> room_;  // By link.
};

double worst_cut(const Fabric& f) {
  std::vector<bool> second(f.nodes(), false);
  std::fill(second.begin() + f.nodes() / 2, second.end(), true);
  MaxFlow flow(f);
  double worst = 1e18;
  do {  // Every way to take half of the nodes.
    std::vector<bool> first(second);
    first.flip();
    worst = std::min(worst, flow.between(first));
  } while (std::next_permutation(second.begin(), second.end()));
  return worst;
}

TEST_CASE("A bisection by formula is the cheapest balanced cut; a bound is never below it") {
  const std::pair<const char*, const char*> networks[] = {
      {"kind: clos, tiers: 2, radix: 4", "nodes: 8"},
      {"kind: clos, levels: [{down: 2, oversubscription: 3}, {down: 8}]", "nodes: 12"},
      {"kind: clos, levels: [{down: 3, up: 1}, {down: 8}]", "nodes: 12"},
      {"kind: clos, levels: [{down: 3, up: 2}, {down: 8}]", "nodes: 9"},
      {"kind: clos, levels: [{down: 2, up: 2}, {down: 2, oversubscription: 4}, {down: 8}]",
       "nodes: 8"},
      {"kind: clos, levels: [{down: 2, oversubscription: 2}, {down: 2, oversubscription: 2}]",
       "nodes: 12"},
      {"kind: clos, levels: [{down: 2, up: 1}, {down: 2, up: 1}, {down: 8}]", "nodes: 10"},
      {"kind: fat-tree, k: 4", "nodes: 12"},
      {"kind: fat-tree, k: 2", ""},
      {"kind: full-mesh", "nodes: 8"},
      {"kind: dragonfly, p: 1, a: 3, h: 1, groups: 4", ""},
      {"kind: dragonfly, p: 2, a: 2, h: 1, groups: 3", ""},
      {"kind: dragonfly, p: 2, a: 2, h: 1, groups: 3", "nodes: 9"},
      {"kind: dragonfly, p: 2, a: 4, h: 2", "nodes: 7"},
      {"kind: dragonfly, p: 2, a: 4, h: 2", "nodes: 6"},
      {"kind: dragonfly, p: 2, a: 1, h: 4", "nodes: 2"}};
  for (const auto& [network, nodes] : networks) {
    CAPTURE(network, nodes);
    const Fabric f = fabric(cluster_text(network, nodes));
    const double stated = f.facts().bisection.value() / 50e9, exact = worst_cut(f);
    const bool mesh = std::string(network).find("mesh") != std::string::npos;
    if (mesh) {  // Its graph holds the summed links only: every card can send n - 1 rates.
      CHECK(stated == 16);
    } else if (f.facts().bisection_how == "formula") {
      CHECK(stated == Approx(exact));
    } else if (f.facts().bisection_how == "bound") {
      CHECK(stated >= Approx(exact));
    }
  }
}

}  // namespace
}  // namespace tenk
