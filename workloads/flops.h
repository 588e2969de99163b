// How many floating-point operations does the model need for one step?
//
// Forward, per token: 2 per weight of a matrix product, 4 s heads head_dim for the two products of
// attention over s tokens, 2 hidden vocab for the logits; backward twice that; recomputation, norms
// and lookups do not count. For GPT (ffn = 4 h, kv_heads head_dim = heads head_dim = h) this is
//   72 B s L h^2 (1 + s / 6h + V / 12hL)
// (Narayanan et al. 2021, section 5.1, less recomputation; Korthikanti et al. 2022, equation 7).
// Attention counts in full there though it is causal; the
// causal variant counts half of it.
#pragma once
#include "workloads/layout.h"

namespace tenk {

struct ModelFlops {
  double full = 0;    // What tflops_per_gpu and mfu use.
  double causal = 0;  // Attention halved.
};

ModelFlops model_flops(const TransformerSpec& model, const BatchSpec& batch);

}  // namespace tenk
