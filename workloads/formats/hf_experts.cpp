// Types with experts: Mixtral, Qwen's, DeepSeek's (with latent attention), gpt-oss, Grok-1.
#include <algorithm>
#include <array>

#include "workloads/formats/hf_config.h"

namespace tenk {
namespace {

void read_routing(Section& section, TransformerSpec& model, std::string_view count) {
  model.experts.routed = section.integer(count, {1, kMostExperts});
  model.experts.top_k = section.integer("num_experts_per_tok", {1, kMostExperts});
}

TransformerSpec read_mixtral(Section& section) {
  TransformerSpec model = read_hf_llama(section);
  read_routing(section, model, "num_local_experts");
  model.experts.ffn = model.ffn;
  const std::int64_t window = section.integer("sliding_window", {1}, 0);
  change_layers(model, [&](LayerKind& kind, auto) {
    kind.experts = true;
    kind.window = window;
  });
  return model;
}

// xAI's release in Hugging Face's form: a norm before and after each half.
TransformerSpec read_grok(Section& section) {
  TransformerSpec model = read_hf_llama(section);
  read_routing(section, model, "num_experts");
  model.experts.ffn = model.ffn;
  model.block_norms = 4;
  model.tied_embeddings = section.boolean("tie_word_embeddings", true);
  change_layers(model, [](LayerKind& kind, auto) { kind.experts = true; });
  return model;
}

TransformerSpec read_qwen_moe(Section& section) {
  TransformerSpec model = read_hf_llama(section);
  read_routing(section, model, "num_experts");
  model.experts.ffn = section.integer("moe_intermediate_size", {1, 8 * kMostWidth});
  const std::int64_t step = section.integer("decoder_sparse_step", {1, kMostLayers}, 1);
  const auto dense = section.integers("mlp_only_layers", {0, kMostLayers});
  change_layers(model, [&](LayerKind& kind, std::int64_t l) {
    const bool listed = std::find(dense.begin(), dense.end(), l) != dense.end();
    kind.experts = !listed && (l + 1) % step == 0;
  });
  return model;
}

TransformerSpec read_qwen2_moe(Section& section) {
  TransformerSpec model = read_qwen_moe(section);
  model.qkv_bias = true;
  model.projection_bias = false;
  model.experts.shared_ffn =
      section.integer("shared_expert_intermediate_size", {0, 8 * kMostWidth}, 5632);
  model.experts.shared_gate = model.experts.shared_ffn > 0;
  return model;
}

TransformerSpec read_qwen3_moe(Section& section) {
  TransformerSpec model = read_qwen_moe(section);
  model.query_key_norm = true;
  return model;
}

void read_latent(Section& section, TransformerSpec& model) {
  LatentAttention& latent = model.latent;
  latent.key_rank = section.integer("kv_lora_rank", {1, kMostWidth});
  latent.query_rank = section.integer("q_lora_rank", {1, kMostWidth}, 0);  // null: none.
  latent.rotary_dim = section.integer("qk_rope_head_dim", {0, kMostHeadDim / 2});
  model.head_dim = section.integer("qk_nope_head_dim", {1, kMostHeadDim / 2}) + latent.rotary_dim;
  model.value_dim = section.integer("v_head_dim", {1, kMostHeadDim});
  model.kv_heads = model.heads;
}

TransformerSpec read_deepseek(Section& section) {
  TransformerSpec model = read_hf_llama(section);
  read_latent(section, model);
  ExpertSpec& experts = model.experts;
  read_routing(section, model, "n_routed_experts");
  experts.ffn = section.integer("moe_intermediate_size", {1, 8 * kMostWidth});
  experts.shared_ffn = experts.ffn * section.integer("n_shared_experts", {0, 1024}, 0);
  const std::int64_t first = section.integer("first_k_dense_replace", {0, kMostLayers}, 0);
  const std::int64_t step = section.integer("moe_layer_freq", {1, kMostLayers}, 1);
  change_layers(
      model, [&](LayerKind& kind, std::int64_t l) { kind.experts = l >= first && l % step == 0; });
  model.multi_token = section.integer("num_nextn_predict_layers", {0, 16}, 0);
  return model;
}

TransformerSpec read_gpt_oss(Section& section) {
  TransformerSpec model = read_hf_llama(section);
  model.qkv_bias = model.projection_bias = section.boolean("attention_bias", true);
  model.mlp_bias = true;
  model.sinks = true;
  read_routing(section, model, "num_local_experts");
  model.experts.ffn = model.ffn;
  model.experts.router_bias = true;
  const std::int64_t window = section.integer("sliding_window", {1}, 128);
  change_layers(model, [&](LayerKind& kind, std::int64_t l) {
    kind.experts = true;
    kind.window = l % 2 == 0 ? window : 0;
  });
  return model;
}

constexpr std::array<HfType, 8> kTypes = {{{"mixtral", read_mixtral, true},
                                           {"qwen2_moe", read_qwen2_moe, true},
                                           {"qwen3_moe", read_qwen3_moe, true},
                                           {"deepseek_v2", read_deepseek, true},
                                           {"deepseek_v3", read_deepseek, true},
                                           {"kimi_k2", read_deepseek, true},
                                           {"gpt_oss", read_gpt_oss, true},
                                           {"grok-1", read_grok, true}}};

}  // namespace

extern const HfFamily kHfExperts{kTypes};

}  // namespace tenk
