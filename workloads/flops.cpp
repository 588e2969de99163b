#include "workloads/flops.h"

namespace tenk {

ModelFlops model_flops(const TransformerSpec& m, const BatchSpec& batch) {
  constexpr double kPasses = 3;  // Forward, and backward for data and for weights.
  const auto h = static_cast<double>(m.hidden);
  const auto d = static_cast<double>(m.head_dim);
  const double query = static_cast<double>(m.heads) * d;
  const double keys = 2 * static_cast<double>(m.kv_heads) * d;
  const double mlp = static_cast<double>(m.ffn) * (m.gated_mlp ? 3 : 2);
  const auto layers = static_cast<double>(m.layers);
  const auto sequence = static_cast<double>(batch.sequence);
  const double tokens = static_cast<double>(batch.global) * sequence;
  const double products = layers * 2 * h * (query + keys + query + mlp);
  const double attention = layers * 4 * sequence * query;
  const double logits = 2 * h * static_cast<double>(m.vocab);
  return {kPasses * tokens * (products + attention + logits),
          kPasses * tokens * (products + attention / 2 + logits)};
}

}  // namespace tenk
