// What do results look like that exercise every field of a report? Made by hand.
#pragma once
#include "analysis/prediction.h"

namespace tenk {

// Breakdown in tenths that add up to the step; one idle kind of link; texts that need escaping.
inline Prediction example_prediction() {
  Prediction p;
  p.scenario = "llama3-405b on 16,384 H100, \"RoCE\" Clos";
  p.accelerators = 16384;
  p.step_time = Time::picoseconds(9'460'000'000'001);
  p.tokens_per_s = 1773445.25;
  p.tflops_per_gpu = 432.8125;
  p.mfu = 0.4375;
  p.model_flops = 6.7e19;
  p.model_flops_causal = 6.4e19;
  p.interval_low_s = 8.9;
  p.interval_high_s = 10.1;
  p.breakdown_s = {6.6, 1.1, 0.1, 0.0, 0.3, 0.5, 0.0, 0.860000000001};
  p.parameters = 405'853'388'800;
  p.memory_per_gpu = Bytes(66'700'000'000);
  p.links = {{"nic to leaf", 16384, 0.75, 0.125},
             {"leaf-spine up", 49152, 1, 0.25},
             {"cpu to cpu", 4096, 0, 0},
             {"nvlink up", 16384, 0.82, 1.0 / 3}};
  p.trunk_classes = {{"leaf-spine up", 128, 16, 1.5e12, 1}, {"nic to leaf", 16384, 1, 2e10, 0.75}};
  p.collisions = {{"leaf-spine up", "dp ring", 49152, 0.5, 3, {{0, 0, 30000}, {1, 3, 19152}}}};
  p.cost = {612.3e6, 450.5e6, 774.1e6, 0.125, 22.9e6, 30.9e6, 0.0625, 1984, 65536, 98304, 525, {}};
  p.cost.parts = {{"servers", 2048, 523.4e6, 159e6, 20.5e6, false},
                  {"switches", 1984, 88.9e6, 17e6, 2.4e6, true}};
  p.engine = {"fluid", "coflow", true, 412, 37, 96, 1'234'567, 7'654'321, 2.25};
  p.assumptions = {"NVLS is not modelled: collectives use rings and trees",
                   "a very long assumption that has to be wrapped because it does not fit into "
                   "the hundred columns that a table for people may have, and goes on"};
  p.warnings = {"vpp is ignored, as pp is 1"};
  p.fingerprint = "0123456789abcdef";
  p.provenance = {"tenk 0.1.0", "profiles/accelerators/h100-sxm.yaml"};
  return p;
}

inline CollectiveTable example_collective() {
  CollectiveTable t;
  t.scenario = "2,048 H100";
  t.accelerators = 2048;
  t.rows = {{"all_reduce", Bytes(8), 61.2, 0.00013, 0.00026, "tree", "LL", 16, 30.5},
            {"all_reduce", Bytes(8'589'934'592), 46'000.25, 186.7, 373.3, "ring", "Simple", 16,
             45'000.0}};
  t.engine = {"fluid", "coflow", true, 1, 2, 4, 2, 4, 0.125};
  t.assumptions = {"messages start together"};
  return t;
}

}  // namespace tenk
