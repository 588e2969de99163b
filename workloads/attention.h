// What does a rank do between the projections of attention, alone or with those that share its
// sequences?
//
// Unfused attention stores its scores: product, scaled and masked softmax in place, dropout,
// product; backward four products and the gradients of both (the fused softmax of Megatron-LM).
// Selective recomputation repeats its forward pass, as Korthikanti et al. 2022 do.
//
// Under context parallelism each of cp ranks has sequence / cp tokens of every sequence: two slices
// from both ends of it, so that causal attention is even work (as Megatron-LM and Llama 3 cut it).
// - ring (Liu et al. 2023; Megatron-LM's p2p): cp rounds; in each a rank computes with the keys and
//   values it has, as much as causal attention over its own tokens, while they go on to the next
//   rank. Backward their gradients travel behind them and make one hop more, which is exposed. Each
//   round but the first merges its result into the sum (assumed: streamed in FP32).
// - all-gather (Llama 3, Grattafiori et al. 2024, section 3.3.2): keys and values of all are
//   gathered before, in both passes, and their gradients reduce-scattered after; all exposed.
// - all-to-all (DeepSpeed-Ulysses, Jacobs et al. 2023): tokens are exchanged for heads before and
//   after, so that each rank has all tokens of heads / cp; exposed.
#pragma once
#include "workloads/layer_times.h"

namespace tenk {

struct AttentionPasses {
  Pass forward, backward;
};
AttentionPasses attention_passes(const TrainingSpec& training, const DeviceProfile& device,
                                 const LayerKind& kind);

}  // namespace tenk
