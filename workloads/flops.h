// How many floating-point operations does the model need for one step, and which operation how
// many?
//
// Forward, per token: 2 per weight of a matrix product that the token meets, and in attention over
// s tokens 2 s heads (head_dim + value_dim) for its two products (min(s, window) with a window); 2
// hidden vocab for the logits. Backward twice that; recomputation, norms and lookups do not count.
// For GPT (ffn = 4 h, kv_heads head_dim = heads head_dim = h) this is
//   72 B s L h^2 (1 + s / 6h + V / 12hL)
// (Narayanan et al. 2021, section 5.1, less recomputation; Korthikanti et al. 2022, equation 7).
// Attention counts in full there though it is causal; the causal variant counts what is not masked:
// half, or window - window^2 / 2s of the s with a window. Latent attention is counted as it trains:
// keys and values are unpacked for every head. Of experts a token meets top_k and the shared one.
#pragma once
#include <string_view>
#include <vector>

#include "workloads/layout.h"

namespace tenk {

struct ModelFlops {
  double full = 0;    // What tflops_per_gpu and mfu use.
  double causal = 0;  // Attention as it is masked.
};

// Of a step: three times forward.
ModelFlops model_flops(const TransformerSpec& model, const BatchSpec& batch);

struct OperationFlops {
  std::string_view operation;  // "attention projections", "attention", "perceptron", ...
  ModelFlops forward;          // Per token, of all layers together.
};
// By operation, those that the model has; they add up to a third of model_flops.
std::vector<OperationFlops> flops_by_operation(const TransformerSpec& model, std::int64_t sequence);

// Keys that a query meets on average: all of `sequence`, those not masked, those in the window.
double mean_keys(const TransformerSpec& model, const LayerKind& kind, std::int64_t sequence);

}  // namespace tenk
