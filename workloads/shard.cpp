#include "workloads/shard.h"

#include <algorithm>

namespace tenk {
namespace {

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

LocalParameters layer_shard(const TransformerSpec& m, const Shard& shard) {
  const std::int64_t query = shard.query_width(m);
  const std::int64_t qkv = query + 2 * shard.key_width(m);
  const std::int64_t up = shard.ffn * (m.gated_mlp ? 2 : 1);
  LocalParameters count;
  count.all = m.hidden * (qkv + query + up + shard.ffn);
  if (m.qkv_bias) count.all += qkv;
  if (m.mlp_bias) count.all += up;
  count.replicated = 2 * norm_parameters(m);
  if (m.projection_bias) count.replicated += m.hidden;
  if (m.mlp_bias) count.replicated += m.hidden;
  if (m.query_key_norm) count.replicated += 2 * m.head_dim;
  count.all += count.replicated;
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
  shard.tokens = training.batch.micro * training.batch.sequence;
  shard.whole_tokens = layout.shards_sequence() ? shard.tokens / layout.tp : shard.tokens;
  return shard;
}

std::int64_t local_embedding(const TrainingSpec& training) {
  return shard_of(training).vocab * training.model.hidden;
}

LocalParameters local_parameters(const TrainingSpec& training, const Chunk& chunk) {
  const TransformerSpec& m = training.model;
  const LocalParameters layer = layer_shard(m, shard_of(training));
  LocalParameters count{chunk.layers * layer.all, chunk.layers * layer.replicated};
  if (chunk.embedding) {
    const std::int64_t positions = m.positions * m.hidden;
    count += {local_embedding(training) + positions, positions};
  }
  if (chunk.head) {
    const std::int64_t norm = norm_parameters(m);
    const bool own_matrix = !m.tied_embeddings || training.layout.pp > 1;
    count += {norm + (own_matrix ? local_embedding(training) : 0), norm};
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

}  // namespace tenk
