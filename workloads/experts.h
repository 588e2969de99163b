// What does one layer of experts ask of one rank?
//
// As Megatron-LM's all-to-all dispatcher works (megatron/core/transformer/moe/token_dispatcher.py):
// each rank routes the tokens it has between the tensor-parallel regions, sends a copy of each to
// its top_k experts (an all-to-all among ep ranks; then etp ranks, which share every expert, gather
// what their peers got), computes the experts it holds as grouped products, and sends the results
// back the same way. Ranks wait for the busiest one of ep, which gets `busiest` times the mean; a
// capacity factor drops what exceeds it (GShard, Lepikhin et al. 2021, section 2.2).
#pragma once
#include <cstdint>

#include "workloads/layout.h"

namespace tenk {

struct ExpertWork {
  std::int64_t held = 1;       // Experts of a layer on this rank,
  std::int64_t ffn = 1;        // and its part of the inner width of each.
  std::int64_t sent = 1;       // Copies of tokens it sends off,
  std::int64_t received = 1;   // that the busiest rank gets,
  std::int64_t exchanged = 1;  // that it gets from the all-to-all,
  std::int64_t rows = 1;       // and with those of its etp peers computes, all experts together.
  std::int64_t rows_each() const { return (rows + held - 1) / held; }
};
ExpertWork expert_work(const TrainingSpec& training);

// Reads `router`: {capacity-factor, load, skew, seed, copies}. With `copies` C < top_k each token
// leaves C times in the all-to-all, as where it is sent once to a server and on over NVLink
// (DeepSeek-AI 2024, section 3.2.2: 4 of 8); going on costs nothing (assumed). `load` is how many
// tokens each routed expert got, a list as recorded; `skew` S draws the popularity of experts as
// exp(S z), z standard normal, anew for each layer of experts, from the stream "experts" of `seed`;
// without either all experts get the same. The busiest rank's share is the mean over layers.
// O(layers x experts).
RouterSpec read_router(Section section, const TransformerSpec& model, std::int64_t ep);

}  // namespace tenk
