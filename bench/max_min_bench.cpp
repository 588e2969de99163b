// How fast is one cold max-min solve? Random pairs on a three-tier fat tree of 16,384 hosts, one
// hashed path each: six links a flow.
#include <benchmark/benchmark.h>

#include "sim/base/random.h"
#include "sim/engine/max_min.h"

namespace tenk {
namespace {

struct Pairs {
  std::vector<Bandwidth> capacity;
  std::vector<std::vector<ClassUsage>> usage;
  std::vector<Demand> demands;
};

// Links of a tier in one block: host, edge and core, up then down.
Pairs random_pairs(std::uint32_t flows) {
  constexpr std::uint32_t kHosts = 16384;
  Random random(7, "pairs");
  Pairs p;
  p.capacity.assign(6 * kHosts, 400_Gbps);
  for (std::uint32_t f = 0; f < flows; ++f) {
    std::vector<ClassUsage> path;
    const auto from = static_cast<std::uint32_t>(random.below(kHosts));
    const auto to = static_cast<std::uint32_t>(random.below(kHosts));
    const auto spine = static_cast<std::uint32_t>(random.below(32));
    const auto core = static_cast<std::uint32_t>(random.below(32));
    const std::uint32_t up = from / 32 * 32 + spine, down = to / 32 * 32 + spine;
    const std::uint32_t top = from / 1024 * 1024 + spine * 32 + core;
    const std::uint32_t back = to / 1024 * 1024 + spine * 32 + core;
    const std::uint32_t hops[] = {from, up, top, back, down, to};
    for (std::uint32_t h = 0; h < 6; ++h) path.push_back({ClassId(h * kHosts + hops[h]), 1});
    p.usage.push_back(std::move(path));
  }
  for (const auto& u : p.usage) p.demands.push_back({u});
  return p;
}

void solve_random_pairs(benchmark::State& state) {
  const Pairs p = random_pairs(static_cast<std::uint32_t>(state.range(0)));
  MaxMin solver(p.capacity);
  for (auto _ : state) benchmark::DoNotOptimize(solver.solve(p.demands).front());
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(solve_random_pairs)->Arg(1024)->Arg(16384)->Arg(65536)->Unit(benchmark::kMillisecond);

// The floor: one pass over the same incidence matrix.
void read_incidences(benchmark::State& state) {
  const Pairs p = random_pairs(static_cast<std::uint32_t>(state.range(0)));
  for (auto _ : state) {
    double sum = 0;
    for (const Demand& d : p.demands) {
      for (const ClassUsage& u : d.usage) sum += u.connections * p.capacity[u.trunk.value].value();
    }
    benchmark::DoNotOptimize(sum);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(read_incidences)->Arg(65536)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tenk
