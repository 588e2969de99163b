// How fast is one cold max-min solve, against the plain reference and one pass over its input?
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "bench/random_pairs.h"

namespace tenk::bench {
namespace {

std::uint32_t flows_of(const benchmark::State& state) {
  return static_cast<std::uint32_t>(state.range(0));
}

void solve_random_pairs(benchmark::State& state) {
  const Pairs p = random_pairs(flows_of(state));
  MaxMin solver(p.capacity);
  for (auto _ : state) benchmark::DoNotOptimize(solver.solve(p.demands).front());
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(solve_random_pairs)->Arg(1024)->Arg(16384)->Arg(65536)->Unit(benchmark::kMillisecond);

// The reference, its incidence matrix made anew each time as the solver does.
void reference_random_pairs(benchmark::State& state) {
  const Pairs p = random_pairs(flows_of(state));
  std::vector<double> capacity, rates;
  for (const Bandwidth c : p.capacity) capacity.push_back(c.value());
  for (auto _ : state) rates = progressive_filling(capacity, p.incidence());
  MaxMin solver(p.capacity);
  const std::span<const double> ours = solver.solve(p.demands);
  double worst = 0;
  for (std::size_t f = 0; f < rates.size(); ++f) {
    worst = std::max(worst, std::abs(rates[f] / ours[f] - 1));
  }
  if (worst > 1e-9) state.SkipWithError("the solver and its reference disagree");
  state.counters["worst_difference"] = worst;
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(reference_random_pairs)->Arg(16384)->Arg(65536)->Unit(benchmark::kMillisecond);

// The same with the matrix at hand.
void reference_indexed(benchmark::State& state) {
  const Pairs p = random_pairs(flows_of(state));
  std::vector<double> capacity;
  for (const Bandwidth c : p.capacity) capacity.push_back(c.value());
  const Incidence in = p.incidence();
  for (auto _ : state) benchmark::DoNotOptimize(progressive_filling(capacity, in).front());
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(reference_indexed)->Arg(65536)->Unit(benchmark::kMillisecond);

// The floor: one pass over the same incidence matrix.
void read_incidences(benchmark::State& state) {
  const Pairs p = random_pairs(flows_of(state));
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
}  // namespace tenk::bench
