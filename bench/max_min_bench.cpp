// How fast is one cold max-min solve, against the plain reference and one pass over its input?
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <numeric>

#include "bench/random_pairs.h"
#include "sim/engine/simgrid/helper.h"

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

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// Flows that are long under way after a second: what has moved by then are the rates.
simgrid_protocol::Job job_of(const Pairs& p) {
  simgrid_protocol::Job job;
  job.stop_s = 1;
  for (const Bandwidth c : p.capacity) job.capacity.push_back(c.value());
  job.path_first = job.next_first = job.rank_first = {0};
  for (std::size_t f = 0; f < p.usage.size(); ++f) {
    for (const ClassUsage& u : p.usage[f]) job.path_links.push_back(u.trunk.value);
    job.path_first.push_back(job.path_links.size());
    job.path.push_back(f);
    job.next_first.push_back(0);
    job.rank_first.push_back(0);
  }
  job.path_cap.assign(p.usage.size(), 0);
  job.path_latency = job.seconds = job.path_cap;
  job.bytes.assign(p.usage.size(), 1e12);
  job.slows = job.waits_for = std::vector<std::uint64_t>(p.usage.size(), 0);
  job.takes = job.releases = std::vector<std::int64_t>(p.usage.size(), 0);
  return job;
}

// SimGrid's first solve of the same flows in its own process, and ours beside it: CPU time of the
// solvers alone. Fails below 100 times faster, or if rates differ.
void simgrid_random_pairs(benchmark::State& state) {
  constexpr double kFaster = 100, kSame = 1e-9;
  constexpr int kSolves = 10;  // Ours is too short to be timed once; each is from scratch.
  const Pairs p = random_pairs(flows_of(state));
  const simgrid_protocol::Job job = job_of(p);
  MaxMin solver(p.capacity);
  double simgrid_s = 0, ours_s = 0, worst = 0;
  for (auto _ : state) {
    const simgrid_protocol::Answer answer = ask_simgrid(job);
    const double since = cpu_seconds();
    for (int i = 0; i < kSolves; ++i) solver.solve(p.demands);
    ours_s += (cpu_seconds() - since) / kSolves;
    const std::span<const double> rates = solver.solve(p.demands);
    simgrid_s += answer.solve_s;
    for (std::size_t f = 0; f < rates.size(); ++f) {
      worst = std::max(worst, std::abs(answer.moved[f] / rates[f] - 1));
    }
  }
  const double runs = static_cast<double>(state.iterations());
  state.counters["simgrid_ms"] = simgrid_s / runs * 1e3;
  state.counters["ours_ms"] = ours_s / runs * 1e3;
  state.counters["times_faster"] = simgrid_s / ours_s;
  state.counters["worst_difference"] = worst;
  if (worst > kSame) state.SkipWithError("SimGrid and the solver disagree");
  if (state.range(0) == 65536 && simgrid_s < kFaster * ours_s) {
    state.SkipWithError("the solver is not 100 times faster than SimGrid");
  }
}
BENCHMARK(simgrid_random_pairs)
    ->Arg(1024)
    ->Arg(16384)
    ->Arg(65536)
    ->Iterations(3)
    ->Unit(benchmark::kMillisecond);

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
