// Which model does a Hugging Face `config.json` describe?
//
// The types of the families in hf_config.cpp, with the defaults of their configuration classes
// (huggingface/transformers 4.5x, src/transformers/models/*/configuration_*.py). It is not our
// file: keys we do not need are fine. Other types, and keys that ask for more than a type has, are
// faults that name what is not supported.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "workloads/model.h"

namespace tenk {

// Faults carry positions in that file. A file that cannot be read or parsed throws Error{kFile}.
TransformerSpec read_hf_config(const std::string& path, Faults& faults);
// The same of a text already parsed; `name` is what the model is called.
TransformerSpec read_hf_model(const Config& file, const std::string& name, Faults& faults);

// A `model_type`; types that share most of their keys share a .cpp, which ends in their family.
struct HfType {
  std::string_view name;
  TransformerSpec (*read)(Section& section);
  bool has_experts = false;
};
struct HfFamily {
  std::span<const HfType> types;
};

// What the readers share.
struct HfSizeKeys {
  std::string_view layers, hidden, heads;
};
inline constexpr HfSizeKeys kUsualHfKeys{"num_hidden_layers", "hidden_size", "num_attention_heads"};
// Layers, widths, heads and vocabulary; hidden_size must be heads x head_dim unless `head_dim`
// stands there.
void read_hf_sizes(TransformerSpec& model, Section& section, const HfSizeKeys& keys = kUsualHfKeys);
// llama, and what the types made after it have in common.
TransformerSpec read_hf_llama(Section& section);
// Sets the kind of every layer: change(kind, number of the layer).
template <class Change>
void change_layers(TransformerSpec& model, const Change& change) {
  model.kinds.resize(static_cast<std::size_t>(model.layers));
  for (std::int64_t l = 0; l < model.layers; ++l) {
    change(model.kinds[static_cast<std::size_t>(l)], l);
  }
}

}  // namespace tenk
