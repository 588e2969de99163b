// How does the cost of a whole step and of one collective grow with the cluster?
#include <benchmark/benchmark.h>

#include "analysis/predict.h"

namespace tenk {
namespace {

Scenario llama(std::int64_t nodes, ScenarioUse use, const std::string& routing = "spray",
               const std::string& degrade = "[]") {
  Config c = Config::load(TENK_SOURCE_DIR "/examples/llama3-405b-16k.yaml");
  c = apply_override(c, "cluster.nodes=" + std::to_string(nodes));
  c = apply_override(c, "cluster.fabric.routing.policy=" + routing);
  c = apply_override(c, "cluster.degrade=" + degrade);
  c = apply_override(c, "job.parallel.dp=" + std::to_string(nodes / 16));
  c = apply_override(c, "job.batch.global=" + std::to_string(nodes));
  return read_scenario(c, use);
}

void step(benchmark::State& state) {
  const Scenario s = llama(state.range(0), ScenarioUse::kWholeJob);
  for (auto _ : state) benchmark::DoNotOptimize(predict(s).step_time);
  state.SetItemsProcessed(state.iterations() * state.range(0) * 8);
}
BENCHMARK(step)->RangeMultiplier(4)->Range(128, 8192)->Unit(benchmark::kMillisecond);

// The same on a fabric where something broke, and hashed, where hardly any two ranks are alike.
void broken_step(benchmark::State& state, const std::string& routing, const std::string& degrade) {
  const Scenario s = llama(state.range(0), ScenarioUse::kWholeJob, routing, degrade);
  Prediction p;
  for (auto _ : state) p = predict(s);
  state.SetItemsProcessed(state.iterations() * state.range(0) * 8);
  state.counters["rank_classes"] = static_cast<double>(p.engine.rank_classes);
  state.counters["simulation_s"] = p.engine.wall_s;
}
const std::string kSlow = "{link: \"leaf3:spine1\", rate: 200Gbps}";
const std::string kDead = "{link: \"leaf7:spine2\", rate: 0Gbps}";
BENCHMARK_CAPTURE(broken_step, slow_and_dead, "spray", "[" + kSlow + ", " + kDead + "]")
    ->Arg(2048)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(broken_step, hashed_and_slow, "ecmp-hash", "[" + kSlow + "]")
    ->Arg(128)
    ->Arg(1280)
    ->Iterations(1)
    ->Unit(benchmark::kSecond);

void collective(benchmark::State& state, Collective op, const std::string& routing) {
  const Scenario s = llama(state.range(0), ScenarioUse::kClusterOnly, routing);
  const Bytes size[] = {1_GiB};
  for (auto _ : state) benchmark::DoNotOptimize(predict_collective(s, op, size).rows);
  state.SetItemsProcessed(state.iterations() * state.range(0) * 8);
}
BENCHMARK_CAPTURE(collective, all_reduce, Collective::kAllReduce, "spray")
    ->Arg(512)
    ->Arg(8192)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(collective, all_to_all, Collective::kAllToAll, "spray")
    ->Arg(512)
    ->Arg(8192)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(collective, hashed_all_reduce, Collective::kAllReduce, "ecmp-hash")
    ->Arg(512)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(collective, hashed_all_to_all, Collective::kAllToAll, "ecmp-hash")
    ->Arg(512)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tenk
