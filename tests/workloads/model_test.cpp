#include "workloads/model.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/workloads/training_cases.h"
#include "workloads/flops.h"
#include "workloads/formats/hf_config.h"

using namespace tenk;
using cases::TemporaryFile;

namespace {

TransformerSpec inline_model(const std::string& yaml, std::int64_t sequence = 2048) {
  Faults faults;
  const Config config = Config::parse(yaml, "scenario.yaml");
  const TransformerSpec model = read_model(Section(config, "job.model", faults), sequence, faults);
  faults.throw_if_any();
  return model;
}

TransformerSpec hf_model(const std::string& json) {
  const TemporaryFile file("config.json", json);
  Faults faults;
  const TransformerSpec model = read_hf_config(file.path(), faults);
  faults.throw_if_any();
  return model;
}

// All faults of a config.json, less their positions.
std::string hf_faults(const std::string& json) {
  try {
    hf_model(json);
  } catch (const Error& error) {
    std::string text;
    for (const Fault& fault : error.faults()) text += (text.empty() ? "" : "\n") + fault.message;
    return text;
  }
  return "";
}

std::string llama_json(const std::string& type, int layers, int hidden, int heads, int kv_heads,
                       int ffn, int vocab, const std::string& more = "") {
  return fmt::format(
      R"({{"model_type": "{}", "num_hidden_layers": {}, "hidden_size": {}, )"
      R"("num_attention_heads": {}, "num_key_value_heads": {}, "intermediate_size": {}, )"
      R"("vocab_size": {}, "rms_norm_eps": 1e-05, "rope_scaling": null{}}})",
      type, layers, hidden, heads, kv_heads, ffn, vocab, more);
}

}  // namespace

TEST_CASE("Parameters of published Llama, Mistral and Qwen models are exact") {
  CHECK(parameters(hf_model(llama_json("llama", 32, 4096, 32, 32, 11008, 32000))) == 6'738'415'616);
  CHECK(parameters(hf_model(llama_json("llama", 80, 8192, 64, 8, 28672, 32000))) == 68'976'648'192);
  CHECK(parameters(hf_model(llama_json("llama", 32, 4096, 32, 8, 14336, 128256))) == 8'030'261'248);
  CHECK(parameters(hf_model(llama_json("llama", 80, 8192, 64, 8, 28672, 128256))) ==
        70'553'706'496);
  CHECK(parameters(hf_model(llama_json("mistral", 32, 4096, 32, 8, 14336, 32000))) ==
        7'241'732'096);
  CHECK(parameters(hf_model(llama_json("qwen2", 28, 3584, 28, 4, 18944, 152064))) == 7'615'616'512);
  CHECK(parameters(hf_model(llama_json("qwen3", 36, 4096, 32, 8, 12288, 151936,
                                       R"(, "head_dim": 128)"))) == 8'190'735'360);
  CHECK(parameters(hf_model(llama_json("llama", 16, 2048, 32, 8, 8192, 128256,
                                       R"(, "tie_word_embeddings": true)"))) == 1'235'814'400);
}

TEST_CASE("Parameters of published GPT-2, GPT-NeoX, Pythia and OPT models are exact") {
  CHECK(parameters(hf_model(R"({"model_type": "gpt2", "n_layer": 12, "n_embd": 768, "n_head": 12,
      "n_positions": 1024, "vocab_size": 50257})")) == 124'439'808);
  CHECK(parameters(hf_model(R"({"model_type": "gpt2", "n_layer": 48, "n_embd": 1600, "n_head": 25,
      "n_inner": null, "n_positions": 1024, "vocab_size": 50257})")) == 1'557'611'200);
  CHECK(parameters(hf_model(R"({"model_type": "gpt_neox", "num_hidden_layers": 44,
      "hidden_size": 6144, "num_attention_heads": 64, "intermediate_size": 24576,
      "vocab_size": 50432})")) == 20'554'567'680);
  CHECK(parameters(hf_model(R"({"model_type": "gpt_neox", "num_hidden_layers": 32,
      "hidden_size": 4096, "num_attention_heads": 32, "intermediate_size": 16384,
      "vocab_size": 50432})")) == 6'857'302'016);
  CHECK(parameters(hf_model(R"({"model_type": "opt", "num_hidden_layers": 12,
      "hidden_size": 768, "num_attention_heads": 12, "ffn_dim": 3072, "word_embed_proj_dim": 768,
      "max_position_embeddings": 2048, "vocab_size": 50272})")) == 125'239'296);
  CHECK(parameters(hf_model(R"({"model_type": "opt", "num_hidden_layers": 32,
      "hidden_size": 4096, "num_attention_heads": 32, "ffn_dim": 16384,
      "max_position_embeddings": 2048, "vocab_size": 50272})")) == 6'658'473'984);
}

TEST_CASE("The example model is Llama 3.1 405B") {
  Faults faults;
  const auto model =
      read_hf_config(std::string(TENK_SOURCE_DIR) + "/examples/models/llama3-405b.json", faults);
  faults.throw_if_any();
  CHECK(parameters(model) == 405'853'388'800);
  CHECK(model.name == "llama3-405b");
}

TEST_CASE("GPT-3 has Narayanan's 12 L h^2 (1 + 13/12h + (V + s)/12Lh) and the final norm's 2 h") {
  const TransformerSpec gpt =
      inline_model("{layers: 96, hidden: 12288, heads: 96, vocab: 51200}", 2048);
  const std::int64_t l = 96;
  const std::int64_t h = 12288;
  CHECK(parameters(gpt) == 12 * l * h * h + 13 * l * h + (51200 + 2048) * h + 2 * h);
  CHECK(static_cast<double>(parameters(gpt)) == Approx(174.6e9).epsilon(1e-3));
}

TEST_CASE("Inline models have the usual defaults") {
  const auto gpt = inline_model("{layers: 2, hidden: 64, heads: 4, vocab: 100}", 77);
  CHECK((gpt.kv_heads == 4 && gpt.head_dim == 16 && gpt.ffn == 256 && gpt.positions == 77));
  CHECK((gpt.tied_embeddings && gpt.qkv_bias && gpt.layer_norm && !gpt.gated_mlp));
  const auto llama =
      inline_model("{style: llama, layers: 32, hidden: 4096, heads: 32, vocab: 32000}");
  CHECK((llama.ffn == 11008 && llama.positions == 0 && !llama.tied_embeddings));
  CHECK((!llama.qkv_bias && !llama.layer_norm && llama.gated_mlp && !llama.dropout));
  CHECK(parameters(llama) == 6'738'415'616);
  CHECK(inline_model("{style: llama, layers: 1, hidden: 8192, heads: 64, vocab: 9}").ffn == 22016);
}

TEST_CASE("Paths of model configurations start at the directory of the file that names them") {
  const TemporaryFile file("config.json", llama_json("llama", 2, 64, 4, 2, 128, 100));
  const std::string directory = file.path().substr(0, file.path().rfind('/'));
  const std::string yaml =
      "job:\n  model: {hf-config: config.json}\n"
      "  batch: {global: 1, sequence: 8}\n";
  CHECK(cases::read(yaml, directory + "/scenario.yaml").model.kv_heads == 2);
  CHECK_THROWS_AS(cases::read(yaml, directory + "/nowhere/scenario.yaml"), Error);
}

TEST_CASE("What Hugging Face configurations lack or have beyond us is named") {
  CHECK(hf_faults(R"({"model_type": "llama", "hidden_size": 64})") ==
        "the file needs \"num_hidden_layers\"\n"
        "the file needs \"num_attention_heads\"\n"
        "the file needs \"vocab_size\"\n"
        "the file needs \"intermediate_size\"");
  CHECK(hf_faults(R"({"model_type": "jamba_mamba"})") ==
        "model_type \"jamba_mamba\": a mix with state-space layers is not supported yet");
  CHECK(hf_faults(R"({"model_type": "llama4"})") ==
        "model_type \"llama4\": this mixture of experts is not supported yet");
  CHECK(hf_faults(llama_json("llama", 1, 64, 4, 2, 128, 9, R"(, "num_local_experts": 8)")) ==
        "num_local_experts: model_type llama has no mixture of experts");
  CHECK(hf_faults(llama_json("mixtral", 1, 64, 4, 2, 128, 9,
                             R"(, "num_local_experts": 8, "num_experts_per_tok": 9)")) ==
        "num_experts_per_tok 9 is more than the 8 routed experts");
  CHECK(hf_faults(R"({"model_type": "lama"})")
            .starts_with("unknown model_type \"lama\"; did you mean \"llama\"?"));
  CHECK(hf_faults("{}") == "the file needs \"model_type\"");
  CHECK(hf_faults(llama_json("llama", 1, 64, 4, 3, 128, 9)) ==
        "num_key_value_heads 3 does not divide num_attention_heads 4: each key/value head serves "
        "as many query heads");
  CHECK(hf_faults(llama_json("llama", 1, 64, 5, 5, 128, 9)) ==
        "num_attention_heads 5 does not divide hidden_size 64");
  CHECK(hf_faults(R"({"model_type": "opt", "num_hidden_layers": 24, "hidden_size": 1024,
      "num_attention_heads": 16, "ffn_dim": 4096, "word_embed_proj_dim": 512,
      "max_position_embeddings": 2048, "vocab_size": 50272})") ==
        "word_embed_proj_dim 512 other than hidden_size 1024 is not supported yet");
}

TEST_CASE("A sliding window counts only where the model uses it") {
  const std::string window =
      R"(, "sliding_window": 4096, "max_window_layers": 1, "use_sliding_window": )";
  CHECK(hf_model(llama_json("qwen2", 2, 64, 4, 2, 128, 9, window + "false")).kind_of(1).window ==
        0);
  const auto used = hf_model(llama_json("qwen2", 2, 64, 4, 2, 128, 9, window + "true"));
  CHECK((used.kind_of(0).window == 0 && used.kind_of(1).window == 4096));
  CHECK(hf_model(llama_json("mistral", 1, 64, 4, 2, 128, 9, R"(, "sliding_window": null)"))
            .kind_of(0)
            .window == 0);
  const auto gemma = hf_model(llama_json("gemma2", 4, 64, 4, 2, 128, 9));
  CHECK(distinct_kinds(gemma).size() == 2);
  CHECK(layers_of(gemma, {false, 4096}) == 2);
}

TEST_CASE("Model FLOPs of a GPT are 72 B s L h^2 (1 + s/6h + V/12hL)") {
  // Powers of two: exact in doubles where the formula is 6 B s (12 L h^2 + 2 L h s + h V).
  const auto exact = inline_model("{layers: 32, hidden: 4096, heads: 32, vocab: 65536}");
  const double b = 64, s = 2048, l = 32, h = 4096, v = 65536;
  CHECK(model_flops(exact, {64, 1, 2048}).full ==
        6 * b * s * (12 * l * h * h + 2 * l * h * s + h * v));
  for (const auto& [layers, hidden, vocab, sequence] :
       {std::tuple{96, 12288, 51200, 2048}, {105, 20480, 51200, 2048}, {48, 1600, 50257, 1024}}) {
    const auto gpt =
        inline_model(fmt::format("{{layers: {}, hidden: {}, heads: 1, vocab: {}, head-dim: {}}}",
                                 layers, hidden, vocab, std::min(hidden, 8192)));
    TransformerSpec one = gpt;
    one.head_dim = hidden;  // One head of all widths: heads head_dim = h.
    const double lh = 12.0 * hidden * layers;
    const double formula = 72.0 * 100 * sequence * layers * hidden * hidden *
                           (1 + sequence / (6.0 * hidden) + vocab / lh);
    CHECK(model_flops(one, {100, 1, sequence}).full == Approx(formula).epsilon(1e-14));
  }
}

TEST_CASE("The causal variant lacks half of the attention's FLOPs") {
  const auto gpt = inline_model("{layers: 8, hidden: 1024, heads: 8, vocab: 1000}");
  const ModelFlops flops = model_flops(gpt, {4, 1, 2048});
  // 3 passes x 2 products x 2 FLOPs x B s^2 L h, halved.
  CHECK(flops.full - flops.causal == Approx(6.0 * 4 * 2048 * 2048 * 8 * 1024).epsilon(1e-12));
}

TEST_CASE("Llama 3 405B needs 6 P FLOPs a token and 12 L s heads head_dim for attention") {
  const auto m = hf_model(llama_json("llama", 126, 16384, 128, 8, 53248, 128256));
  // All weights but the embedding and the norms are multiplied once.
  const double multiplied = 405'853'388'800.0 - 128256.0 * 16384 - (2 * 126 + 1) * 16384.0;
  const double tokens = 2048.0 * 8192;
  CHECK(model_flops(m, {2048, 1, 8192}).full ==
        Approx(tokens * (6 * multiplied + 12.0 * 126 * 8192 * 16384)).epsilon(1e-13));
}
