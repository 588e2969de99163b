#include "analysis/validate/training_scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "analysis/validate/hardware.h"
#include "analysis/validate/named_models.h"
#include "sim/base/presets.h"
#include "workloads/formats/hf_config.h"
#include "workloads/model.h"

namespace tenk {
namespace {

bool has(const std::string& text, std::string_view word) {
  const auto equal = [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) ==
           std::tolower(static_cast<unsigned char>(b));
  };
  return std::search(text.begin(), text.end(), word.begin(), word.end(), equal) != text.end();
}

bool any_of(const std::string& text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](auto word) { return has(text, word); });
}

// --- Model --------------------------------------------------------------------------------------

// The forms that decoder models take, and how the text of model.cpp asks for them.
struct Form {
  std::string_view name;
  std::string_view yaml;
};
constexpr Form kGpt{"GPT", "style: gpt"};
constexpr Form kLlama{"Llama", "style: llama"};
constexpr Form kMpt{"MPT", "style: gpt, dropout: false"};  // MosaicML/llm-foundry's defaults.

struct Shape {
  std::string text;  // A preset where the row's name means one; else empty, and:
  Form form;
  std::int64_t heads = 1, kv_heads = 1, ffn = 1, vocab = 1;
};

std::string model_yaml(const TrainingRow& row, const Shape& s) {
  if (!s.text.empty()) return s.text;
  return fmt::format("{{{}, layers: {}, hidden: {}, heads: {}, kv-heads: {}, ffn: {}, vocab: {}}}",
                     s.form.yaml, *row.layers, *row.hidden, s.heads, s.kv_heads, s.ffn, s.vocab);
}

double billions(const TrainingRow& row, const Shape& shape) {
  Faults faults;
  const Config config = Config::parse(model_yaml(row, shape), row.id);
  const TransformerSpec model =
      read_model(Section(config, "model", faults), row.sequence.value_or(1), faults);
  return faults.empty() ? static_cast<double>(parameters(model)) * 1e-9 : 0;
}

// Half a unit of the last digit that "70.6" or "175" prints.
double printed_slack(double value) {
  const std::string text = fmt::format("{}", value);
  const std::size_t dot = text.find('.');
  const std::size_t digits = dot == std::string::npos ? 0 : text.size() - dot - 1;
  return 0.5 * std::pow(10.0, -static_cast<double>(digits));
}

// Gated and untied, or plain and tied: by the words of the name; grouped keys and odd inner widths
// belong to the Llama form.
Form form_of(const TrainingRow& row) {
  if (any_of(row.model, {"llama", "mistral", "qwen"})) return kLlama;
  if (has(row.model, "mpt")) return kMpt;
  if (any_of(row.model, {"gpt", "megatron", "turing", "bloom", "nemotron"})) return kGpt;
  const bool grouped = row.kv_heads && row.heads && *row.kv_heads < *row.heads;
  return grouped && row.ffn && *row.ffn != 4 * *row.hidden ? kLlama : kGpt;
}

Shape shape_of(const TrainingRow& row, std::vector<std::string>& assumptions) {
  Shape shape;
  if (const auto preset = expert_model_named(row.model)) {
    assumptions.emplace_back("experts as in the public configuration of the model's name");
    const auto modules = multi_token_named(row.model);
    shape.text = fmt::format("{{preset: {}{}}}", *preset,
                             modules ? fmt::format(", multi-token: {}", *modules) : "");
    return shape;
  }
  shape.form = form_of(row);
  const std::int64_t hidden = *row.hidden;
  shape.heads = row.heads.value_or(0);
  if (shape.heads < 1) {
    shape.heads = std::max<std::int64_t>(1, hidden / 128);
    const std::int64_t tp = row.tp.value_or(1);
    while (shape.heads % tp != 0 || hidden % shape.heads != 0) ++shape.heads;
    assumptions.emplace_back("heads of 128 where the table has no number of heads");
  }
  shape.kv_heads = row.kv_heads.value_or(shape.heads);
  shape.ffn = row.ffn.value_or(4 * hidden);
  shape.vocab = row.vocab.value_or(51200);
  if (!row.vocab) assumptions.emplace_back("a vocabulary of 51,200 where the table has none");
  return shape;
}

// --- Cluster ------------------------------------------------------------------------------------

struct Cluster {
  std::string yaml;
  std::string gpu;
};

std::string fabric_yaml(std::int64_t nodes, int rails, double gbps) {
  constexpr std::int64_t kTwoTiers = 2048;  // Nodes that 64-port switches join in two tiers.
  return fmt::format(
      "{{kind: clos, tiers: {}, radix: 64, rails: {}, link: {{rate: {}Gbps, latency: 300ns}}}}",
      nodes > kTwoTiers ? 3 : 2, rails, gbps);
}

// Sets `out`, or out.skipped.
std::optional<Cluster> cluster_of(const TrainingRow& row, RowScenario& out) {
  std::vector<std::string>& assumptions = out.assumptions;
  const std::optional<std::string> gpu = accelerator_named(row.gpu_type, assumptions);
  const UsualServer* server = gpu ? usual_server(*gpu) : nullptr;
  const auto nodes_known = preset_names("nodes");
  if (server == nullptr ||
      std::find(nodes_known.begin(), nodes_known.end(), server->node) == nodes_known.end()) {
    out.skipped = "there is no profile of this accelerator or its server";
    return std::nullopt;
  }
  const std::int64_t gpus = *row.gpus;
  const std::int64_t domain = server->gpus;
  std::int64_t per_node = std::min<std::int64_t>(gpus, domain);
  if (domain > 8 && gpus > domain) {
    per_node = 64;  // Jobs of powers of two leave 8 of 72 spare.
    assumptions.emplace_back("jobs on racks of 72 use 64 of them");
  }
  if (gpus % per_node != 0) {
    out.skipped = "the GPUs do not fill whole servers";
    return std::nullopt;
  }
  NodeNetwork network = server->network;
  if (const auto stated = node_network_named(row.network); stated && domain <= 8) {
    network = *stated;
  } else if (gpus > domain) {
    assumptions.push_back(fmt::format("{} x {} Gb/s a server of {} where the row states no network",
                                      network.nics, network.gbps, server->node));
  }
  const double rate = network.gbps * network.nics / static_cast<double>(domain);
  if (network.nics != domain) {
    assumptions.emplace_back("fewer NICs than GPUs are modelled as one a GPU of the same sum");
  }
  if (gpus > per_node) assumptions.emplace_back("a non-blocking CLOS network of 64-port switches");
  const std::int64_t nodes = gpus / per_node;
  return Cluster{
      fmt::format("{{nodes: {}, node: {}, gpus-per-node: {}, fabric: {}}}", nodes, server->node,
                  per_node, fabric_yaml(nodes, static_cast<int>(per_node), rate)),
      *gpu};
}

// --- Job ----------------------------------------------------------------------------------------

// "bf16", "fp8", ... as job.precision reads them.
std::string precision_of(const TrainingRow& row, std::vector<std::string>& assumptions) {
  if (has(row.precision, "nvfp4")) return "fp4";
  if (has(row.precision, "mxfp8")) {
    assumptions.emplace_back("MXFP8 as FP8 with one scale a tensor");
    return "fp8";
  }
  if (has(row.precision, "fp8")) return "fp8";
  if (has(row.precision, "bf16") || row.precision.empty()) return "bf16";
  return "fp16";
}

// Megatron and its forks of the FP16 years had no flash attention yet.
bool precedes_flash(const TrainingRow& row) {
  return has(row.framework, "deepspeed") ||
         (has(row.framework, "megatron") && has(row.precision, "fp16"));
}

std::string attention_of(const TrainingRow& row, std::vector<std::string>& assumptions) {
  if (precedes_flash(row)) {
    assumptions.emplace_back("unfused attention in Megatron of the FP16 years");
    return "unfused";
  }
  if (!has(row.framework, "llm-foundry")) return "flash";
  assumptions.emplace_back("llm-foundry's benchmarks of 2023 ran FlashAttention-2");
  return "flash-2";
}

std::string recompute_of(const TrainingRow& row, std::vector<std::string>& assumptions) {
  if (has(row.recompute, "full")) return "full";
  if (has(row.recompute, "selective")) return "selective";
  if (row.recompute.empty() && precedes_flash(row)) {
    assumptions.emplace_back("full recomputation in Megatron of the FP16 years, if not stated");
    return "full";
  }
  if (row.recompute.empty()) {
    assumptions.emplace_back("no recomputation where the row does not state it");
  }
  return "none";
}

// What is sharded over the data-parallel ranks, as parallel.zero says it.
int zero_of(const TrainingRow& row) {
  const std::string& words = row.opt_sharding;
  if (any_of(words, {"shard_grad_op", "zero-2", "zero2", "no reshard"})) return 2;
  if (any_of(words, {"fsdp", "zero-3", "zero3", "full_shard"})) return 3;
  return any_of(words, {"distributed", "zero-1", "zero1"}) ? 1 : 0;
}

// The number in "FSDP=64" and "FSDP shard 2": ranks that share one copy.
std::int64_t shard_of(const TrainingRow& row) {
  std::size_t at = row.opt_sharding.find_first_of("0123456789");
  if (!has(row.opt_sharding, "fsdp") || at == std::string::npos) return 0;
  std::int64_t number = 0;
  for (; at < row.opt_sharding.size() && number < 1'000'000; ++at) {
    const char c = row.opt_sharding[at];
    if (c < '0' || c > '9') break;
    number = 10 * number + (c - '0');
  }
  return number;
}

// "parallel: {...}, gradients: {...}", and what sharding brings with it.
std::string sharding_yaml(const TrainingRow& row, std::int64_t dp,
                          std::vector<std::string>& assumptions) {
  const int zero = zero_of(row);
  std::string parallel = fmt::format("zero: {}", zero);
  const std::int64_t shard = shard_of(row);
  if (shard > 0 && shard < dp) parallel += fmt::format(", shard: {}", shard);
  std::string gradients;
  if (zero >= 2 && *row.pp > 1) {
    gradients = "keep: whole";
    assumptions.emplace_back("with pipeline stages sharded gradients are exchanged once a step");
  }
  if (has(row.framework, "llm-foundry")) {  // Its submit_benchmarks.py: mixed_precision PURE.
    gradients += std::string(gradients.empty() ? "" : ", ") + "precision: bf16";
    assumptions.emplace_back("llm-foundry's benchmarks reduce gradients in BF16");
  }
  return fmt::format("{}}}, gradients: {{{}", parallel, gradients);
}

struct Overlap {
  bool tp = false, dp = false;
};
// What the frameworks overlap by default: the NeMo and Megatron-Core recipes gradients and
// tensor-parallel exchanges, their forebears neither.
Overlap overlap_of(const TrainingRow& row) {
  Overlap overlap;
  overlap.dp = any_of(row.framework, {"nemo", "megatron-core", "megatron-bridge", "megascale"}) ||
               has(row.opt_sharding, "overlap") || has(row.opt_sharding, "fsdp") ||
               zero_of(row) == 3;
  overlap.tp = any_of(row.framework, {"nemo", "megatron-core", "megatron-bridge", "megascale"});
  return overlap;
}

bool shards_sequence(const TrainingRow& row, std::vector<std::string>& assumptions) {
  if (row.sequence_parallel) return *row.sequence_parallel != 0;
  const bool modern = any_of(row.framework, {"nemo", "megatron-core", "megatron-bridge"});
  if (*row.tp > 1) {
    assumptions.push_back(modern ? "sequence parallelism with NeMo and Megatron-Core"
                                 : "no sequence parallelism where the row does not state it");
  }
  return modern;
}

// Degrees of the experts. Megatron gives each expert the tp of the rest unless told otherwise.
std::string expert_degrees(const TrainingRow& row, std::int64_t dp,
                           std::vector<std::string>& assumptions) {
  const std::int64_t ep = row.ep.value_or(1);
  if (!expert_model_named(row.model)) return "";
  const std::int64_t cp = std::max<std::int64_t>(row.cp.value_or(1), 1);
  const bool fits = *row.tp * cp * dp % (ep * *row.tp) == 0;
  if (*row.tp > 1) {
    assumptions.emplace_back("experts are cut in tp parts, or none where ep x tp does not fit");
  }
  return fmt::format(", ep: {}, etp: {}", ep, fits ? *row.tp : 1);
}

// Fine-tuning of all weights is training on shorter texts, packed to full sequences.
std::string lora_of(const TrainingRow& row, std::vector<std::string>& assumptions) {
  if (any_of(row.model + row.id, {"lora"})) {
    assumptions.emplace_back("LoRA of rank 16 beside attention's products");
    return ", lora: {rank: 16, targets: [qkv, projection]}";
  }
  if (any_of(row.model + row.id, {"sft"})) {
    assumptions.emplace_back("fine-tuning of all weights as training on packed sequences");
  }
  return "";
}

std::int64_t chunks_of(const TrainingRow& row, std::vector<std::string>& assumptions) {
  if (row.vpp || *row.pp == 1) return row.vpp.value_or(1);
  if (has(row.framework, "meta")) {  // Its pipelines interleave (workloads/stages.h).
    assumptions.emplace_back("Meta's pipelines interleave chunks of one layer");
    return (*row.layers + 2 + *row.pp - 1) / *row.pp;
  }
  assumptions.emplace_back("one chunk a stage where vpp is missing");
  return 1;
}

// "cp: ..., cp-exchange: ..., ", or nothing.
std::string context_yaml(const TrainingRow& row, std::vector<std::string>& assumptions) {
  if (row.cp.value_or(1) <= 1) return "";
  if (has(row.framework, "meta")) {  // Grattafiori et al. 2024, section 3.3.2.
    return fmt::format("cp: {}, cp-exchange: all-gather, ", *row.cp);
  }
  assumptions.emplace_back("context parallelism by a ring, Megatron's default");
  return fmt::format("cp: {}, ", *row.cp);
}

// Where the experts of a group of ranks are on several servers, the dispatchers of NeMo and
// Megatron-Bridge (DeepEP) send a token once to each server that it needs: of m servers,
// m (1 - (1 - 1/m)^k) on average for k experts.
std::string router_of(const TrainingRow& row, std::vector<std::string>& assumptions) {
  const auto preset = expert_model_named(row.model);
  if (!preset) return "";
  assumptions.emplace_back("routers that fill all experts alike");
  std::vector<std::string> ignored;
  const auto gpu = accelerator_named(row.gpu_type, ignored);
  const UsualServer* server = gpu ? usual_server(*gpu) : nullptr;
  const double servers =
      server == nullptr ? 1 : static_cast<double>(row.ep.value_or(1)) / server->gpus;
  if (servers <= 1 || !any_of(row.framework, {"nemo", "megatron-bridge"})) return "";
  assumptions.emplace_back("one copy of a token to each server with experts that it needs");
  Faults faults;
  const Config model = load_preset("models", *preset);
  const auto k = static_cast<double>(read_hf_model(model, *preset, faults).experts.top_k);
  const double copies = servers * (1 - std::pow(1 - 1 / servers, k));
  return fmt::format(", router: {{copies: {:.3f}}}", std::max(copies, 1.0));
}

std::string job_yaml(const TrainingRow& row, const Shape& shape,
                     std::vector<std::string>& assumptions) {
  const std::int64_t cp = std::max<std::int64_t>(row.cp.value_or(1), 1);
  const std::int64_t dp = *row.gpus / (*row.tp * *row.pp * cp);
  const std::int64_t micro = row.micro_batch.value_or(1);
  if (!row.micro_batch) assumptions.emplace_back("micro-batches of 1 where the row has none");
  const std::int64_t vpp = chunks_of(row, assumptions);
  const std::string recompute = recompute_of(row, assumptions);
  const std::string attention = attention_of(row, assumptions);
  const Overlap overlap = overlap_of(row);
  const std::string sharding = sharding_yaml(row, dp, assumptions);
  const bool sequence = shards_sequence(row, assumptions);
  const std::string lora = lora_of(row, assumptions);
  const std::string experts = expert_degrees(row, dp, assumptions);
  const std::string router = router_of(row, assumptions);
  return fmt::format(
      "{{model: {}, parallel: {{tp: {}, {}pp: {}, vpp: {}, dp: {}{}, sequence-parallel: {}, "
      "{}}}, batch: {{global: {}, micro: {}, sequence: {}}}, precision: {}, recompute: {}, "
      "attention: {}{}{}, overlap: {{tp: {}, dp: {}, pp: {}}}}}",
      model_yaml(row, shape), *row.tp, context_yaml(row, assumptions), *row.pp, vpp, dp, experts,
      sequence, sharding, *row.global_batch, micro, *row.sequence, precision_of(row, assumptions),
      recompute, attention, lora, router, overlap.tp, overlap.dp, true);
}

}  // namespace

RowScenario scenario_of(const TrainingRow& row) {
  RowScenario out;
  const Shape shape = shape_of(row, out.assumptions);
  if (has(row.arch_how, "recalled") && row.params_b) {
    const double count = billions(row, shape);
    const double slack = std::max(0.005 * *row.params_b, printed_slack(*row.params_b));
    if (std::abs(count - *row.params_b) > slack) {
      out.excluded = "recalled dimensions do not give the named model's parameters";
      return out;
    }
  }
  const std::optional<Cluster> cluster = cluster_of(row, out);
  if (!cluster) return out;
  out.gpu = cluster->gpu;
  out.text = fmt::format("version: 1\nname: \"{}\"\ncluster: {}\njob: {}\n", row.id, cluster->yaml,
                         job_yaml(row, shape, out.assumptions));
  return out;
}

}  // namespace tenk
