#include "workloads/flops.h"

#include <algorithm>

namespace tenk {
namespace {

constexpr double kPerWeight = 2;  // A multiplication and an addition.

// Weights of the products around attention; of each product its inputs x its outputs.
double projection_weights(const TransformerSpec& m) {
  const auto h = static_cast<double>(m.hidden);
  const double queries = static_cast<double>(m.heads * m.head_dim);
  const double values = static_cast<double>(m.heads * m.value_width());
  if (!m.is_latent()) {
    const auto keys = static_cast<double>(m.kv_heads * (m.head_dim + m.value_width()));
    return h * (queries + keys + values);
  }
  const auto rank = static_cast<double>(m.latent.key_rank);
  const auto rotary = static_cast<double>(m.latent.rotary_dim);
  const auto query_rank = static_cast<double>(m.latent.query_rank);
  const double unrotated = queries - static_cast<double>(m.heads) * rotary;
  const double query = query_rank > 0 ? (h + queries) * query_rank : h * queries;
  return query + h * (rank + rotary) + rank * (unrotated + values) + values * h;
}

double perceptron_weights(const TransformerSpec& m, std::int64_t ffn) {
  return static_cast<double>(m.hidden) * static_cast<double>(ffn) * (m.gated_mlp ? 3 : 2);
}

// Both products of attention, for each key.
double per_key(const TransformerSpec& m) {
  return kPerWeight * static_cast<double>(m.heads * (m.head_dim + m.value_width()));
}

struct Sums {
  double projections = 0, perceptron = 0, router = 0, routed = 0, shared = 0;
  ModelFlops attention;
};

void add_layers(const TransformerSpec& m, const LayerKind& kind, double layers,
                std::int64_t sequence, Sums& sums) {
  const auto s = static_cast<double>(sequence);
  const double reach = kind.window > 0 ? std::min(s, static_cast<double>(kind.window)) : s;
  sums.projections += layers * kPerWeight * projection_weights(m);
  sums.attention.full += layers * per_key(m) * reach;
  sums.attention.causal += layers * per_key(m) * mean_keys(m, kind, sequence);
  if (!kind.experts) {
    sums.perceptron += layers * kPerWeight * perceptron_weights(m, m.ffn);
    return;
  }
  const ExpertSpec& e = m.experts;
  sums.router +=
      layers * kPerWeight * static_cast<double>(m.hidden) * static_cast<double>(e.routed);
  sums.routed += layers * kPerWeight * static_cast<double>(e.top_k) * perceptron_weights(m, e.ffn);
  sums.shared += layers * kPerWeight * perceptron_weights(m, e.shared_ffn);
}

// After the blocks, per token.
double output_weights(const TransformerSpec& m, std::int64_t sequence) {
  const auto h = static_cast<double>(m.hidden);
  if (m.classes > 0) return h * static_cast<double>(m.classes) / static_cast<double>(sequence);
  if (m.pooler) return h * h / static_cast<double>(sequence);
  return h * static_cast<double>(m.vocab);
}

}  // namespace

double mean_keys(const TransformerSpec& m, const LayerKind& kind, std::int64_t sequence) {
  const auto s = static_cast<double>(sequence);
  const double window = kind.window > 0 ? std::min(s, static_cast<double>(kind.window)) : s;
  return m.causal ? window * (1 - window / (2 * s)) : window;
}

std::vector<OperationFlops> flops_by_operation(const TransformerSpec& m, std::int64_t sequence) {
  Sums sums;
  for (const LayerKind& kind : distinct_kinds(m)) {
    add_layers(m, kind, static_cast<double>(layers_of(m, kind)), sequence, sums);
  }
  const auto h = static_cast<double>(m.hidden);
  const auto modules = static_cast<double>(m.multi_token);
  if (m.multi_token > 0) add_layers(m, m.last_kind(), modules, sequence, sums);
  const ImageInput& image = m.image;
  const double patch = static_cast<double>(image.channels * image.patch * image.patch);
  std::vector<OperationFlops> all;
  const auto add = [&](std::string_view name, ModelFlops flops) {
    if (flops.full > 0) all.push_back({name, flops});
  };
  const auto product = [&](std::string_view name, double flops) { add(name, {flops, flops}); };
  if (image.size > 0) product("patches", kPerWeight * h * patch);
  product("attention projections", sums.projections);
  add("attention", sums.attention);
  product("perceptron", sums.perceptron);
  product("router", sums.router);
  product("routed experts", sums.routed);
  product("shared experts", sums.shared);
  product("multi-token projection", modules * kPerWeight * 2 * h * h);
  product("output", (1 + modules) * kPerWeight * output_weights(m, sequence));
  return all;
}

ModelFlops model_flops(const TransformerSpec& m, const BatchSpec& batch) {
  constexpr double kPasses = 3;  // Forward, and backward for data and for weights.
  const double tokens = static_cast<double>(batch.global) * static_cast<double>(batch.sequence);
  ModelFlops sum;
  for (const OperationFlops& o : flops_by_operation(m, batch.sequence)) {
    sum.full += o.forward.full;
    sum.causal += o.forward.causal;
  }
  return {kPasses * tokens * sum.full, kPasses * tokens * sum.causal};
}

}  // namespace tenk
