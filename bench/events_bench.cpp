// What does one start or end of a flow cost, and a run of all flows to their end?
#include <benchmark/benchmark.h>

#include <malloc.h>

#include <algorithm>
#include <ctime>
#include <tuple>

#include "analysis/flows.h"
#include "analysis/pipeline.h"
#include "bench/random_pairs.h"
#include "sim/engine/engine.h"
#include "sim/engine/shares.h"
#include "workloads/lower.h"
#include "workloads/training.h"

namespace tenk::bench {
namespace {

// Memory in use, in bytes.
double in_use() { return static_cast<double>(mallinfo2().uordblks + mallinfo2().hblkhd); }

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
  std::vector<std::uint32_t> number(flows);
  const double before = in_use();
  Shares shares(p.capacity);
  const double empty = in_use();
  for (std::uint32_t f = 0; f < flows; ++f) number[f] = shares.add(p.demands[f]);
  shares.solve();
  state.counters["bytes_a_flow"] = (in_use() - empty) / flows;
  state.counters["bytes_a_link"] = (empty - before) / static_cast<double>(p.capacity.size());
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

// A training step of Llama 3 405B's shape under ecmp-hash with a slow leaf-spine link: nearly every
// rank is a class of its own.
Plan plan_of_step(std::int64_t nodes) {
  Config c = Config::load(TENK_SOURCE_DIR "/examples/llama3-405b-16k.yaml");
  c = apply_override(c, "cluster.nodes=" + std::to_string(nodes));
  c = apply_override(c, "cluster.fabric.routing.policy=ecmp-hash");
  c = apply_override(c, "cluster.degrade=[{link: \"leaf3:spine1\", rate: 200Gbps}]");
  c = apply_override(c, "job.parallel.dp=" + std::to_string(nodes / 16));
  c = apply_override(c, "job.batch.global=" + std::to_string(nodes));
  const Scenario s = read_scenario(c, ScenarioUse::kWholeJob);
  const Fabric fabric = build_fabric(s.cluster);
  const Workload workload = build_training(*s.job, *s.device);
  const Placed placed = place_and_fold(fabric, workload, s.tuning, true);
  return lower(workload, placed.traffic, placed.symmetry);
}

// When the bytes of a transfer begin or cease to flow.
struct Change {
  Time time;
  std::uint32_t activity = 0;
  bool begins = false;
};

std::vector<Change> changes_of(const Plan& plan) {
  const Timeline timeline = engine_kinds()[0]->run(plan);
  std::vector<Change> changes;
  for (std::uint32_t a = 0; a < plan.activities.size(); ++a) {
    const Activity& activity = plan.activities[a];
    const Time from = timeline.start[a] + activity.time;
    if (activity.kind != Activity::Kind::kTransfer || timeline.end[a] <= from) continue;
    changes.push_back({from, a, true});
    changes.push_back({timeline.end[a], a, false});
  }
  std::sort(changes.begin(), changes.end(), [](const Change& a, const Change& b) {
    return std::tuple(a.time, a.begins, a.activity) < std::tuple(b.time, b.begins, b.activity);
  });
  return changes;
}

// Every solve of such a step, in microseconds of CPU.
void solve_hashed_step(benchmark::State& state) {
  const Plan plan = plan_of_step(state.range(0));
  const std::vector<Change> changes = changes_of(plan);
  std::vector<double> micros;
  for (auto _ : state) {
    Shares shares(plan.capacity);
    std::vector<std::uint32_t> number(plan.activities.size());
    for (std::size_t i = 0; i < changes.size();) {
      const Time now = changes[i].time;
      const double since = cpu_micros();
      for (; i < changes.size() && changes[i].time == now; ++i) {
        const Activity& a = plan.activities[changes[i].activity];
        std::uint32_t& flow = number[changes[i].activity];
        if (changes[i].begins) {
          flow = shares.add({plan.usage[a.coflow.value], a.cap});
        } else {
          shares.remove(flow);
        }
      }
      shares.solve();
      micros.push_back(cpu_micros() - since);
    }
  }
  state.counters["solves"] = static_cast<double>(micros.size());
  state.counters["median_us"] = at_share(micros, 0.5);
  state.counters["p99_us"] = at_share(micros, 0.99);
  state.counters["max_us"] = at_share(micros, 1);
}
BENCHMARK(solve_hashed_step)->Arg(128)->Arg(1280)->Iterations(1)->Unit(benchmark::kSecond);

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
