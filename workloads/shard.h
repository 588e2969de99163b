// What part of the model does one tensor-parallel rank hold and compute?
//
// Megatron's split (Shoeybi et al. 2019): heads, the perceptron's width and the vocabulary are cut
// in tp parts; norms, position table and the biases added after a sum stay whole. With fewer
// key/value heads than ranks each rank keeps a copy of one; the vocabulary is padded to a multiple
// of tp. Sequence parallelism (Korthikanti et al. 2022) cuts the tokens of the whole parts.
#pragma once
#include <cstdint>

#include "workloads/layout.h"
#include "workloads/stages.h"

namespace tenk {

struct Shard {
  std::int64_t heads = 1;
  std::int64_t kv_heads = 1;
  std::int64_t ffn = 1;
  std::int64_t vocab = 1;
  std::int64_t tokens = 1;        // Of a micro-batch.
  std::int64_t whole_tokens = 1;  // Those this rank handles between the tensor-parallel regions.

  std::int64_t query_width(const TransformerSpec& m) const { return heads * m.head_dim; }
  std::int64_t key_width(const TransformerSpec& m) const { return kv_heads * m.head_dim; }
};

Shard shard_of(const TrainingSpec& training);

// Weights one rank holds, and those among them that all tp ranks hold alike.
struct LocalParameters {
  std::int64_t all = 0;
  std::int64_t replicated = 0;
  LocalParameters& operator+=(const LocalParameters& o) {
    all += o.all;
    replicated += o.replicated;
    return *this;
  }
};

// Of a chunk. With tied embeddings and pp > 1 the last chunk has its own copy of the embedding.
LocalParameters local_parameters(const TrainingSpec& training, const Chunk& chunk);
// Of a stage: the sum over its chunks.
LocalParameters stage_parameters(const TrainingSpec& training, std::int64_t stage);
// Of the embedding's matrix, which tied stages all-reduce.
std::int64_t local_embedding(const TrainingSpec& training);

}  // namespace tenk
