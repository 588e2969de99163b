// Which model does a Hugging Face `config.json` describe?
//
// Dense decoder-only models of the types llama, mistral, qwen2, qwen3, gpt2, gpt_neox and opt, with
// the defaults of their configuration classes (huggingface/transformers 4.5x,
// src/transformers/models/*/configuration_*.py). It is not our file: keys we do not need are fine.
// Mixture of experts, latent attention and other types are faults that name what is not supported.
#pragma once
#include <string>

#include "workloads/model.h"

namespace tenk {

// Faults carry positions in that file. A file that cannot be read or parsed throws Error{kFile}.
TransformerSpec read_hf_config(const std::string& path, Faults& faults);

}  // namespace tenk
