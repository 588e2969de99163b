#include "workloads/memory.h"

#include <algorithm>
#include <cmath>

#include "workloads/buckets.h"
#include "workloads/schedules/list.h"
#include "workloads/shard.h"
#include "workloads/stages.h"

namespace tenk {
namespace {

constexpr double kElement = 2;  // BF16.
constexpr double kMask = 1;     // A byte per element of a dropout mask.
constexpr double kWeights = 2;  // Bytes a parameter; see the header.
constexpr double kOptimizer = 12;

Bytes to_bytes(double count) {
  constexpr double kMost = 0x1p61;
  return Bytes(static_cast<std::int64_t>(std::ceil(std::min(count, kMost))));
}

// What chunks keep of one micro-batch in flight, and the most that a backward pass adds to it.
struct ChunkActivations {
  double kept = 0;
  double working = 0;
};

ChunkActivations chunk_activations(const TrainingSpec& t, const Chunk& chunk) {
  const Shard shard = shard_of(t);
  const LayerActivations layer = layer_activations(t);
  const auto layers = static_cast<double>(chunk.layers);
  const double whole_width =
      static_cast<double>(shard.whole_tokens) * static_cast<double>(t.model.hidden);
  ChunkActivations bytes;
  const double scores = t.attention == AttentionKernel::kUnfused ? layer.scores : 0;
  const bool has_layers = chunk.layers > 0;
  if (t.recompute == Recompute::kFull) {
    bytes.kept = layers * layer.input;
    bytes.working = has_layers ? layer.split + layer.whole + scores - layer.input : 0;
  } else if (t.recompute == Recompute::kSelective) {
    bytes.kept = layers * (layer.split + layer.whole);
    bytes.working = has_layers ? scores : 0;
  } else {
    bytes.kept = layers * (layer.split + layer.whole + scores);
  }
  if (chunk.embedding && t.model.dropout) bytes.kept += kMask * whole_width;
  if (chunk.head) {  // Inputs of final norm and logits, and the logits in FP32.
    constexpr double kLogit = 4;
    bytes.kept += 2 * kElement * whole_width +
                  kLogit * static_cast<double>(shard.tokens) * static_cast<double>(shard.vocab);
  }
  return bytes;
}

double peak_activations(const TrainingSpec& t, const std::vector<Chunk>& chunks,
                        std::int64_t stage) {
  std::vector<ChunkActivations> of_chunk;
  of_chunk.reserve(chunks.size());
  for (const Chunk& chunk : chunks) of_chunk.push_back(chunk_activations(t, chunk));
  const ScheduleKind* schedule = find_schedule(t.layout.schedule);
  double held = 0;
  double peak = 0;
  for (const PipelineStep& step :
       schedule->steps({t.layout.pp, t.layout.vpp, t.micro_batches()}, stage)) {
    const ChunkActivations& bytes = of_chunk[static_cast<std::size_t>(step.chunk)];
    if (step.forward()) held += bytes.kept;
    peak = std::max(peak, held + bytes.working);
    if (step.grades()) held -= bytes.kept;
  }
  return peak;
}

// Parameters that are whole at once where only shards are kept.
struct WholeParameters {
  double weights = 0;
  double gradients = 0;
};

WholeParameters whole_at_once(const TrainingSpec& t, const std::vector<Chunk>& chunks) {
  WholeParameters whole;
  double largest = 0, ends = 0;
  for (const Chunk& chunk : chunks) {
    for (const Bucket& bucket : buckets_of(t, chunk)) {
      const auto count = static_cast<double>(bucket.parameters);
      whole.gradients = std::max(whole.gradients, count);
      if (bucket.part.layers > 0) largest = std::max(largest, count);
      if (bucket.part.layers == 0) ends += count;
    }
  }
  whole.weights = 2 * largest + ends;
  return whole;
}

StageMemory state_of(const TrainingSpec& t, const std::vector<Chunk>& chunks) {
  LocalParameters held;
  for (const Chunk& chunk : chunks) held += local_parameters(t, chunk);
  const auto count = static_cast<double>(held.all);
  const auto ways = static_cast<double>(t.layout.shards());
  const auto gradient = static_cast<double>(t.gradients.bytes());
  const WholeParameters whole = whole_at_once(t, chunks);
  const auto cut = [&](bool cuts, double beside) {
    return cuts && ways > 1 ? std::min(count / ways + beside, count) : count;
  };
  StageMemory state;
  state.weights = to_bytes(kWeights * cut(t.layout.zero == 3, whole.weights));
  state.gradients = to_bytes(gradient * cut(t.gradients.keeps_shards, whole.gradients));
  state.optimizer = to_bytes(kOptimizer * count / ways);
  return state;
}

}  // namespace

LayerActivations layer_activations(const TrainingSpec& t) {
  const TransformerSpec& m = t.model;
  const Shard shard = shard_of(t);
  const auto tokens = static_cast<double>(shard.tokens);
  const auto query = static_cast<double>(shard.query_width(m));
  const auto keys = static_cast<double>(2 * shard.key_width(m));
  const auto ffn = static_cast<double>(shard.ffn);
  // Queries, keys and values, and the input of the projection; then the input of the activation
  // (two of a gated one) and the input of the second product.
  const double attention = query + keys + query;
  const double mlp = (m.gated_mlp ? 3 : 2) * ffn;
  const double whole_width =
      static_cast<double>(shard.whole_tokens) * static_cast<double>(m.hidden);
  LayerActivations bytes;
  bytes.split = kElement * tokens * (attention + mlp);
  // Inputs of two norms and of the two first products; two masks.
  bytes.whole = whole_width * (4 * kElement + (m.dropout ? 2 * kMask : 0));
  bytes.input = kElement * whole_width;
  // Softmax, its mask and the result of its dropout (Korthikanti et al. 2022, section 4.1).
  const double per_score = kElement + (m.dropout ? kMask + kElement : 0);
  bytes.scores =
      per_score * tokens * static_cast<double>(t.batch.sequence) * static_cast<double>(shard.heads);
  return bytes;
}

std::vector<StageMemory> memory_by_stage(const TrainingSpec& t) {
  const auto all = assign_chunks(t.layout, t.model.layers);
  std::vector<StageMemory> stages;
  for (std::int64_t s = 0; s < t.layout.pp; ++s) {
    const auto chunks = chunks_of_stage(t.layout, all, s);
    StageMemory& stage = stages.emplace_back(state_of(t, chunks));
    stage.activations = to_bytes(peak_activations(t, chunks, s));
  }
  return stages;
}

}  // namespace tenk
