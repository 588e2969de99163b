// What part of the model does one tensor-parallel rank hold and compute?
//
// Megatron's split (Shoeybi et al. 2019): heads, the perceptron's width and the vocabulary are cut
// in tp parts; norms, position table and the biases added after a sum stay whole. With fewer
// key/value heads than ranks each rank keeps a copy of one; the vocabulary is padded to a multiple
// of tp. Sequence parallelism (Korthikanti et al. 2022) cuts the tokens of the whole parts. Latent
// attention's narrow products, routers and what stands on images stay whole. Experts are cut in
// their own way: ep ranks share a layer's, etp ranks each of them.
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
  std::int64_t experts = 0;       // Of a layer of experts,
  std::int64_t expert_ffn = 0;    // the part of their inner width,
  std::int64_t shared_ffn = 0;    // and of the shared one's.
  std::int64_t tokens = 1;        // Of a micro-batch.
  std::int64_t whole_tokens = 1;  // Those this rank handles between the tensor-parallel regions.

  std::int64_t query_width(const TransformerSpec& m) const { return heads * m.head_dim; }
  // Of keys and values together.
  std::int64_t key_value_width(const TransformerSpec& m) const {
    return kv_heads * (m.head_dim + m.value_width());
  }
  std::int64_t out_width(const TransformerSpec& m) const { return heads * m.value_width(); }
};

Shard shard_of(const TrainingSpec& training);

// Weights one rank holds; among them those that all tp ranks hold alike, and those of routed
// experts, which fewer ranks hold alike than the rest.
struct LocalParameters {
  std::int64_t all = 0;
  std::int64_t replicated = 0;
  std::int64_t experts = 0;
  std::int64_t dense() const { return all - experts; }
  LocalParameters& operator+=(const LocalParameters& o) {
    all += o.all;
    replicated += o.replicated;
    experts += o.experts;
    return *this;
  }
};

// Do the first and the last stage both hold the embedding? With pp > 1, if it is tied to the head
// or multi-token modules, which stand on the last stage, look tokens up again.
bool shares_embedding(const TrainingSpec& training);

// Of a chunk; its head's part has the final norm and the multi-token modules.
LocalParameters local_parameters(const TrainingSpec& training, const Chunk& chunk);
// Of a stage: the sum over its chunks.
LocalParameters stage_parameters(const TrainingSpec& training, std::int64_t stage);
// Of those held, what one rank's optimizer updates: its shard under ZeRO-1.
std::int64_t updated_parameters(const TrainingSpec& training, const LocalParameters& held);
// Of the embedding's matrix, which stages that share it all-reduce.
std::int64_t local_embedding(const TrainingSpec& training);

}  // namespace tenk
