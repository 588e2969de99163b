#include "workloads/formats/hf_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <vector>

#include "sim/base/text.h"

namespace tenk {
namespace {

struct Type {
  std::string_view name;
  TransformerSpec (*read)(Section& section);
};

// Types that are known not to be dense transformers, and why.
struct Refused {
  std::string_view part;  // Of the model_type or of a key.
  std::string_view feature;
};
constexpr std::array<Refused, 9> kRefusedTypes = {{{"moe", "mixture of experts"},
                                                   {"mixtral", "mixture of experts"},
                                                   {"dbrx", "mixture of experts"},
                                                   {"grok", "mixture of experts"},
                                                   {"llama4", "mixture of experts"},
                                                   {"gpt_oss", "mixture of experts"},
                                                   {"kimi", "mixture of experts"},
                                                   {"deepseek", "multi-head latent attention"},
                                                   {"mamba", "state-space layers"}}};
constexpr std::array<Refused, 6> kRefusedKeys = {{{"kv_lora_rank", "multi-head latent attention"},
                                                  {"num_local_experts", "mixture of experts"},
                                                  {"num_experts", "mixture of experts"},
                                                  {"num_routed_experts", "mixture of experts"},
                                                  {"n_routed_experts", "mixture of experts"},
                                                  {"moe_intermediate_size", "mixture of experts"}}};

struct SizeKeys {
  std::string_view layers, hidden, heads;
};

void read_sizes(TransformerSpec& model, Section& section, const SizeKeys& keys) {
  model.layers = section.integer(keys.layers, {1, kMostLayers});
  model.hidden = section.integer(keys.hidden, {1, kMostWidth});
  model.heads = section.integer(keys.heads, {1, kMostHeads});
  model.vocab = section.integer("vocab_size", {1, kMostVocab});
  model.kv_heads = model.heads;
  model.head_dim = std::max<std::int64_t>(model.hidden / model.heads, 1);
  if (section.has("head_dim") || model.hidden % model.heads == 0) return;
  section.fail(keys.heads, fmt::format("{} {} does not divide {} {}", keys.heads, model.heads,
                                       keys.hidden, model.hidden));
}

// llama, mistral, qwen2, qwen3.
TransformerSpec read_llama_like(Section& section) {
  TransformerSpec model;
  read_sizes(model, section, {"num_hidden_layers", "hidden_size", "num_attention_heads"});
  model.kv_heads = section.integer("num_key_value_heads", {1, kMostHeads}, model.heads);
  model.head_dim = section.integer("head_dim", {1, kMostHeadDim}, model.head_dim);
  model.ffn = section.integer("intermediate_size", {1, 8 * kMostWidth});
  model.gated_mlp = true;
  model.layer_norm = false;
  model.dropout = false;
  model.tied_embeddings = section.boolean("tie_word_embeddings", false);
  model.qkv_bias = model.projection_bias = section.boolean("attention_bias", false);
  model.mlp_bias = section.boolean("mlp_bias", false);
  return model;
}

TransformerSpec read_mistral(Section& section) {
  TransformerSpec model = read_llama_like(section);
  model.sliding_window = section.integer("sliding_window", {1}, 0);
  return model;
}

TransformerSpec read_qwen2(Section& section) {
  TransformerSpec model = read_llama_like(section);
  model.qkv_bias = true;  // Fixed in modeling_qwen2.py; the output product has none.
  model.projection_bias = false;
  if (section.boolean("use_sliding_window", false)) {
    model.sliding_window = section.integer("sliding_window", {1}, 4096);
  }
  return model;
}

TransformerSpec read_qwen3(Section& section) {
  TransformerSpec model = read_llama_like(section);
  model.query_key_norm = true;
  if (section.boolean("use_sliding_window", false)) {
    model.sliding_window = section.integer("sliding_window", {1}, 4096);
  }
  return model;
}

TransformerSpec read_gpt2(Section& section) {
  TransformerSpec model;
  read_sizes(model, section, {"n_layer", "n_embd", "n_head"});
  model.ffn = section.integer("n_inner", {1, 8 * kMostWidth}, 4 * model.hidden);
  model.positions = section.integer("n_positions", {1, kMostVocab});
  model.tied_embeddings = section.boolean("tie_word_embeddings", true);
  return model;
}

TransformerSpec read_gpt_neox(Section& section) {
  TransformerSpec model;
  read_sizes(model, section, {"num_hidden_layers", "hidden_size", "num_attention_heads"});
  model.ffn = section.integer("intermediate_size", {1, 8 * kMostWidth});
  model.tied_embeddings = section.boolean("tie_word_embeddings", false);
  model.qkv_bias = model.projection_bias = section.boolean("attention_bias", true);
  model.parallel_residual = section.boolean("use_parallel_residual", true);
  model.dropout = section.number("hidden_dropout", {0, 1}, 0) > 0;
  return model;
}

TransformerSpec read_opt(Section& section) {
  constexpr std::int64_t kOffset = 2;  // OPTLearnedPositionalEmbedding has two rows more.
  TransformerSpec model;
  read_sizes(model, section, {"num_hidden_layers", "hidden_size", "num_attention_heads"});
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

constexpr std::array<Type, 7> kTypes = {{{"llama", read_llama_like},
                                         {"mistral", read_mistral},
                                         {"qwen2", read_qwen2},
                                         {"qwen3", read_qwen3},
                                         {"gpt2", read_gpt2},
                                         {"gpt_neox", read_gpt_neox},
                                         {"opt", read_opt}}};

// Adds a fault if the model has what is not supported yet.
bool refuse(const std::string& type, Section& section) {
  for (const Refused& r : kRefusedTypes) {
    if (type.find(r.part) == std::string::npos) continue;
    section.fail("model_type",
                 fmt::format("model_type \"{}\": {} is not supported yet", shown(type), r.feature));
    return true;
  }
  for (const Refused& r : kRefusedKeys) {
    if (!section.has(r.part)) continue;
    section.fail(r.part, fmt::format("{}: {} is not supported yet", r.part, r.feature));
    return true;
  }
  return false;
}

}  // namespace

TransformerSpec read_hf_config(const std::string& path, Faults& faults) {
  const Config file = Config::load(path);
  Section section(file, "", faults);
  const std::string type = section.text("model_type");
  if (refuse(type, section)) return {};
  std::vector<std::string> known;
  known.reserve(kTypes.size());
  for (const Type& t : kTypes) known.emplace_back(t.name);
  const bool clean = faults.empty();
  section.word("model_type", known);  // Another one is a fault.
  TransformerSpec model;
  for (const Type& t : kTypes) {
    if (t.name == type) model = t.read(section);
  }
  if (!clean || faults.empty()) {
    check_model(model, {"num_attention_heads", "num_key_value_heads"}, section);
  }
  model.name = std::filesystem::path(path).stem().string();
  return model;
}

}  // namespace tenk
