#include "analysis/collisions.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace tenk {
namespace {

constexpr std::uint64_t kMostBins = 16;

// By link kind: does it join two switches?
std::vector<bool> between_switches(const Graph& graph) {
  std::vector<bool> between(graph.link_kinds(), false);
  for (const Link& l : graph.links()) {
    if (graph.device(l.from).node == kNoNode && graph.device(l.to).node == kNoNode) {
      between[l.kind] = true;
    }
  }
  return between;
}

// Every number of connections that occurs, or ranges of equal width where those are too many.
std::vector<CollisionBin> bins_of(const std::vector<std::uint64_t>& counts) {
  std::map<std::uint64_t, std::uint64_t> links;
  const std::uint64_t most = *std::max_element(counts.begin(), counts.end());
  const std::uint64_t width = most / kMostBins + 1;
  for (const std::uint64_t n : counts) ++links[n / width];
  std::vector<CollisionBin> bins;
  for (const auto& [bin, count] : links) {
    bins.push_back({bin * width, bin * width + width - 1, count});
  }
  return bins;
}

// Keeps the kind of links whose busiest has the most connections.
void compare(const Fabric& fabric, const std::string& traffic, const std::vector<double>& load,
             const std::vector<bool>& between, std::optional<Collisions>& worst) {
  const auto trunks = fabric.trunks();
  for (std::uint16_t kind = 0; kind < between.size(); ++kind) {
    if (!between[kind]) continue;
    std::vector<std::uint64_t> counts;
    double sum = 0;
    for (std::size_t t = 0; t < trunks.size(); ++t) {
      if (trunks[t].kind != kind) continue;
      counts.push_back(static_cast<std::uint64_t>(std::llround(load[t])));
      sum += load[t];
    }
    if (counts.empty()) continue;
    const std::uint64_t busiest = *std::max_element(counts.begin(), counts.end());
    if (busiest == 0 || (worst && busiest <= worst->busiest)) continue;
    worst = Collisions{fabric.graph().link_kind(kind),           traffic, counts.size(),
                       sum / static_cast<double>(counts.size()), busiest, bins_of(counts)};
  }
}

}  // namespace

std::optional<Collisions> collisions_of(const Fabric& fabric, const Workload& workload,
                                        const Traffic& traffic) {
  std::optional<Collisions> worst;
  if (!fabric.router().hashes()) return worst;
  const std::vector<bool> between = between_switches(fabric.graph());
  std::map<std::string, std::vector<double>> loads;
  for (std::size_t c = 0; c < traffic.coflows(); ++c) {
    if (traffic.asks[c].empty()) continue;
    const Method& method = traffic.methods[traffic.asks[c].front().method];
    std::vector<double>& load =
        loads[workload.families[traffic.family[c].value].name + " " + method.algorithm];
    load.resize(traffic.trunks.size(), 0);
    for (const Usage& u : traffic.usage[c]) {
      const double efficiency = traffic.efficiency[traffic.trunks[u.trunk.value].kind];
      load[u.trunk.value] += u.connections * efficiency;
    }
  }
  for (const auto& [name, load] : loads) compare(fabric, name, load, between, worst);
  return worst;
}

std::optional<Collisions> collisions_of(const Fabric& fabric, const Lists<Usage>& flows) {
  std::optional<Collisions> worst;
  if (!fabric.router().hashes()) return worst;
  std::vector<double> load(fabric.trunks().size(), 0);
  for (const Usage& u : flows.items) load[u.trunk.value] += u.connections;
  compare(fabric, "flows", load, between_switches(fabric.graph()), worst);
  return worst;
}

}  // namespace tenk
