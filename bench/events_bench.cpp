// What does one start or end of a flow cost, and a run of all flows to their end?
#include <benchmark/benchmark.h>

#include <algorithm>
#include <ctime>

#include "analysis/flows.h"
#include "bench/random_pairs.h"
#include "sim/engine/engine.h"
#include "sim/engine/shares.h"

namespace tenk::bench {
namespace {

// Of this thread: other people's work on the machine does not count.
double cpu_micros() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) * 1e-3;
}

double at_share(std::vector<double>& values, double share) {
  const auto at = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return values[at];
}

// One flow leaves, then comes back: two solves an iteration. Counters in microseconds of CPU a
// solve.
void solve_again(benchmark::State& state) {
  const auto flows = static_cast<std::uint32_t>(state.range(0));
  const Pairs p = random_pairs(flows);
  Shares shares(p.capacity);
  std::vector<std::uint32_t> number;
  for (const Demand& d : p.demands) number.push_back(shares.add(d));
  shares.solve();
  Random random(1, "events");
  std::vector<double> micros, solved;
  const auto timed = [&](auto change) {
    const double since = cpu_micros();
    change();
    shares.solve();
    micros.push_back(cpu_micros() - since);
    solved.push_back(static_cast<double>(shares.solved().size()));
  };
  for (auto _ : state) {
    const std::uint64_t f = random.below(flows);
    timed([&] { shares.remove(number[f]); });
    timed([&] { number[f] = shares.add(p.demands[f]); });
  }
  state.counters["median_us"] = at_share(micros, 0.5);
  state.counters["p99_us"] = at_share(micros, 0.99);
  state.counters["max_us"] = at_share(micros, 1);
  state.counters["median_flows"] = at_share(solved, 0.5);
  state.counters["p99_flows"] = at_share(solved, 0.99);
}
BENCHMARK(solve_again)->Arg(16384)->Arg(65536)->Iterations(5000);

// Sizes from 1 to 100 MB, all from the start.
Plan plan_of_pairs(std::int64_t count) {
  const Pairs p = random_pairs(static_cast<std::uint32_t>(count));
  Random random(2, "sizes");
  RoutedFlows routed;
  routed.capacity = p.capacity;
  for (const auto& path : p.usage) {
    Flow flow;
    flow.bytes = random.uniform(1e6, 1e8);
    routed.flows.push_back(flow);
    routed.usage.add(path);
    routed.latency.emplace_back();
    routed.cap.push_back(Bandwidth::unlimited());
  }
  return plan_of(routed);
}

void run_random_pairs(benchmark::State& state) {
  const Plan plan = plan_of_pairs(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize(engine_kinds()[0]->run(plan).makespan);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(run_random_pairs)->Arg(1024)->Arg(16384)->Unit(benchmark::kMillisecond);

// The checks that every run ends with.
void check_random_pairs(benchmark::State& state) {
  const Plan plan = plan_of_pairs(state.range(0));
  const Timeline timeline = engine_kinds()[0]->run(plan);
  for (auto _ : state) check_bounds(plan, timeline);
}
BENCHMARK(check_random_pairs)->Arg(16384)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tenk::bench
