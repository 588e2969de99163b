#include "topologies/stragglers.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "sim/base/random.h"

namespace tenk {
namespace {

constexpr double kSlowest = 0.01, kFastest = 100, kMostSpread = 0.15;
constexpr double kStepsPerDeviation = 8;

void read_spread(Section& s, const ClusterSize& size, Straggler& straggler) {
  straggler.deviation = s.number("spread", {1e-6, kMostSpread});
  straggler.count = size.nodes * size.per_node;
  straggler.seed = static_cast<std::uint64_t>(s.integer("seed", {.min = 0}, 0));
  const std::string of = s.word("of", {"accelerator", "node"}, "accelerator");
  straggler.together = of == "node" ? size.per_node : 1;
}

void read_some(Section& s, const std::string& unit, std::uint32_t units, std::uint32_t each,
               Straggler& straggler) {
  const std::int64_t first = s.integer(unit, {0, std::int64_t{units} - 1});
  const std::int64_t count = s.integer("count", {1, std::int64_t{units} - first}, 1);
  straggler.first = static_cast<std::uint32_t>(first) * each;
  straggler.count = static_cast<std::uint32_t>(count) * each;
  straggler.speed = s.number("speed", {kSlowest, kFastest});
}

// Of mean 0 and deviation 1.
double bell(Random& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += random.uniform();
  return sum;
}

}  // namespace

std::vector<Straggler> read_stragglers(Section& cluster, const ClusterSize& size) {
  std::vector<Straggler> list;
  for (Section& s : cluster.sections("stragglers")) {
    Straggler straggler;
    const int kinds = s.has("node") + s.has("accelerator") + s.has("spread");
    if (kinds != 1) {
      s.fail(
          fmt::format("{}: an entry has one of node, accelerator (with speed) and spread; this "
                      "one has {}",
                      s.what(), kinds == 0 ? "none" : "several"));
      for (const char* key : {"node", "accelerator", "spread", "speed", "count", "seed", "of"}) {
        s.raw(key);
      }
    } else if (s.has("spread")) {
      read_spread(s, size, straggler);
    } else if (s.has("node")) {
      read_some(s, "node", size.nodes, size.per_node, straggler);
    } else {
      read_some(s, "accelerator", size.nodes * size.per_node, 1, straggler);
    }
    s.finish();
    list.push_back(straggler);
  }
  return list;
}

std::vector<double> speeds_of(const std::vector<Straggler>& stragglers, const ClusterSize& size) {
  std::vector<double> speeds;
  if (stragglers.empty()) return speeds;
  speeds.assign(std::size_t{size.nodes} * size.per_node, 1);
  for (const Straggler& s : stragglers) {
    Random random(s.seed, "stragglers");
    double speed = s.speed;
    for (std::uint32_t i = 0; i < s.count; ++i) {
      if (s.deviation > 0 && i % s.together == 0) {
        const double steps = std::round(bell(random) * kStepsPerDeviation);
        speed = s.speed * (1 + s.deviation * (steps / kStepsPerDeviation));
      }
      speeds[s.first + i] *= speed;
    }
  }
  return speeds;
}

std::string about_stragglers(const std::vector<Straggler>& stragglers) {
  for (const Straggler& s : stragglers) {
    if (s.deviation <= 0) continue;
    return fmt::format(
        "speeds of {} are drawn from a bell curve of deviation {:.3g} (assumed), in steps of an "
        "eighth of it",
        s.together > 1 ? "nodes" : "accelerators", s.deviation);
  }
  return {};
}

}  // namespace tenk
