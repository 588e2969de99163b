// How much memory does a rank of each stage need, and does it fit?
//
// Weights 2 B (BF16), gradients 4 B (FP32, accumulated over micro-batches), optimizer 12 B (FP32
// master weights and two moments of Adam; fewer of SGD, none on the device if it is offloaded):
// Megatron-LM's 18 bytes a parameter, 6 + 12/d under ZeRO-1 over d ranks
// (docs/source/api-guide/dist_optimizer); of experts d is the ranks that hold the same. ZeRO-2
// divides gradients too and ZeRO-3 weights (Rajbhandari et al. 2020, figure 1: 18/d); while they
// are whole, for the passes that need them, buckets add to that: two of weights, the one that
// computes and the next, with embedding and head for as long as they stay, and one of gradients.
// Activations follow Korthikanti et al. 2022, section 4, generalised to grouped-query attention and
// gated perceptrons; how many micro-batches are in flight comes from walking the schedule, so that
// the first stage has p of them (1F1B) or L (1 + (p - 1)/(p v)) layers' worth (interleaved; their
// equation 6).
//
// Flash attention (Dao et al. 2022) never stores its scores; with it `recompute: none` needs no
// more than `selective` (34 s b h / t for GPT). A layer of experts keeps for each copy of a token
// that the busiest rank computes its input and what a perceptron keeps, and its result to be
// weighed. Unfused attention adds them (5 a s^2 b / t). Not
// counted: CUDA and NCCL contexts, workspaces, fragmentation.
#pragma once
#include <cstdint>
#include <vector>

#include "sim/base/units.h"
#include "workloads/layout.h"

namespace tenk {

// What one layer keeps of one micro-batch on one rank until its backward pass, bytes.
struct LayerActivations {
  double split = 0;        // Cut by tensor parallelism: 24 s b h / t for GPT.
  double whole = 0;        // 10 s b h; divided by t under sequence parallelism.
  double input = 0;        // 2 s b h of `whole`: all that full recomputation keeps.
  double norms = 0;        // Of `whole`: what norms leave for products,
  double activations = 0;  // of `split`: what activation functions do,
  double perceptrons = 0;  // and all from inside of perceptrons and experts.
  double scores = 0;       // 5 a s^2 b / t: what attention without flash kernels would add.
};
LayerActivations layer_activations(const TrainingSpec& training, const LayerKind& kind = {});

struct StageMemory {
  Bytes weights;
  Bytes gradients;
  Bytes optimizer;
  Bytes activations;
  Bytes total() const { return weights + gradients + optimizer + activations; }
};

// By stage. Sizes beyond int64 are cut to a quarter of its range. O(stages x vpp x micro-batches).
std::vector<StageMemory> memory_by_stage(const TrainingSpec& training);

}  // namespace tenk
