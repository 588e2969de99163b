// GPT-2 and the dense types made after it: LayerNorm and biases, two-matrix perceptrons.
#include <fmt/format.h>

#include <array>

#include "workloads/formats/hf_config.h"

namespace tenk {
namespace {

TransformerSpec read_gpt2(Section& section) {
  TransformerSpec model;
  read_hf_sizes(model, section, {"n_layer", "n_embd", "n_head"});
  model.ffn = section.integer("n_inner", {1, 8 * kMostWidth}, 4 * model.hidden);
  model.positions = section.integer("n_positions", {1, kMostVocab});
  model.tied_embeddings = section.boolean("tie_word_embeddings", true);
  return model;
}

TransformerSpec read_gpt_neox(Section& section) {
  TransformerSpec model;
  read_hf_sizes(model, section);
  model.ffn = section.integer("intermediate_size", {1, 8 * kMostWidth});
  model.tied_embeddings = section.boolean("tie_word_embeddings", false);
  model.qkv_bias = model.projection_bias = section.boolean("attention_bias", true);
  model.parallel_residual = section.boolean("use_parallel_residual", true);
  model.rotary = true;
  model.dropout = section.number("hidden_dropout", {0, 1}, 0) > 0;
  return model;
}

TransformerSpec read_opt(Section& section) {
  constexpr std::int64_t kOffset = 2;  // OPTLearnedPositionalEmbedding has two rows more.
  TransformerSpec model;
  read_hf_sizes(model, section);
  model.ffn = section.integer("ffn_dim", {1, 8 * kMostWidth});
  model.positions = section.integer("max_position_embeddings", {1, kMostVocab}) + kOffset;
  model.tied_embeddings = section.boolean("tie_word_embeddings", true);
  const std::int64_t width = section.integer("word_embed_proj_dim", {1, kMostWidth}, model.hidden);
  if (width != model.hidden) {
    section.fail("word_embed_proj_dim",
                 fmt::format("word_embed_proj_dim {} other than hidden_size {} is not supported "
                             "yet",
                             width, model.hidden));
  }
  return model;
}

// ALiBi: no table, nothing rotated. Old files say n_embed and num_attention_heads.
TransformerSpec read_bloom(Section& section) {
  TransformerSpec model;
  const bool old = section.has("n_embed");
  const bool long_heads = section.has("num_attention_heads");
  read_hf_sizes(
      model, section,
      {"n_layer", old ? "n_embed" : "hidden_size", long_heads ? "num_attention_heads" : "n_head"});
  model.ffn = 4 * model.hidden;
  model.embedding_norm = true;
  model.tied_embeddings = section.boolean("tie_word_embeddings", true);
  model.dropout = section.number("hidden_dropout", {0, 1}, 0) > 0;
  return model;
}

TransformerSpec read_falcon(Section& section) {
  TransformerSpec model;
  read_hf_sizes(model, section);
  model.ffn = section.integer("ffn_hidden_size", {1, 8 * kMostWidth}, 4 * model.hidden);
  const bool grouped = section.boolean("new_decoder_architecture", false);
  const bool one_key = section.boolean("multi_query", true);
  const std::int64_t given = section.integer("num_kv_heads", {1, kMostHeads}, model.heads);
  model.kv_heads = grouped ? given : one_key ? 1 : model.heads;
  model.parallel_residual = grouped || section.boolean("parallel_attn", true);
  model.block_norms = model.parallel_residual && !grouped ? 1 : 2;
  model.qkv_bias = model.projection_bias = model.mlp_bias = section.boolean("bias", false);
  model.rotary = !section.boolean("alibi", false);
  model.tied_embeddings = section.boolean("tie_word_embeddings", true);
  model.dropout = section.number("hidden_dropout", {0, 1}, 0) > 0;
  return model;
}

TransformerSpec read_phi(Section& section) {
  TransformerSpec model;
  read_hf_sizes(model, section);
  model.kv_heads = section.integer("num_key_value_heads", {1, kMostHeads}, model.heads);
  model.ffn = section.integer("intermediate_size", {1, 8 * kMostWidth});
  model.block_norms = 1;
  model.parallel_residual = true;
  model.rotary = true;
  model.tied_embeddings = section.boolean("tie_word_embeddings", false);
  model.head_bias = true;
  model.query_key_norm = section.boolean("qk_layernorm", false);
  model.dropout = section.number("resid_pdrop", {0, 1}, 0) > 0;
  return model;
}

constexpr std::array<HfType, 6> kTypes = {{{"gpt2", read_gpt2},
                                           {"gpt_neox", read_gpt_neox},
                                           {"opt", read_opt},
                                           {"bloom", read_bloom},
                                           {"falcon", read_falcon},
                                           {"phi", read_phi}}};

}  // namespace

extern const HfFamily kHfGpt{kTypes};

}  // namespace tenk
