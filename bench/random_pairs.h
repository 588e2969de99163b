// What do random pairs ask of a three-tier fat tree of 16,384 hosts, radix 64 partly populated, one
// hashed path each? Six links a flow; links of a tier in one block: host, edge and core, up then
// down.
#pragma once
#include <vector>

#include "bench/progressive_filling.h"
#include "sim/base/random.h"
#include "sim/engine/max_min.h"

namespace tenk::bench {

struct Pairs {
  std::vector<Bandwidth> capacity;
  std::vector<std::vector<ClassUsage>> usage;
  std::vector<Demand> demands;

  Incidence incidence() const {
    Incidence in;
    for (const auto& path : usage) {
      for (const ClassUsage& u : path) in.link.push_back(u.trunk.value);
      in.first_of_flow.push_back(static_cast<std::uint32_t>(in.link.size()));
    }
    in.index(capacity.size());
    return in;
  }
};

inline Pairs random_pairs(std::uint32_t flows) {
  constexpr std::uint32_t kHosts = 16384;
  Random random(7, "pairs");
  Pairs p;
  p.capacity.assign(6 * kHosts, 400_Gbps);
  for (std::uint32_t f = 0; f < flows; ++f) {
    const auto from = static_cast<std::uint32_t>(random.below(kHosts));
    const auto to = static_cast<std::uint32_t>(random.below(kHosts));
    const auto spine = static_cast<std::uint32_t>(random.below(32));
    const auto core = static_cast<std::uint32_t>(random.below(32));
    const std::uint32_t up = from / 32 * 32 + spine, down = to / 32 * 32 + spine;
    const std::uint32_t top = from / 1024 * 1024 + spine * 32 + core;
    const std::uint32_t back = to / 1024 * 1024 + spine * 32 + core;
    const std::uint32_t hops[] = {from, up, top, back, down, to};
    std::vector<ClassUsage> path;
    for (std::uint32_t h = 0; h < 6; ++h) path.push_back({ClassId(h * kHosts + hops[h]), 1});
    p.usage.push_back(std::move(path));
  }
  for (const auto& u : p.usage) p.demands.push_back({u});
  return p;
}

}  // namespace tenk::bench
