#include "workloads/memory.h"

#include <algorithm>
#include <cmath>

#include "workloads/buckets.h"
#include "workloads/experts.h"
#include "workloads/schedules/list.h"
#include "workloads/shard.h"
#include "workloads/stages.h"

namespace tenk {
namespace {

constexpr double kElement = 2;  // BF16.
constexpr double kMask = 1;     // A byte per element of a dropout mask.
constexpr double kWeights = 2;  // Bytes a parameter; see the header.
constexpr double kState = 4;    // FP32 master weight, and each moment.

Bytes to_bytes(double count) {
  constexpr double kMost = 0x1p61;
  return Bytes(static_cast<std::int64_t>(std::ceil(std::min(count, kMost))));
}

// What chunks keep of one micro-batch in flight, and the most that a backward pass adds to it.
struct ChunkActivations {
  double kept = 0;
  double working = 0;
};

// Of one layer, by what is recomputed.
ChunkActivations kept_of_layer(const TrainingSpec& t, const LayerActivations& layer) {
  const double scores = t.attention == AttentionKernel::kUnfused ? layer.scores : 0;
  if (t.recompute == Recompute::kFull) {
    return {layer.input, layer.split + layer.whole + scores - layer.input};
  }
  double again = t.repeated.norms ? layer.norms : 0;
  if (t.repeated.perceptrons) {
    again += layer.perceptrons;
  } else if (t.repeated.activations) {
    again += layer.activations;
  }
  const double kept = layer.split + layer.whole - again;
  if (t.recompute == Recompute::kSelective) return {kept, again + scores};
  return {kept + scores, again};
}

ChunkActivations chunk_activations(const TrainingSpec& t, const Chunk& chunk) {
  const Shard shard = shard_of(t);
  const double whole_width =
      static_cast<double>(shard.whole_tokens) * static_cast<double>(t.model.hidden);
  ChunkActivations bytes;
  const auto add_layer = [&](const LayerKind& kind) {
    const ChunkActivations layer = kept_of_layer(t, layer_activations(t, kind));
    bytes.kept += layer.kept;
    bytes.working = std::max(bytes.working, layer.working);
  };
  for (std::int64_t l = chunk.first; l < chunk.first + chunk.layers; ++l) {
    add_layer(t.model.kind_of(l));
  }
  if (chunk.embedding && t.model.dropout) bytes.kept += kMask * whole_width;
  if (!chunk.head) return bytes;
  // Inputs of final norm and logits, and the logits in FP32; the same of each multi-token module,
  // and the input of its product.
  constexpr double kLogit = 4;
  const double logits =
      kLogit * static_cast<double>(shard.tokens) * static_cast<double>(shard.vocab);
  const auto modules = static_cast<double>(t.model.multi_token);
  bytes.kept += (1 + modules) * (2 * kElement * whole_width + logits);
  bytes.kept += modules * 4 * kElement * whole_width;  // Before and after two norms.
  for (std::int64_t i = 0; i < t.model.multi_token; ++i) add_layer(t.model.last_kind());
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

// Of the routed experts: input, inside and result of each row; the router's probabilities in FP32.
double expert_activations(const TrainingSpec& t, double inner) {
  constexpr double kProbability = 4;
  const ExpertWork work = expert_work(t);
  const auto hidden = static_cast<double>(t.model.hidden);
  const double row = hidden + inner * static_cast<double>(work.ffn);
  return kElement *
             (static_cast<double>(work.rows) * row + static_cast<double>(work.sent) * hidden) +
         kProbability * static_cast<double>(shard_of(t).whole_tokens) *
             static_cast<double>(t.model.experts.routed);
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
      const auto count = static_cast<double>(bucket.held.all);
      whole.gradients = std::max(whole.gradients, count);
      if (bucket.part.layers > 0) largest = std::max(largest, count);
      if (bucket.part.layers == 0) ends += count;
    }
  }
  whole.weights = 2 * largest + ends;
  return whole;
}

StageMemory state_of(const TrainingSpec& t, const std::vector<Chunk>& chunks) {
  LocalParameters held, trained;
  for (const Chunk& chunk : chunks) {
    held += local_parameters(t, chunk);
    trained += trained_parameters(t, chunk);
  }
  const auto part_of = [&](const LocalParameters& some) {
    return static_cast<double>(some.dense()) / static_cast<double>(t.layout.shards()) +
           static_cast<double>(some.experts) / static_cast<double>(t.layout.expert_shards());
  };
  const auto gradient = static_cast<double>(t.gradients.bytes());
  const auto moments = static_cast<double>(t.optimizer.moments());
  const WholeParameters whole = whole_at_once(t, chunks);
  const auto cut = [&](const LocalParameters& some, bool cuts, double beside) {
    const auto count = static_cast<double>(some.all);
    return cuts ? std::min(part_of(some) + beside, count) : count;
  };
  StageMemory state;
  state.weights = to_bytes(kWeights * cut(held, t.layout.zero == 3, whole.weights));
  state.gradients = to_bytes(gradient * cut(trained, t.gradients.keeps_shards, whole.gradients));
  state.optimizer = to_bytes(t.optimizer.offload ? 0 : kState * (1 + moments) * part_of(trained));
  return state;
}

}  // namespace

LayerActivations layer_activations(const TrainingSpec& t, const LayerKind& kind) {
  const TransformerSpec& m = t.model;
  const Shard shard = shard_of(t);
  const auto tokens = static_cast<double>(shard.tokens);
  const auto whole_tokens = static_cast<double>(shard.whole_tokens);
  const double whole_width = whole_tokens * static_cast<double>(m.hidden);
  const auto keys = static_cast<double>(shard.key_value_width(m));
  // Queries, keys and values, and the input of the projection; then the input of the activation
  // (two of a gated one) and the input of the second product.
  const double attention =
      static_cast<double>(shard.query_width(m)) + keys + static_cast<double>(shard.out_width(m));
  // The input of a product is kept for the gradient of its weights, or of an adapter beside it.
  const bool keeps_second = !t.frozen() || t.adapters.down;
  const double inner = (m.gated_mlp ? 2 : 1) + (keeps_second ? 1 : 0);
  const auto ffn = static_cast<double>(kind.experts ? shard.shared_ffn : shard.ffn);
  LayerActivations bytes;
  bytes.split = kElement * tokens * (attention + inner * ffn);
  bytes.perceptrons = kElement * tokens * inner * ffn;
  bytes.activations = kElement * tokens * ffn;
  if (kind.experts) {
    const double experts = expert_activations(t, inner);
    const ExpertWork work = expert_work(t);
    bytes.split += experts;
    bytes.perceptrons += experts;
    bytes.activations += kElement * static_cast<double>(work.rows) * static_cast<double>(work.ffn);
  }
  // Inputs of two norms and of the two first products; two masks.
  const double inputs = t.frozen() ? (t.adapters.qkv ? 1 : 0) + (t.adapters.up ? 1 : 0) : 2;
  bytes.whole = whole_width * ((2 + inputs) * kElement + (m.dropout ? 2 * kMask : 0));
  if (m.is_latent()) {  // The narrow vectors, before and after their norm.
    const LatentAttention& l = m.latent;
    const auto narrow = static_cast<double>(l.key_rank + l.query_rank + l.rotary_dim);
    bytes.whole += 2 * kElement * whole_tokens * narrow;
  }
  bytes.input = kElement * whole_width;
  bytes.norms = 2 * kElement * whole_width;
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
