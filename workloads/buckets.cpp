#include "workloads/buckets.h"

#include <algorithm>

#include "workloads/shard.h"

namespace tenk {
namespace {

void append_all(PassesByKind& all, const PassesByKind& more) {
  for (std::size_t k = 0; k < all.size(); ++k) append(all[k], more[k]);
}

PassesByKind passes_of(const Chunk& part, const ModelPasses& model) {
  PassesByKind passes;
  if (part.embedding) {  // Nobody waits for the gradient of its input.
    append_all(passes,
               {model.embedding_forward, model.embedding_backward, {}, model.embedding_backward});
  }
  for (std::int64_t l = 0; l < part.layers; ++l) {
    append_all(passes,
               {model.layer_forward, model.layer_backward, model.layer_input, model.layer_weight});
  }
  if (part.head) {
    append_all(passes,
               {model.head_forward, model.head_backward, model.head_input, model.head_weight});
  }
  return passes;
}

}  // namespace

std::int64_t bucket_size(const TrainingSpec& t) {
  if (t.gradients.bucket > 0) return t.gradients.bucket;
  if (t.layout.zero == 3) return 1;
  return std::max<std::int64_t>(40'000'000, 1'000'000 * t.layout.data_ranks());
}

std::vector<Bucket> buckets_of(const TrainingSpec& t, const Chunk& chunk) {
  std::vector<Bucket> buckets;
  const auto open = [&](const Chunk& part) {
    buckets.push_back({part, local_parameters(t, part).all});
  };
  if (chunk.embedding) open({.layers = 0, .embedding = true, .head = false});
  const std::int64_t layer =
      local_parameters(t, {.layers = 1, .embedding = false, .head = false}).all;
  for (std::int64_t l = 0; l < chunk.layers; ++l) {
    if (l == 0 || buckets.back().parameters >= bucket_size(t)) {
      open({.layers = 1, .embedding = false, .head = false});
    } else {
      ++buckets.back().part.layers;
      buckets.back().parameters += layer;
    }
  }
  if (chunk.head) open({.layers = 0, .embedding = false, .head = true});
  return buckets;
}

ChunkPasses chunk_passes(const TrainingSpec& t, const Chunk& chunk, const ModelPasses& model) {
  ChunkPasses all;
  all.after_another = !chunk.embedding;
  all.before_another = !chunk.head;
  for (const Bucket& bucket : buckets_of(t, chunk)) {
    all.buckets.push_back({bucket, passes_of(bucket.part, model)});
  }
  const auto forward = static_cast<std::size_t>(PassKind::kForward);
  for (const BucketPasses& b : all.buckets) append(all.passes[forward], b.passes[forward]);
  for (auto b = all.buckets.rbegin(); b != all.buckets.rend(); ++b) {
    for (std::size_t k = 0; k < all.passes.size(); ++k) {
      if (k != forward) append(all.passes[k], b->passes[k]);
    }
  }
  return all;
}

}  // namespace tenk
