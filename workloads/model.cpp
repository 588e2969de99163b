#include "workloads/model.h"

#include <fmt/format.h>

#include <algorithm>

namespace tenk {
namespace {

std::int64_t latent_parameters(const TransformerSpec& m) {
  const LatentAttention& l = m.latent;
  const std::int64_t queries = m.heads * m.head_dim;
  const std::int64_t values = m.heads * m.value_width();
  const std::int64_t unrotated = m.heads * (m.head_dim - l.rotary_dim);
  std::int64_t count = m.hidden * (l.key_rank + l.rotary_dim) + l.key_rank +  // Its norm.
                       l.key_rank * (unrotated + values) + values * m.hidden;
  count += l.query_rank > 0 ? (m.hidden + 1 + queries) * l.query_rank : m.hidden * queries;
  return count;
}

std::int64_t attention_parameters(const TransformerSpec& m) {
  if (m.is_latent()) return latent_parameters(m);
  const std::int64_t query = m.heads * m.head_dim;
  const std::int64_t qkv = query + m.kv_heads * (m.head_dim + m.value_width());
  const std::int64_t out = m.heads * m.value_width();
  std::int64_t count = m.hidden * (qkv + out);
  if (m.qkv_bias) count += qkv;
  if (m.projection_bias) count += m.hidden;
  if (m.query_key_norm) count += 2 * m.head_dim;
  if (m.sinks) count += m.heads;
  return count;
}

// Of a layer of experts that a token meets `met` of.
std::int64_t expert_parameters(const TransformerSpec& m, std::int64_t met) {
  const ExpertSpec& e = m.experts;
  std::int64_t count = met * perceptron_parameters(m, e.ffn) + m.hidden * e.routed;
  if (e.router_bias) count += e.routed;
  if (e.shared_ffn > 0) count += perceptron_parameters(m, e.shared_ffn);
  if (e.shared_gate) count += m.hidden;
  return count;
}

std::int64_t layer_of(const TransformerSpec& m, const LayerKind& kind, std::int64_t met) {
  return attention_parameters(m) + m.block_norms * norm_parameters(m) +
         (kind.experts ? expert_parameters(m, met) : perceptron_parameters(m, m.ffn));
}

std::int64_t count_all(const TransformerSpec& m, std::int64_t met) {
  std::int64_t count = embedding_parameters(m) + head_parameters(m);
  if (m.final_norm) count += norm_parameters(m);
  for (const LayerKind& kind : distinct_kinds(m)) {
    count += layers_of(m, kind) * layer_of(m, kind, met);
  }
  return count;
}

// An upper bound that cannot overflow.
double rough_parameters(const TransformerSpec& m) {
  const auto h = static_cast<double>(m.hidden);
  const auto experts = static_cast<double>(m.experts.routed);
  const double perceptrons = static_cast<double>(m.ffn) +
                             experts * static_cast<double>(m.experts.ffn) +
                             static_cast<double>(m.experts.shared_ffn);
  const double attention =
      static_cast<double>(m.heads) * static_cast<double>(std::max(m.head_dim, m.value_width()));
  const double ranks = static_cast<double>(m.latent.key_rank + m.latent.query_rank);
  const double layer = 4 * h * perceptrons + (h + ranks) * (4 * attention + ranks) + h * experts;
  return static_cast<double>(m.layers) * layer + 2 * h * static_cast<double>(m.vocab + m.positions);
}

}  // namespace

std::vector<LayerKind> distinct_kinds(const TransformerSpec& m) {
  if (m.kinds.empty()) return {LayerKind{}};
  std::vector<LayerKind> distinct;
  for (const LayerKind& kind : m.kinds) {
    if (std::find(distinct.begin(), distinct.end(), kind) == distinct.end()) {
      distinct.push_back(kind);
    }
  }
  return distinct;
}

std::int64_t layers_of(const TransformerSpec& m, const LayerKind& kind) {
  if (m.kinds.empty()) return kind == LayerKind{} ? m.layers : 0;
  return std::count(m.kinds.begin(), m.kinds.end(), kind);
}

std::int64_t norm_parameters(const TransformerSpec& m) { return m.hidden * (m.layer_norm ? 2 : 1); }

std::int64_t perceptron_parameters(const TransformerSpec& m, std::int64_t ffn) {
  const std::int64_t up = ffn * (m.gated_mlp ? 2 : 1);
  return m.hidden * (up + ffn) + (m.mlp_bias ? up + m.hidden : 0);
}

std::int64_t layer_parameters(const TransformerSpec& m, const LayerKind& kind) {
  return layer_of(m, kind, m.experts.routed);
}

std::int64_t embedding_parameters(const TransformerSpec& m) {
  std::int64_t count = (m.vocab + m.positions + m.token_types) * m.hidden;
  if (m.embedding_norm) count += norm_parameters(m);
  if (m.image.size > 0) {  // A product of each patch with its bias; the class token.
    count += (m.image.channels * m.image.patch * m.image.patch + 2) * m.hidden;
  }
  return count;
}

std::int64_t head_parameters(const TransformerSpec& m) {
  if (m.classes > 0) return (m.hidden + 1) * m.classes;
  if (m.pooler) return (m.hidden + 1) * m.hidden;
  return (m.tied_embeddings ? 0 : m.vocab * m.hidden) + (m.head_bias ? m.vocab : 0);
}

std::int64_t multi_token_parameters(const TransformerSpec& m) {
  return 3 * norm_parameters(m) + 2 * m.hidden * m.hidden + layer_parameters(m, m.last_kind());
}

std::int64_t parameters(const TransformerSpec& m) { return count_all(m, m.experts.routed); }

std::int64_t active_parameters(const TransformerSpec& m) {
  return count_all(m, std::min(m.experts.top_k, m.experts.routed));
}

void check_model(const TransformerSpec& model, const ModelKeys& keys, Section& section) {
  constexpr double kCountable = 8e18;  // Of int64.
  if (rough_parameters(model) > kCountable) {
    section.fail(
        fmt::format("a model of about {:.1e} parameters; at most 10^16", rough_parameters(model)));
  } else if (parameters(model) > kMostParameters) {
    section.fail(fmt::format("a model of {} parameters; at most 10^16", parameters(model)));
  }
  const std::string prefix = section.what().empty() ? "" : section.what() + ".";
  const ExpertSpec& experts = model.experts;
  if (experts.routed > 0 && experts.top_k > experts.routed) {
    section.fail(keys.top_k, fmt::format("{}{} {} is more than the {} routed experts", prefix,
                                         keys.top_k, experts.top_k, experts.routed));
  }
  if (model.heads % model.kv_heads == 0) return;
  section.fail(keys.kv_heads,
               fmt::format("{0}{1} {2} does not divide {0}{3} {4}: each key/value head serves as "
                           "many query heads",
                           prefix, keys.kv_heads, model.kv_heads, keys.heads, model.heads));
}

}  // namespace tenk
