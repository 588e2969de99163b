// How does the cost of a whole step and of one collective grow with the cluster?
#include <benchmark/benchmark.h>

#include "analysis/predict.h"

namespace tenk {
namespace {

Scenario llama(std::int64_t nodes, ScenarioUse use) {
  Config c = Config::load(TENK_SOURCE_DIR "/examples/llama3-405b-16k.yaml");
  c = apply_override(c, "cluster.nodes=" + std::to_string(nodes));
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

void collective(benchmark::State& state, Collective op) {
  const Scenario s = llama(state.range(0), ScenarioUse::kClusterOnly);
  const Bytes size[] = {1_GiB};
  for (auto _ : state) benchmark::DoNotOptimize(predict_collective(s, op, size).rows);
  state.SetItemsProcessed(state.iterations() * state.range(0) * 8);
}
BENCHMARK_CAPTURE(collective, all_reduce, Collective::kAllReduce)
    ->Arg(512)
    ->Arg(8192)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(collective, all_to_all, Collective::kAllToAll)
    ->Arg(512)
    ->Arg(8192)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tenk
