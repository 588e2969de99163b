#include "workloads/formats/hf_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <vector>

#include "sim/base/text.h"

namespace tenk {

extern const HfFamily kHfLlama, kHfGpt, kHfExperts, kHfEncoders;

namespace {

std::vector<const HfType*> all_types() {
  std::vector<const HfType*> all;
  for (const HfFamily* family : {&kHfLlama, &kHfGpt, &kHfExperts, &kHfEncoders}) {
    for (const HfType& type : family->types) all.push_back(&type);
  }
  return all;
}

// What is known to be beyond us, and why.
struct Refused {
  std::string_view part;  // Of the model_type or of a key.
  std::string_view feature;
};
constexpr std::array<Refused, 5> kRefusedTypes = {{{"moe", "this mixture of experts"},
                                                   {"dbrx", "this mixture of experts"},
                                                   {"llama4", "this mixture of experts"},
                                                   {"mamba", "a mix with state-space layers"},
                                                   {"t5", "an encoder with a decoder"}}};
// Of types without them.
constexpr std::array<Refused, 6> kRefusedKeys = {{{"kv_lora_rank", "multi-head latent attention"},
                                                  {"num_local_experts", "mixture of experts"},
                                                  {"num_experts", "mixture of experts"},
                                                  {"num_routed_experts", "mixture of experts"},
                                                  {"n_routed_experts", "mixture of experts"},
                                                  {"moe_intermediate_size", "mixture of experts"}}};

// Adds a fault if the model has what is not supported.
bool refuse(const std::string& type, const HfType* known, Section& section) {
  for (const Refused& r : kRefusedTypes) {
    if (known != nullptr || type.find(r.part) == std::string::npos) continue;
    section.fail("model_type",
                 fmt::format("model_type \"{}\": {} is not supported yet", shown(type), r.feature));
    return true;
  }
  for (const Refused& r : kRefusedKeys) {
    if (known == nullptr || known->has_experts || !section.has(r.part)) continue;
    section.fail(r.part, fmt::format("{}: model_type {} has no {}", r.part, type, r.feature));
    return true;
  }
  return false;
}

}  // namespace

void read_hf_sizes(TransformerSpec& model, Section& section, const HfSizeKeys& keys) {
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

TransformerSpec read_hf_model(const Config& file, const std::string& name, Faults& faults) {
  Section section(file, "", faults);
  const std::string type = section.text("model_type");
  const std::vector<const HfType*> types = all_types();
  const auto found =
      std::find_if(types.begin(), types.end(), [&](const HfType* t) { return t->name == type; });
  const HfType* known = found == types.end() ? nullptr : *found;
  if (refuse(type, known, section)) return {};
  std::vector<std::string> names;
  names.reserve(types.size());
  for (const HfType* t : types) names.emplace_back(t->name);
  const bool clean = faults.empty();
  section.word("model_type", names);  // Another one is a fault.
  TransformerSpec model;
  if (known != nullptr) model = known->read(section);
  if (!clean || faults.empty()) {
    check_model(model, {"num_attention_heads", "num_key_value_heads", "num_experts_per_tok"},
                section);
  }
  model.name = name;
  return model;
}

TransformerSpec read_hf_config(const std::string& path, Faults& faults) {
  return read_hf_model(Config::load(path), std::filesystem::path(path).stem().string(), faults);
}

}  // namespace tenk
