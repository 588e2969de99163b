#include "workloads/shard.h"

#include <algorithm>

namespace tenk {
namespace {

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

LocalParameters attention_shard(const TransformerSpec& m, const Shard& shard) {
  const std::int64_t query = shard.query_width(m);
  const std::int64_t out = shard.out_width(m);
  LocalParameters count;
  if (m.is_latent()) {
    const LatentAttention& l = m.latent;
    const std::int64_t unrotated = query - shard.heads * l.rotary_dim;
    const std::int64_t source = l.query_rank > 0 ? l.query_rank : m.hidden;
    count.replicated =
        m.hidden * (l.key_rank + l.rotary_dim + l.query_rank) + l.key_rank + l.query_rank;
    count.all = source * query + l.key_rank * (unrotated + out) + out * m.hidden;
  } else {
    const std::int64_t qkv = query + shard.key_value_width(m);
    count.all = m.hidden * (qkv + out) + (m.qkv_bias ? qkv : 0) + (m.sinks ? shard.heads : 0);
    if (m.projection_bias) count.replicated += m.hidden;
    if (m.query_key_norm) count.replicated += 2 * m.head_dim;
  }
  count.all += count.replicated;
  return count;
}

// `ffn` of the inner width on this rank.
LocalParameters perceptron_shard(const TransformerSpec& m, std::int64_t ffn) {
  const std::int64_t whole = m.mlp_bias ? m.hidden : 0;
  return {perceptron_parameters(m, ffn), whole, 0};
}

LocalParameters experts_shard(const TransformerSpec& m, const Shard& shard) {
  const ExpertSpec& e = m.experts;
  LocalParameters count;
  count.replicated = m.hidden * e.routed + (e.router_bias ? e.routed : 0);
  if (e.shared_gate) count.replicated += m.hidden;
  count.experts = shard.experts * perceptron_parameters(m, shard.expert_ffn);
  count.all = count.replicated + count.experts;
  if (e.shared_ffn > 0) count += perceptron_shard(m, shard.shared_ffn);
  return count;
}

LocalParameters layer_shard(const TransformerSpec& m, const Shard& shard, const LayerKind& kind) {
  const std::int64_t norms = m.block_norms * norm_parameters(m);
  LocalParameters count{norms, norms, 0};
  count += attention_shard(m, shard);
  count += kind.experts ? experts_shard(m, shard) : perceptron_shard(m, shard.ffn);
  return count;
}

LocalParameters multi_token_shard(const TransformerSpec& m, const TrainingSpec& t) {
  const std::int64_t norms = 3 * norm_parameters(m);
  LocalParameters count{norms + ceil_div(2 * m.hidden * m.hidden, t.layout.tp), norms, 0};
  count += layer_shard(m, shard_of(t), m.last_kind());
  return count;
}

}  // namespace

Shard shard_of(const TrainingSpec& training) {
  const TransformerSpec& m = training.model;
  const LayoutSpec& layout = training.layout;
  Shard shard;
  shard.heads = m.heads / layout.tp;
  shard.kv_heads = std::max<std::int64_t>(m.kv_heads / layout.tp, 1);
  shard.ffn = m.ffn / layout.tp;
  shard.vocab = ceil_div(m.vocab, layout.tp);
  shard.experts = m.experts.routed / layout.ep;
  shard.expert_ffn = m.experts.ffn / layout.etp;
  shard.shared_ffn = m.experts.shared_ffn / layout.tp;
  shard.tokens = training.batch.micro * training.batch.sequence;
  shard.whole_tokens = layout.shards_sequence() ? shard.tokens / layout.tp : shard.tokens;
  return shard;
}

std::int64_t local_embedding(const TrainingSpec& training) {
  return shard_of(training).vocab * training.model.hidden;
}

bool shares_embedding(const TrainingSpec& t) {
  return t.layout.pp > 1 && (t.model.tied_embeddings || t.model.multi_token > 0);
}

LocalParameters local_parameters(const TrainingSpec& training, const Chunk& chunk) {
  const TransformerSpec& m = training.model;
  const Shard shard = shard_of(training);
  LocalParameters count;
  for (std::int64_t l = chunk.first; l < chunk.first + chunk.layers; ++l) {
    count += layer_shard(m, shard, m.kind_of(l));
  }
  if (chunk.embedding) {
    const std::int64_t whole = embedding_parameters(m) - m.vocab * m.hidden;
    count += {local_embedding(training) + whole, whole, 0};
  }
  if (chunk.head) {
    const std::int64_t norm = m.final_norm ? norm_parameters(m) : 0;
    const std::int64_t matrices =
        (m.tied_embeddings ? 0 : 1) + (shares_embedding(training) ? 1 : 0);
    const bool first_token = m.classes > 0 || m.pooler;
    const std::int64_t whole = first_token ? head_parameters(m) : 0;
    const std::int64_t bias = m.head_bias ? shard.vocab : 0;
    count += {norm + whole + (first_token ? 0 : matrices * local_embedding(training) + bias),
              norm + whole, 0};
    for (std::int64_t i = 0; i < m.multi_token; ++i) count += multi_token_shard(m, training);
  }
  return count;
}

LocalParameters stage_parameters(const TrainingSpec& training, std::int64_t stage) {
  const auto all = assign_chunks(training.layout, training.model.layers);
  LocalParameters count;
  for (const Chunk& chunk : chunks_of_stage(training.layout, all, stage)) {
    count += local_parameters(training, chunk);
  }
  return count;
}

std::int64_t updated_parameters(const TrainingSpec& t, const LocalParameters& held) {
  return ceil_div(held.dense(), t.layout.shards()) +
         ceil_div(held.experts, t.layout.expert_shards());
}

}  // namespace tenk
