// How `job.model` is written (workloads/model.h).
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "sim/base/presets.h"
#include "workloads/formats/hf_config.h"
#include "workloads/model.h"

namespace tenk {
namespace {

constexpr std::int64_t kMostModules = 16;

TransformerSpec gpt_defaults(std::int64_t sequence) {
  TransformerSpec model;
  model.positions = sequence;
  return model;
}

TransformerSpec llama_defaults() {
  TransformerSpec model;
  model.gated_mlp = true;
  model.tied_embeddings = false;
  model.layer_norm = false;
  model.qkv_bias = model.projection_bias = model.mlp_bias = false;
  model.rotary = true;
  model.dropout = false;
  return model;
}

std::int64_t default_ffn(const TransformerSpec& model) {
  constexpr std::int64_t kMultiple = 256;
  if (!model.gated_mlp) return 4 * model.hidden;
  return (8 * model.hidden / 3 + kMultiple - 1) / kMultiple * kMultiple;
}

void read_latent(Section section, TransformerSpec& model) {
  const IntegerRange rank{1, kMostWidth};
  model.latent.key_rank = section.integer("key-rank", rank);
  model.latent.query_rank = section.integer("query-rank", {0, kMostWidth}, 0);
  model.latent.rotary_dim = section.integer("rotary-dim", {0, model.head_dim}, 0);
  model.value_dim = section.integer("value-dim", {1, kMostHeadDim}, model.head_dim);
  section.finish();
}

void read_experts(Section section, TransformerSpec& model) {
  ExpertSpec& experts = model.experts;
  experts.routed = section.integer("routed", {1, kMostExperts});
  experts.top_k = section.integer("top-k", {1, kMostExperts});
  experts.ffn = section.integer("ffn", {1, 8 * kMostWidth}, model.ffn);
  experts.shared_ffn = section.integer("shared-ffn", {0, 8 * kMostWidth}, 0);
  const std::int64_t dense = section.integer("dense-layers", {0, model.layers}, 0);
  const std::int64_t every = section.integer("every", {1, kMostLayers}, 1);
  model.kinds.resize(static_cast<std::size_t>(model.layers));
  for (std::int64_t l = dense; l < model.layers; ++l) {
    model.kinds[static_cast<std::size_t>(l)].experts = (l - dense) % every == every - 1;
  }
  section.finish();
}

// What an inline model may have beyond a plain GPT or Llama.
void read_more(Section& section, TransformerSpec& model) {
  if (section.has("latent")) read_latent(section.section("latent"), model);
  if (section.has("experts")) read_experts(section.section("experts"), model);
  model.multi_token = section.integer("multi-token", {0, kMostModules}, 0);
  const std::int64_t window = section.integer("window", {0}, 0);
  if (window == 0) return;
  model.kinds.resize(static_cast<std::size_t>(model.layers));
  for (LayerKind& kind : model.kinds) kind.window = window;
}

TransformerSpec read_inline(Section& section, std::int64_t sequence) {
  const std::string style = section.word("style", {"gpt", "llama"}, "gpt");
  TransformerSpec model = style == "gpt" ? gpt_defaults(sequence) : llama_defaults();
  model.name = section.text("name", "");
  model.layers = section.integer("layers", {1, kMostLayers});
  model.hidden = section.integer("hidden", {1, kMostWidth});
  model.heads = section.integer("heads", {1, kMostHeads});
  model.vocab = section.integer("vocab", {1, kMostVocab});
  model.kv_heads = section.integer("kv-heads", {1, kMostHeads}, model.heads);
  const bool whole_heads = section.has("head-dim") || model.hidden % model.heads == 0;
  const std::int64_t head_dim = std::max<std::int64_t>(model.hidden / model.heads, 1);
  model.head_dim = section.integer("head-dim", {1, kMostHeadDim}, head_dim);
  model.ffn = section.integer("ffn", {1, 8 * kMostWidth}, default_ffn(model));
  model.tied_embeddings = section.boolean("tied-embeddings", model.tied_embeddings);
  model.dropout = section.boolean("dropout", model.dropout);
  if (style == "gpt") {
    model.positions = section.integer("positions", {0, kMostVocab}, model.positions);
    model.rotary = model.positions == 0;
  } else if (section.raw("positions") != nullptr) {
    section.fail("positions", section.what() + ".positions is of style gpt; llama is rotary");
  }
  read_more(section, model);
  if (whole_heads) return model;
  section.fail("heads", fmt::format("{0}.heads {1} does not divide {0}.hidden {2}: choose heads "
                                    "that do, or give head-dim",
                                    section.what(), model.heads, model.hidden));
  return model;
}

// The directory that relative paths in `config` start from.
std::filesystem::path directory_of(const std::string& file) {
  if (file.starts_with("--set")) return {};
  return std::filesystem::path(file).parent_path();
}

TransformerSpec read_preset(Section& section, Faults& faults) {
  const std::string name = section.word("preset", preset_names("models"));
  TransformerSpec model = read_hf_model(load_preset("models", name), name, faults);
  model.multi_token = section.integer("multi-token", {0, kMostModules}, model.multi_token);
  section.finish();
  return model;
}

}  // namespace

TransformerSpec read_model(Section section, std::int64_t sequence, Faults& faults) {
  if (section.has("preset")) return read_preset(section, faults);
  const Config* path = section.raw("hf-config");
  if (path == nullptr) {
    const bool clean = faults.empty();
    TransformerSpec model = read_inline(section, sequence);
    section.finish();
    const ModelKeys keys{"heads", "kv-heads", "experts"};
    if (!clean || faults.empty()) check_model(model, keys, section);
    return model;
  }
  const std::string file = section.text("hf-config");
  section.finish();
  if (file.empty()) {
    if (path->kind() == Config::Kind::kScalar) {
      section.fail("hf-config", section.what() + ".hf-config is empty: name a config.json");
    }
    return {};
  }
  return read_hf_config((directory_of(path->where().file) / file).string(), faults);
}

}  // namespace tenk
