// Llama, and the dense types made after it: RMSNorm, rotary positions, gated perceptrons, no biases
// unless said.
#include <array>

#include "workloads/formats/hf_config.h"

namespace tenk {

TransformerSpec read_hf_llama(Section& section) {
  TransformerSpec model;
  read_hf_sizes(model, section);
  model.kv_heads = section.integer("num_key_value_heads", {1, kMostHeads}, model.heads);
  model.head_dim = section.integer("head_dim", {1, kMostHeadDim}, model.head_dim);
  model.ffn = section.integer("intermediate_size", {1, 8 * kMostWidth});
  model.gated_mlp = true;
  model.layer_norm = false;
  model.rotary = true;
  model.dropout = false;
  model.tied_embeddings = section.boolean("tie_word_embeddings", false);
  model.qkv_bias = model.projection_bias = section.boolean("attention_bias", false);
  model.mlp_bias = section.boolean("mlp_bias", false);
  return model;
}

namespace {

// mistral, phi3: every layer.
TransformerSpec read_windowed(Section& section) {
  TransformerSpec model = read_hf_llama(section);
  const std::int64_t window = section.integer("sliding_window", {1}, 0);
  if (window > 0) change_layers(model, [&](LayerKind& kind, auto) { kind.window = window; });
  return model;
}

// Layers from max_window_layers on, if at all.
void read_qwen_window(Section& section, TransformerSpec& model) {
  const std::int64_t first = section.integer("max_window_layers", {0}, 28);
  if (!section.boolean("use_sliding_window", false)) return;
  const std::int64_t window = section.integer("sliding_window", {1}, 4096);
  change_layers(model, [&](LayerKind& kind, std::int64_t l) {
    if (l >= first) kind.window = window;
  });
}

TransformerSpec read_qwen2(Section& section) {
  TransformerSpec model = read_hf_llama(section);
  model.qkv_bias = true;  // Fixed in modeling_qwen2.py; the output product has none.
  model.projection_bias = false;
  read_qwen_window(section, model);
  return model;
}

TransformerSpec read_qwen3(Section& section) {
  TransformerSpec model = read_hf_llama(section);
  model.query_key_norm = true;
  read_qwen_window(section, model);
  return model;
}

TransformerSpec read_gemma(Section& section) {
  TransformerSpec model = read_hf_llama(section);
  if (!section.has("head_dim")) model.head_dim = 256;
  model.tied_embeddings = section.boolean("tie_word_embeddings", true);
  return model;
}

TransformerSpec read_gemma2(Section& section) {
  TransformerSpec model = read_gemma(section);
  model.block_norms = 4;  // Before and after each half.
  const std::int64_t window = section.integer("sliding_window", {1}, 4096);
  change_layers(model, [&](LayerKind& kind, std::int64_t l) {
    if (l % 2 == 0) kind.window = window;
  });
  return model;
}

constexpr std::array<HfType, 7> kTypes = {{{"llama", read_hf_llama},
                                           {"mistral", read_windowed},
                                           {"phi3", read_windowed},
                                           {"qwen2", read_qwen2},
                                           {"qwen3", read_qwen3},
                                           {"gemma", read_gemma},
                                           {"gemma2", read_gemma2}}};

}  // namespace

extern const HfFamily kHfLlama{kTypes};

}  // namespace tenk
