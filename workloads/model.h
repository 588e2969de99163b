// What is the model, and how many parameters has it?
//
// A transformer: `layers` blocks of attention and perceptron with norms and residuals, between an
// input (embedding, or patches of an image) and an output (Vaswani et al. 2017; GPT-3, Brown et al.
// 2020; Llama 3, Grattafiori et al. 2024; BERT, Devlin et al. 2019; ViT, Dosovitskiy et al. 2021).
// Attention is grouped (kv_heads < heads; Ainslie et al. 2023) or latent (DeepSeek-V2, 2024,
// section 2.1). In a layer of experts a router sends each token to `top_k` of `routed` perceptrons
// (Shazeer et al. 2017; Mixtral, Jiang et al. 2024), and all tokens to the shared one (DeepSeekMoE,
// Dai et al. 2024). Numbers are of the whole model; workloads/shard.h has one rank's part.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/section.h"

namespace tenk {

// Keys and values of all heads are products of one narrow vector a token, and so may queries be.
struct LatentAttention {
  std::int64_t key_rank = 0;    // Width of that vector; 0: attention is not latent.
  std::int64_t query_rank = 0;  // 0: queries are products of the input itself.
  std::int64_t rotary_dim = 0;  // Part of head_dim that is rotated, its key common to all heads.
};

struct ExpertSpec {
  std::int64_t routed = 0;      // 0: the model has none.
  std::int64_t top_k = 1;       // Experts that a token goes to.
  std::int64_t ffn = 1;         // Inner width of each.
  std::int64_t shared_ffn = 0;  // Of the shared ones together; 0: there are none.
  bool shared_gate = false;     // Qwen2-MoE: a learned weight on the shared one's output.
  bool router_bias = false;     // gpt-oss.
};

// What layers of one model differ in.
struct LayerKind {
  bool experts = false;     // Experts in place of the perceptron.
  std::int64_t window = 0;  // Tokens that attention looks back; 0: all.
  bool operator==(const LayerKind&) const = default;
};

struct ImageInput {
  std::int64_t size = 0;  // Pixels of a side; 0: the input is tokens.
  std::int64_t patch = 1;
  std::int64_t channels = 3;
  // Patches of an image and the class token.
  std::int64_t tokens() const { return (size / patch) * (size / patch) + 1; }
};

struct TransformerSpec {
  std::string name;
  std::int64_t layers = 1;
  std::int64_t hidden = 1;
  std::int64_t heads = 1;
  std::int64_t kv_heads = 1;   // Divides heads.
  std::int64_t head_dim = 1;   // Of queries and keys.
  std::int64_t value_dim = 0;  // Of values; 0: head_dim.
  LatentAttention latent;
  std::int64_t ffn = 1;  // Inner width of the perceptron.
  ExpertSpec experts;
  std::vector<LayerKind> kinds;  // By layer; empty: all are LayerKind{}.

  std::int64_t vocab = 1;        // 0 with an image.
  std::int64_t positions = 0;    // Rows of a learned position table.
  std::int64_t token_types = 0;  // BERT: rows of a third table.
  ImageInput image;
  std::int64_t multi_token = 0;  // Modules that predict one token more each (DeepSeek-V3, 2.2).
  std::int64_t classes = 0;      // Of a classifier on the first token, in place of logits.
  bool pooler = false;           // BERT: a product on the first token.

  bool gated_mlp = false;        // SwiGLU: three matrices, not two.
  bool tied_embeddings = true;   // The head's matrix is the embedding's.
  bool head_bias = false;        // Of the logits.
  bool layer_norm = true;        // Weight and bias a norm; RMSNorm: weight only.
  std::int64_t block_norms = 2;  // Of a layer. Falcon, Phi: 1; Gemma 2: 4.
  bool embedding_norm = false;   // BLOOM, BERT.
  bool final_norm = true;
  bool query_key_norm = false;  // Qwen3: an RMSNorm of head_dim on queries and on keys.
  bool sinks = false;           // gpt-oss: a learned logit a head that takes attention away.
  bool qkv_bias = true;
  bool projection_bias = true;  // Of the attention's output.
  bool mlp_bias = true;
  bool rotary = false;             // Queries and keys are rotated by position.
  bool causal = true;              // Tokens see those before them; encoders: all.
  bool dropout = true;             // After embedding, attention and perceptron: masks are kept.
  bool parallel_residual = false;  // GPT-NeoX: both halves of a block read the same input.

  std::int64_t value_width() const { return value_dim > 0 ? value_dim : head_dim; }
  bool is_latent() const { return latent.key_rank > 0; }
  LayerKind kind_of(std::int64_t layer) const {
    return kinds.empty() ? LayerKind{} : kinds[static_cast<std::size_t>(layer)];
  }
  // Of the layers that multi-token modules have: as the last (DeepSeek-V3).
  LayerKind last_kind() const { return kind_of(layers - 1); }
};

// The kinds of `model`'s layers, each once, in order of first appearance.
std::vector<LayerKind> distinct_kinds(const TransformerSpec& model);
// Layers of a kind.
std::int64_t layers_of(const TransformerSpec& model, const LayerKind& kind);

// Weights of one block; all below are exact.
std::int64_t layer_parameters(const TransformerSpec& model, const LayerKind& kind);
std::int64_t norm_parameters(const TransformerSpec& model);
// A perceptron of inner width `ffn`, as in each layer and each expert.
std::int64_t perceptron_parameters(const TransformerSpec& model, std::int64_t ffn);
// Tables (and patches), with what stands on them before the first block.
std::int64_t embedding_parameters(const TransformerSpec& model);
// After the last block, less the final norm: the logits (0 if tied) or what stands there instead.
std::int64_t head_parameters(const TransformerSpec& model);
// One multi-token module: two norms and its own final one, a product 2 h -> h, a layer; embedding
// and head are the model's.
std::int64_t multi_token_parameters(const TransformerSpec& model);

// All weights that training updates, tied ones once, less multi-token modules, which published
// counts leave out.
std::int64_t parameters(const TransformerSpec& model);
// Those that one token meets: `top_k` of the routed experts, all else whole.
std::int64_t active_parameters(const TransformerSpec& model);

// Reads `job.model`: {hf-config: PATH}, relative to the file that says so, or {preset: NAME,
// multi-token} of profiles/models, both as workloads/formats/hf_config.h reads them, or inline
// {style: gpt|llama, layers, hidden, heads, vocab, kv-heads, head-dim, ffn, tied-embeddings,
// dropout, positions, window, experts {routed, top-k, ffn, shared-ffn, dense-layers, every}, latent
// {key-rank, query-rank, rotary-dim, value-dim}, multi-token, name}. Defaults: kv-heads = heads,
// head-dim = hidden / heads; gpt: ffn = 4 hidden, tied, biases, LayerNorm, dropout, as many learned
// positions as `sequence` (what is trained); llama: untied, no biases, RMSNorm, rotary, SwiGLU,
// ffn = 8/3 hidden rounded up to a multiple of 256 (Touvron et al. 2023, section 2.2, and its
// code); experts: as wide as ffn, none shared, in every layer but the first dense-layers. Faults go
// to `faults`, which must be the section's; a config file that cannot be read throws Error{kFile}.
TransformerSpec read_model(Section section, std::int64_t sequence, Faults& faults);

// What must hold between the numbers, reported at `section` (the keys are named by `names`).
struct ModelKeys {
  std::string_view heads, kv_heads, top_k;
};
void check_model(const TransformerSpec& model, const ModelKeys& names, Section& section);

// The largest numbers that are read: they keep all products of a model inside of int64.
inline constexpr std::int64_t kMostLayers = 10'000;
inline constexpr std::int64_t kMostHeads = 16'384;
inline constexpr std::int64_t kMostHeadDim = 8'192;
inline constexpr std::int64_t kMostWidth = 1'048'576;  // hidden, ffn / 8
inline constexpr std::int64_t kMostVocab = 100'000'000;
inline constexpr std::int64_t kMostExperts = 16'384;
inline constexpr std::int64_t kMostParameters = 10'000'000'000'000'000;

}  // namespace tenk
