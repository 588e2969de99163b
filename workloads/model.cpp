#include "workloads/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "workloads/formats/hf_config.h"

namespace tenk {
namespace {

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
  model.dropout = false;
  return model;
}

std::int64_t default_ffn(const TransformerSpec& model) {
  constexpr std::int64_t kMultiple = 256;
  if (!model.gated_mlp) return 4 * model.hidden;
  return (8 * model.hidden / 3 + kMultiple - 1) / kMultiple * kMultiple;
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
  } else if (section.raw("positions") != nullptr) {
    section.fail("positions", section.what() + ".positions is of style gpt; llama is rotary");
  }
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

}  // namespace

std::int64_t norm_parameters(const TransformerSpec& model) {
  return model.hidden * (model.layer_norm ? 2 : 1);
}

std::int64_t layer_parameters(const TransformerSpec& m) {
  const std::int64_t query = m.heads * m.head_dim;
  const std::int64_t qkv = query + 2 * m.kv_heads * m.head_dim;
  const std::int64_t up = m.ffn * (m.gated_mlp ? 2 : 1);
  std::int64_t count = m.hidden * qkv + query * m.hidden + m.hidden * up + m.ffn * m.hidden;
  if (m.qkv_bias) count += qkv;
  if (m.projection_bias) count += m.hidden;
  if (m.mlp_bias) count += up + m.hidden;
  if (m.query_key_norm) count += 2 * m.head_dim;
  return count + 2 * norm_parameters(m);
}

std::int64_t embedding_parameters(const TransformerSpec& model) {
  return (model.vocab + model.positions) * model.hidden;
}

std::int64_t head_parameters(const TransformerSpec& model) {
  return model.tied_embeddings ? 0 : model.vocab * model.hidden;
}

std::int64_t parameters(const TransformerSpec& model) {
  return model.layers * layer_parameters(model) + norm_parameters(model) +
         embedding_parameters(model) + head_parameters(model);
}

void check_model(const TransformerSpec& model, const ModelKeys& keys, Section& section) {
  if (parameters(model) > kMostParameters) {
    section.fail(fmt::format("a model of {} parameters; at most 10^16", parameters(model)));
  }
  if (model.heads % model.kv_heads == 0) return;
  const std::string prefix = section.what().empty() ? "" : section.what() + ".";
  section.fail(keys.kv_heads,
               fmt::format("{0}{1} {2} does not divide {0}{3} {4}: each key/value head serves as "
                           "many query heads",
                           prefix, keys.kv_heads, model.kv_heads, keys.heads, model.heads));
}

TransformerSpec read_model(Section section, std::int64_t sequence, Faults& faults) {
  const Config* path = section.raw("hf-config");
  if (path == nullptr) {
    const bool clean = faults.empty();
    TransformerSpec model = read_inline(section, sequence);
    section.finish();
    const ModelKeys keys{"heads", "kv-heads"};
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
