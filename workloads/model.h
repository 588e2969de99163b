// What is the model, and how many parameters has it?
//
// A dense decoder-only transformer: `layers` blocks of attention and a two-layer perceptron with
// norms and residuals, between an embedding and an output head (Vaswani et al. 2017; GPT-3, Brown
// et al. 2020; Llama 3, Grattafiori et al. 2024). Grouped-query attention: kv_heads < heads
// (Ainslie et al. 2023). Numbers are of the whole model; workloads/shard.h has one rank's part.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "sim/base/section.h"

namespace tenk {

struct TransformerSpec {
  std::string name;
  std::int64_t layers = 1;
  std::int64_t hidden = 1;
  std::int64_t heads = 1;
  std::int64_t kv_heads = 1;  // Divides heads.
  std::int64_t head_dim = 1;
  std::int64_t ffn = 1;  // Inner width of the perceptron.
  std::int64_t vocab = 1;
  std::int64_t positions = 0;  // Rows of a learned position table; 0: rotary.

  bool gated_mlp = false;       // SwiGLU: three matrices, not two.
  bool tied_embeddings = true;  // The head's matrix is the embedding's.
  bool layer_norm = true;       // Weight and bias a norm; RMSNorm: weight only.
  bool query_key_norm = false;  // Qwen3: an RMSNorm of head_dim on queries and on keys.
  bool qkv_bias = true;
  bool projection_bias = true;  // Of the attention's output.
  bool mlp_bias = true;
  bool dropout = true;              // After embedding, attention and perceptron: masks are kept.
  bool parallel_residual = false;   // GPT-NeoX: both halves of a block read the same input.
  std::int64_t sliding_window = 0;  // Tokens that attention looks back; 0: all.
};

// Weights of one block, one final norm, the embedding (with positions), the head (0 if tied).
std::int64_t layer_parameters(const TransformerSpec& model);
std::int64_t norm_parameters(const TransformerSpec& model);
std::int64_t embedding_parameters(const TransformerSpec& model);
std::int64_t head_parameters(const TransformerSpec& model);

// All weights that training updates, tied ones once. Exact.
std::int64_t parameters(const TransformerSpec& model);

// Reads `job.model`: {hf-config: PATH}, relative to the file that says so (workloads/formats/
// hf_config.h), or inline {style: gpt|llama, layers, hidden, heads, vocab, kv-heads, head-dim, ffn,
// tied-embeddings, dropout, positions, name}. Defaults: kv-heads = heads, head-dim = hidden /
// heads; gpt: ffn = 4 hidden, tied, biases, LayerNorm, dropout, as many learned positions as
// `sequence` (what is trained); llama: untied, no biases, RMSNorm, rotary, SwiGLU, ffn = 8/3 hidden
// rounded up to a multiple of 256 (Touvron et al. 2023, section 2.2, and its code). Faults go to
// `faults`, which must be the section's; a config file that cannot be read throws Error{kFile}.
TransformerSpec read_model(Section section, std::int64_t sequence, Faults& faults);

// What must hold between the numbers, reported at `section` (the keys are named by `names`).
struct ModelKeys {
  std::string_view heads, kv_heads;
};
void check_model(const TransformerSpec& model, const ModelKeys& names, Section& section);

// The largest numbers that are read: they keep all products of a model inside of int64.
inline constexpr std::int64_t kMostLayers = 10'000;
inline constexpr std::int64_t kMostHeads = 16'384;
inline constexpr std::int64_t kMostHeadDim = 8'192;
inline constexpr std::int64_t kMostWidth = 1'048'576;  // hidden, ffn / 8
inline constexpr std::int64_t kMostVocab = 100'000'000;
inline constexpr std::int64_t kMostParameters = 10'000'000'000'000'000;

}  // namespace tenk
