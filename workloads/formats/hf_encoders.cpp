// Encoders, whose tokens all see each other: BERT and ViT.
#include <array>

#include "workloads/formats/hf_config.h"

namespace tenk {
namespace {

TransformerSpec read_encoder(Section& section) {
  TransformerSpec model;
  model.causal = false;
  model.layers = section.integer("num_hidden_layers", {1, kMostLayers});
  model.ffn = section.integer("intermediate_size", {1, 8 * kMostWidth});
  model.dropout = section.number("hidden_dropout_prob", {0, 1}, 0) > 0;
  return model;
}

// As BertModel: norms after each half and after the tables, none at the end; a pooler.
TransformerSpec read_bert(Section& section) {
  TransformerSpec model = read_encoder(section);
  read_hf_sizes(model, section);
  model.positions = section.integer("max_position_embeddings", {1, kMostVocab}, 512);
  model.token_types = section.integer("type_vocab_size", {0, kMostVocab}, 2);
  model.embedding_norm = true;
  model.final_norm = false;
  model.pooler = true;
  return model;
}

// As ViTForImageClassification; the classes are those of id2label, or num_labels.
TransformerSpec read_vit(Section& section) {
  TransformerSpec model = read_encoder(section);
  model.hidden = section.integer("hidden_size", {1, kMostWidth});
  model.heads = model.kv_heads = section.integer("num_attention_heads", {1, kMostHeads});
  model.head_dim = std::max<std::int64_t>(model.hidden / model.heads, 1);
  model.image.size = section.integer("image_size", {1, 65'536}, 224);
  model.image.patch = section.integer("patch_size", {1, model.image.size}, 16);
  model.image.channels = section.integer("num_channels", {1, 1024}, 3);
  model.vocab = 0;
  model.positions = model.image.tokens();
  model.qkv_bias = section.boolean("qkv_bias", true);
  const Config* labels = section.raw("id2label");
  const auto listed = static_cast<std::int64_t>(labels == nullptr ? 2 : labels->entries().size());
  model.classes = section.integer("num_labels", {1, kMostVocab}, listed);
  return model;
}

constexpr std::array<HfType, 2> kTypes = {{{"bert", read_bert}, {"vit", read_vit}}};

}  // namespace

extern const HfFamily kHfEncoders{kTypes};

}  // namespace tenk
