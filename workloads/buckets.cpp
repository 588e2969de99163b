#include "workloads/buckets.h"

#include <algorithm>

namespace tenk {
namespace {

void append_all(PassesByKind& all, const PassesByKind& more) {
  for (std::size_t k = 0; k < all.size(); ++k) append(all[k], more[k]);
}

PassesByKind passes_of(const TrainingSpec& t, const Chunk& part, const ModelPasses& model) {
  PassesByKind passes;
  if (part.embedding) {  // Nobody waits for the gradient of its input.
    append_all(passes,
               {model.embedding_forward, model.embedding_backward, {}, model.embedding_backward});
  }
  for (std::int64_t l = part.first; l < part.first + part.layers; ++l) {
    const LayerPasses& layer = model.of(t.model.kind_of(l));
    append_all(passes, {layer.forward, layer.backward, layer.inputs, layer.weights});
  }
  if (part.head) {
    append_all(passes,
               {model.head_forward, model.head_backward, model.head_inputs, model.head_weights});
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
    buckets.push_back({part, local_parameters(t, part)});
  };
  if (chunk.embedding) open({.layers = 0, .embedding = true, .head = false});
  for (std::int64_t l = chunk.first; l < chunk.first + chunk.layers; ++l) {
    if (l == chunk.first || buckets.back().held.all >= bucket_size(t)) {
      open({.first = l, .layers = 1});
    } else {
      ++buckets.back().part.layers;
      buckets.back().held += local_parameters(t, {.first = l, .layers = 1});
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
    all.buckets.push_back({bucket, passes_of(t, bucket.part, model)});
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
