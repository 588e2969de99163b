// Have published models the parameters and FLOPs that their makers print?
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>

#include "sim/base/presets.h"
#include "workloads/flops.h"
#include "workloads/formats/hf_config.h"

using namespace tenk;

namespace {

TransformerSpec preset(const std::string& name) {
  Faults faults;
  const TransformerSpec model = read_hf_model(load_preset("models", name), name, faults);
  faults.throw_if_any();
  return model;
}

// What the makers print: the weights of the checkpoint where they are counted to the last one (the
// model's page on Hugging Face or the weights of torchvision, recalled), else the paper.
struct Published {
  const char* name;
  double parameters;
  const char* source;
};
constexpr Published kPublished[] = {
    {"gpt2", 124'439'808, "openai-community/gpt2: tensors less buffers"},
    {"gpt2-xl", 1'557'611'200, "openai-community/gpt2-xl: tensors less buffers"},
    {"gpt-neox-20b", 20'554'567'680, "Black et al. 2022, section 2.1"},
    {"opt-175b", 175e9, "Zhang et al. 2022, table 1"},
    {"bloom-176b", 176'247'271'424, "bigscience/bloom: model card"},
    {"falcon-7b", 6'921'720'704, "tiiuae/falcon-7b"},
    {"falcon-40b", 41.3e9, "tiiuae/falcon-40b: Model size, three digits"},
    {"phi-2", 2'779'683'840, "microsoft/phi-2"},
    {"phi-3-mini", 3'821'079'552, "microsoft/Phi-3-mini-4k-instruct"},
    {"llama2-7b", 6'738'415'616, "meta-llama/Llama-2-7b-hf"},
    {"llama2-13b", 13'015'864'320, "meta-llama/Llama-2-13b-hf"},
    {"llama2-70b", 68'976'648'192, "meta-llama/Llama-2-70b-hf"},
    {"llama3-8b", 8'030'261'248, "meta-llama/Meta-Llama-3-8B"},
    {"llama3-70b", 70'553'706'496, "meta-llama/Meta-Llama-3-70B"},
    {"llama3.1-405b", 405'853'388'800, "meta-llama/Llama-3.1-405B"},
    {"mistral-7b", 7'241'732'096, "mistralai/Mistral-7B-v0.1"},
    {"mixtral-8x7b", 46'702'792'704, "mistralai/Mixtral-8x7B-v0.1"},
    {"mixtral-8x22b", 140.6e9, "mistralai/Mixtral-8x22B-v0.1: 141B; Mistral AI's page"},
    {"qwen2-7b", 7'615'616'512, "Qwen/Qwen2-7B"},
    {"qwen2.5-72b", 72'706'203'648, "Qwen/Qwen2.5-72B"},
    {"qwen3-8b", 8'190'735'360, "Qwen/Qwen3-8B"},
    {"qwen3-32b", 32'762'123'264, "Qwen/Qwen3-32B"},
    {"qwen3-30b-a3b", 30'532'122'624, "Qwen/Qwen3-30B-A3B"},
    {"qwen3-235b-a22b", 235'093'634'560, "Qwen/Qwen3-235B-A22B"},
    {"qwen1.5-moe-a2.7b", 14'315'784'192, "Qwen/Qwen1.5-MoE-A2.7B"},
    {"qwen2-57b-a14b", 57.4e9, "Qwen/Qwen2-57B-A14B: Model size, three digits"},
    {"deepseek-v2", 235'741'434'880, "deepseek-ai/DeepSeek-V2"},
    {"deepseek-v2-lite", 15'706'484'224, "deepseek-ai/DeepSeek-V2-Lite"},
    {"deepseek-v3", 671e9, "DeepSeek-AI 2024, abstract"},
    {"gpt-oss-120b", 116.83e9, "OpenAI 2025, model card, table 1"},
    {"gpt-oss-20b", 20.91e9, "OpenAI 2025, model card, table 1"},
    {"gemma-7b", 8'537'680'896, "google/gemma-7b"},
    {"gemma2-9b", 9'241'705'984, "google/gemma-2-9b"},
    {"gemma2-27b", 27'227'128'320, "google/gemma-2-27b"},
    {"bert-base", 109'482'240, "google-bert/bert-base-uncased: BertModel"},
    {"bert-large", 335'141'888, "google-bert/bert-large-uncased: BertModel"},
    {"vit-b-16", 86'567'656, "torchvision: ViT_B_16_Weights, num_params"},
    {"vit-l-16", 304'326'632, "torchvision: ViT_L_16_Weights, num_params"},
    {"vit-h-14", 632'045'800, "torchvision: ViT_H_14_Weights (224 pixels), num_params"},
};

}  // namespace

TEST_CASE("Thirty-nine published models have their parameters within half a percent") {
  for (const Published& p : kPublished) {
    const double count = static_cast<double>(parameters(preset(p.name)));
    const double difference = count / p.parameters - 1;
    if (std::getenv("TENK_SHOW") != nullptr) {
      fmt::print("{:18} {:>17.0f} {:>17.0f} {:+9.4f} % {}\n", p.name, count, p.parameters,
                 100 * difference, p.source);
    }
    CAPTURE(p.name, p.source);
    CHECK(count == Approx(p.parameters).epsilon(0.005));
  }
}

// Parameters that one token meets, less the tables that it only looks up where the makers do so.
TEST_CASE("Models with experts have the active parameters that their makers print") {
  const auto active = [](const std::string& name) {
    return static_cast<double>(active_parameters(preset(name))) * 1e-9;
  };
  CHECK(active("mixtral-8x7b") ==
        Approx(12.9).epsilon(0.005));  // Jiang et al. 2024, section 1: 13B.
  CHECK(active("mixtral-8x22b") == Approx(39.1).epsilon(0.005));   // Mistral AI: 39B.
  CHECK(active("deepseek-v3") == Approx(37.5).epsilon(0.01));      // 37B; DeepSeek-AI 2024.
  CHECK(active("deepseek-v2") == Approx(21.4).epsilon(0.01));      // 21B; DeepSeek-AI 2024.
  CHECK(active("qwen3-30b-a3b") == Approx(3.3).epsilon(0.02));     // Yang et al. 2025: 3.3B.
  CHECK(active("qwen3-235b-a22b") == Approx(22.2).epsilon(0.01));  // Yang et al. 2025: 22B.
  // Without the embedding: OpenAI 2025, model card, table 1: 5.13B and 3.61B.
  const auto less_embedding = [&](const std::string& name) {
    return active(name) - static_cast<double>(embedding_parameters(preset(name))) * 1e-9;
  };
  CHECK(less_embedding("gpt-oss-120b") == Approx(5.13).epsilon(0.005));
  CHECK(less_embedding("gpt-oss-20b") == Approx(3.61).epsilon(0.005));
}

TEST_CASE("DeepSeek-V3 has 14 billion parameters more in its multi-token module") {
  const TransformerSpec model = preset("deepseek-v3");
  // The release repeats embedding and head (129280 x 7168 each): 14B (its README_WEIGHTS).
  const double module = static_cast<double>(multi_token_parameters(model)) + 2.0 * 129280 * 7168;
  CHECK(module == Approx(13.5e9).epsilon(0.005));
}

TEST_CASE("Operations add up to the FLOPs of the model, and to the papers' formulas") {
  for (const Published& p : kPublished) {
    const TransformerSpec model = preset(p.name);
    const std::int64_t s = model.image.size > 0 ? model.image.tokens() : 512;
    double sum = 0;
    for (const OperationFlops& o : flops_by_operation(model, s)) sum += o.forward.full;
    CAPTURE(p.name);
    CHECK(3 * sum * static_cast<double>(s) ==
          Approx(model_flops(model, {1, 1, s}).full).epsilon(1e-12));
  }
  // 6 N a token and 12 L h s of attention (Kaplan et al. 2020, section 2.1, with backward;
  // Chowdhery et al. 2022, appendix B): N less tables that are looked up, norms and biases.
  const TransformerSpec llama = preset("llama2-70b");
  const double multiplied = 68'976'648'192.0 - 32000.0 * 8192 - 161 * 8192.0;
  CHECK(model_flops(llama, {1, 1, 4096}).full / 4096 ==
        Approx(6 * multiplied + 12.0 * 80 * 8192 * 4096).epsilon(1e-12));
  // DeepSeek-V3, 4096 tokens: 250 GFLOP a token with causal attention, main model (the figure that
  // DeepSeek-AI 2025, "Insights into DeepSeek-V3", table 2, prints for training).
  TransformerSpec deepseek = preset("deepseek-v3");
  deepseek.multi_token = 0;
  CHECK(model_flops(deepseek, {1, 1, 4096}).causal / 4096 == Approx(250e9).epsilon(0.02));
  // Its table 2 also has: LLaMa-405B dense 2448, DeepSeek-V2 155 GFLOP.
  CHECK(model_flops(preset("llama3.1-405b"), {1, 1, 4096}).causal / 4096 ==
        Approx(2448e9).epsilon(0.03));
  CHECK(model_flops(preset("deepseek-v2"), {1, 1, 4096}).causal / 4096 ==
        Approx(155e9).epsilon(0.1));
}
