// Every kind of layout takes as long folded as unfolded.
#include <catch2/catch.hpp>

#include "analysis/pipeline.h"
#include "analysis/scenario.h"
#include "workloads/training.h"

namespace tenk {
namespace {

Timeline run(const std::string& parallel, bool fold) {
  const Scenario s = read_scenario(
      Config::parse("version: 1\n"
                    "cluster:\n"
                    "  nodes: 4\n"
                    "  node: hgx-h100-8\n"
                    "  fabric: {kind: clos, tiers: 2, radix: 64, rails: 8, "
                    "link: {rate: 400Gbps, latency: 300ns}}\n"
                    "job:\n"
                    "  model: {style: llama, layers: 8, hidden: 1024, heads: 16, vocab: 32000}\n"
                    "  parallel: {" +
                        parallel + "}\n  batch: {global: 64, micro: 1, sequence: 4096}\n",
                    "s.yaml"),
      ScenarioUse::kWholeJob);
  const Fabric fabric = build_fabric(s.cluster);
  const Workload workload = build_training(*s.job, *s.device);
  const Placed placed = place_and_fold(fabric, workload, s.tuning, seats_of(s, fabric), fold);
  return simulate(workload, placed, s.engine).timeline;
}

TEST_CASE("Shards, shared sequences and schedules take as long folded as unfolded") {
  for (const char* parallel :
       {"dp: 32, zero: 3", "dp: 32, zero: 3, shard: 8", "dp: 32, zero: 2, shard: 16",
        "cp: 4, dp: 8", "cp: 2, pp: 4, dp: 4", "cp: 4, pp: 4, dp: 2, vpp: 2",
        "tp: 2, cp: 4, dp: 4, cp-exchange: all-gather", "cp: 16, dp: 2, cp-exchange: all-to-all",
        "tp: 2, pp: 4, dp: 4, schedule: zb-h1", "tp: 2, pp: 4, dp: 4, schedule: dualpipe",
        "cp: 2, pp: 4, dp: 4, schedule: dualpipe, zero: 0", "pp: 8, dp: 4, schedule: gpipe"}) {
    CAPTURE(parallel);
    const Timeline folded = run(parallel, true), whole = run(parallel, false);
    const double slack = 1e-9 * whole.makespan.s() + 1e-12 * static_cast<double>(whole.events);
    CHECK(std::abs((folded.makespan - whole.makespan).s()) <= slack);
  }
}

}  // namespace
}  // namespace tenk
