#include "workloads/formats/megatron_args.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <string_view>
#include <vector>

#include "sim/base/text.h"

namespace tenk {
namespace {

// --- Text to a map ------------------------------------------------------------------------------

// Words as a shell splits them, without expansions.
std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool inside = false;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      inside = true;
    } else if (c == '\\') {
      if (i + 1 < text.size() && std::isspace(static_cast<unsigned char>(text[i + 1])) == 0) {
        word += text[++i];
      }
    } else if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      if (inside || !word.empty()) words.push_back(std::move(word));
      word.clear();
      inside = false;
    } else {
      word += c;
    }
  }
  if (inside || !word.empty()) words.push_back(std::move(word));
  return words;
}

std::string plain_name(std::string_view name) {
  std::string out(name);
  std::replace(out.begin(), out.end(), '_', '-');
  return out;
}

// A later one wins, as in argparse.
void set(std::vector<Config::Entry>& entries, const std::string& name, Config value) {
  const auto same = [&](const Config::Entry& e) { return e.key == name; };
  const auto found = std::find_if(entries.begin(), entries.end(), same);
  if (found != entries.end()) {
    found->value = std::move(value);
  } else {
    entries.push_back({name, value.where(), std::move(value)});
  }
}

Config from_words(const std::vector<std::string>& words, const Place& place) {
  std::vector<Config::Entry> entries;
  for (std::size_t i = 0; i < words.size();) {
    const std::string& word = words[i++];
    if (!word.starts_with("--") || word.size() == 2) continue;  // A command, a file, "--".
    const std::size_t equals = word.find('=');
    const std::string name = plain_name(word.substr(2, equals - 2));
    std::vector<Config> values;
    if (equals != std::string::npos) {
      values.push_back(Config::scalar(word.substr(equals + 1), place));
    } else {
      for (; i < words.size() && !words[i].starts_with("--") && !words[i].ends_with(".py"); ++i) {
        values.push_back(Config::scalar(words[i], place));
      }
    }
    if (values.empty()) values.push_back(Config::scalar("true", place));
    set(entries, name, values.size() == 1 ? values.front() : Config::list(values, place));
  }
  return Config::map(std::move(entries), place);
}

void flatten(const Config& map, std::vector<Config::Entry>& entries) {
  for (const Config::Entry& e : map.entries()) {
    if (e.value.kind() == Config::Kind::kMap) {
      flatten(e.value, entries);
    } else {
      set(entries, plain_name(e.key), e.value);
    }
  }
}

// --- The model ----------------------------------------------------------------------------------

std::int64_t padded(std::int64_t count, std::int64_t multiple) {
  return (count + multiple - 1) / multiple * multiple;
}

std::int64_t read_vocab(Section& args, std::int64_t given) {
  const std::int64_t ready = args.integer("padded-vocab-size", {1, kMostVocab}, 0);
  if (given > 0 || ready > 0) return given > 0 ? given : ready;
  const std::int64_t size = args.integer("vocab-size", {1, kMostVocab});
  const std::int64_t unit = args.integer("make-vocab-size-divisible-by", {1, 65'536}, 128) *
                            args.integer("tensor-model-parallel-size", {1, 65'536}, 1);
  return padded(size, unit);
}

void read_latent(Section& args, TransformerSpec& model) {
  if (!args.boolean("multi-latent-attention", false)) return;
  model.latent.key_rank = args.integer("kv-lora-rank", {1, kMostWidth}, 512);
  model.latent.query_rank = args.integer("q-lora-rank", {1, kMostWidth}, 0);
  model.latent.rotary_dim = args.integer("qk-pos-emb-head-dim", {0, kMostHeadDim / 2}, 64);
  model.head_dim =
      args.integer("qk-head-dim", {1, kMostHeadDim / 2}, 128) + model.latent.rotary_dim;
  model.value_dim = args.integer("v-head-dim", {1, kMostHeadDim}, 128);
  model.kv_heads = model.heads;
  model.rotary = true;
  model.positions = 0;
}

// "([0]*3+[1]*58)": which layers have experts; nullopt if it is not of that form.
std::optional<std::vector<bool>> parse_pattern(std::string_view text) {
  std::string bare;
  for (const char c : text) {
    if (c != ' ' && c != '(' && c != ')') bare += c;
  }
  std::vector<bool> pattern;
  std::size_t at = 0;
  while (at < bare.size()) {
    if (bare[at] == '+') ++at;
    if (at >= bare.size() || bare[at] != '[') return std::nullopt;
    std::vector<bool> part;
    for (++at; at < bare.size() && bare[at] != ']'; ++at) {
      if (bare[at] == '0' || bare[at] == '1') {
        part.push_back(bare[at] == '1');
      } else if (bare[at] != ',') {
        return std::nullopt;
      }
    }
    if (at++ >= bare.size()) return std::nullopt;
    std::size_t times = 1;
    if (at < bare.size() && bare[at] == '*') {
      times = 0;
      for (++at; at < bare.size() && std::isdigit(static_cast<unsigned char>(bare[at])) != 0;
           ++at) {
        times = std::min<std::size_t>(times * 10 + static_cast<std::size_t>(bare[at] - '0'),
                                      static_cast<std::size_t>(kMostLayers) + 1);
      }
    }
    for (std::size_t i = 0; i < times && pattern.size() <= kMostLayers; ++i) {
      pattern.insert(pattern.end(), part.begin(), part.end());
    }
  }
  return pattern;
}

void read_frequency(Section& args, TransformerSpec& model) {
  const std::string text = args.text("moe-layer-freq", "1");
  std::vector<bool> pattern;
  const bool number = !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isdigit(c) != 0;
  });
  if (number) {
    const std::int64_t every = args.integer("moe-layer-freq", {1, kMostLayers}, 1);
    for (std::int64_t l = 0; l < model.layers; ++l) pattern.push_back(l % every == 0);
  } else if (const auto parsed = parse_pattern(text)) {
    pattern = *parsed;
  }
  if (static_cast<std::int64_t>(pattern.size()) != model.layers) {
    args.fail("moe-layer-freq",
              fmt::format("--moe-layer-freq \"{}\" does not say which of {} layers have experts; a "
                          "number, or a list such as ([0]*3+[1]*58)",
                          shown(text), model.layers));
    return;
  }
  model.kinds.resize(pattern.size());
  for (std::size_t l = 0; l < pattern.size(); ++l) model.kinds[l].experts = pattern[l];
}

void read_experts(Section& args, TransformerSpec& model) {
  if (!args.has("num-experts")) return;
  ExpertSpec& experts = model.experts;
  experts.routed = args.integer("num-experts", {1, kMostExperts});
  experts.top_k = args.integer("moe-router-topk", {1, kMostExperts}, 2);
  experts.ffn = args.integer("moe-ffn-hidden-size", {1, 8 * kMostWidth}, model.ffn);
  experts.shared_ffn = args.integer("moe-shared-expert-intermediate-size", {0, 8 * kMostWidth}, 0);
  read_frequency(args, model);
}

void read_positions(Section& args, TransformerSpec& model, std::int64_t sequence) {
  const std::string kind = args.text("position-embedding-type", "learned_absolute");
  model.rotary = kind == "rope" || args.boolean("use-rotary-position-embeddings", false);
  const std::int64_t rows = args.integer("max-position-embeddings", {1, kMostVocab}, sequence);
  if (!model.rotary && kind == "learned_absolute") model.positions = rows;
}

void read_sizes(Section& args, TransformerSpec& model) {
  model.layers = args.integer("num-layers", {1, kMostLayers});
  model.hidden = args.integer("hidden-size", {1, kMostWidth});
  model.heads = args.integer("num-attention-heads", {1, kMostHeads});
  model.kv_heads = model.heads;
  if (args.boolean("group-query-attention", false)) {
    model.kv_heads = args.integer("num-query-groups", {1, kMostHeads}, 1);
  }
  model.head_dim = args.integer("kv-channels", {1, kMostHeadDim},
                                std::max<std::int64_t>(model.hidden / model.heads, 1));
  model.gated_mlp = args.boolean("swiglu", false);
  // Of a gated one two thirds of that, in whole 64s.
  const std::int64_t usual = model.gated_mlp ? 8 * model.hidden / 3 / 64 * 64 : 4 * model.hidden;
  model.ffn =
      args.integer("ffn-hidden-size", {1, 8 * kMostWidth}, std::max<std::int64_t>(usual, 1));
}

// --- The rest of the job ------------------------------------------------------------------------

class JobText {
 public:
  explicit JobText(Place place) : place_(std::move(place)) {}
  void add(std::string key, std::string value) {
    entries_.push_back({std::move(key), place_, Config::scalar(std::move(value), place_)});
  }
  void add(std::string key, std::int64_t value) { add(std::move(key), std::to_string(value)); }
  void add_flag(std::string key, bool value) { add(std::move(key), value ? "true" : "false"); }
  void add(std::string key, JobText part) {
    if (part.entries_.empty()) return;
    entries_.push_back({std::move(key), place_, part.config()});
  }
  Config config() const { return Config::map(entries_, place_); }

 private:
  Place place_;
  std::vector<Config::Entry> entries_;
};

JobText parallel_of(Section& args, const Place& place) {
  const IntegerRange degree{1, 1 << 20};
  const auto of = [&](std::string_view name) { return args.integer(name, degree, 1); };
  JobText parallel(place);
  const std::int64_t tp = of("tensor-model-parallel-size");
  const std::int64_t pp = of("pipeline-model-parallel-size");
  const std::int64_t cp = of("context-parallel-size");
  parallel.add("tp", tp);
  parallel.add("pp", pp);
  parallel.add("cp", cp);
  const std::int64_t layers = args.integer("num-layers", {1, kMostLayers}, 1);
  const std::int64_t each = args.integer("num-layers-per-virtual-pipeline-stage", degree, 0);
  const std::int64_t stages = args.integer("num-virtual-stages-per-pipeline-rank", degree, 0);
  const std::int64_t vpp = each > 0 ? layers / (pp * each) : stages;
  if (vpp > 1) parallel.add("vpp", vpp);
  if (args.has("num-experts")) {
    parallel.add("ep", of("expert-model-parallel-size"));
    parallel.add("etp", args.integer("expert-tensor-parallel-size", degree, tp));
  }
  const std::int64_t world = of("nnodes") * of("nproc-per-node");
  const std::int64_t replica = tp * pp * cp;
  if (world > 1 && world % replica == 0) parallel.add("dp", world / replica);
  parallel.add_flag("sequence-parallel", args.boolean("sequence-parallel", false));
  parallel.add("zero", args.boolean("use-distributed-optimizer", false) ? 1 : 0);
  return parallel;
}

JobText batch_of(Section& args, const Place& place) {
  JobText batch(place);
  for (const auto& [name, key] : {std::pair{"global-batch-size", "global"},
                                  {"micro-batch-size", "micro"},
                                  {"seq-length", "sequence"}}) {
    if (args.has(name)) batch.add(key, args.text(name));
  }
  return batch;
}

Config job_of(const Config& arguments, Faults& faults) {
  Section args(arguments, "megatron-args", faults);
  const Place place = arguments.place();
  JobText job(place);
  job.add("parallel", parallel_of(args, place));
  job.add("batch", batch_of(args, place));
  JobText router(place);
  if (args.has("moe-expert-capacity-factor")) {
    router.add("capacity-factor", args.text("moe-expert-capacity-factor"));
  }
  job.add("router", router);
  if (args.has("fp8-format")) {
    job.add("precision", "fp8");
  } else if (args.boolean("fp16", false)) {
    job.add("precision", "fp16");
  }
  if (args.boolean("recompute-activations", false)) job.add("recompute", "selective");
  if (args.has("recompute-granularity")) {
    job.add("recompute", args.text("recompute-granularity"));
  }
  JobText overlap(place);
  if (args.boolean("overlap-grad-reduce", false)) overlap.add_flag("dp", true);
  if (args.boolean("tp-comm-overlap", false)) overlap.add_flag("tp", true);
  if (args.boolean("no-overlap-p2p-communication", false)) overlap.add_flag("pp", false);
  job.add("overlap", overlap);
  return job.config();
}

// `given`, with what it lacks of `defaults`, in maps of both key by key.
Config merged(const Config& given, const Config& defaults) {
  std::vector<Config::Entry> entries = given.entries();
  for (const Config::Entry& d : defaults.entries()) {
    const auto same = [&](const Config::Entry& e) { return e.key == d.key; };
    const auto found = std::find_if(entries.begin(), entries.end(), same);
    if (found == entries.end()) {
      entries.push_back(d);
    } else if (found->value.kind() == Config::Kind::kMap && d.value.kind() == Config::Kind::kMap) {
      found->value = merged(found->value, d.value);
    }
  }
  return Config::map(std::move(entries), given.place());
}

}  // namespace

Config megatron_arguments(const Config& given, Faults& faults) {
  if (given.kind() == Config::Kind::kScalar) {
    Config map = from_words(split_words(given.text()), given.place());
    if (!map.entries().empty()) return map;
  } else if (given.kind() == Config::Kind::kMap) {
    std::vector<Config::Entry> entries;
    flatten(given, entries);
    return Config::map(std::move(entries), given.place());
  }
  faults.add(given.where(),
             "megatron-args must be a line such as \"--num-layers 32 --hidden-size 4096\", or a "
             "map of such names");
  return Config::map({}, given.place());
}

TransformerSpec read_megatron_model(const Config& arguments, std::int64_t vocab,
                                    std::int64_t sequence, Faults& faults) {
  const bool clean = faults.empty();
  Section args(arguments, "megatron-args", faults);
  TransformerSpec model;
  read_sizes(args, model);
  read_positions(args, model, sequence);
  model.vocab = read_vocab(args, vocab);
  model.layer_norm = args.text("normalization", "LayerNorm") != "RMSNorm";
  model.tied_embeddings = !args.boolean("untie-embeddings-and-output-weights", false);
  const bool biases = !args.boolean("disable-bias-linear", false);
  model.projection_bias = model.mlp_bias = biases;
  model.qkv_bias = biases || args.boolean("add-qkv-bias", false);
  model.query_key_norm = args.boolean("qk-layernorm", false);
  model.dropout = args.number("hidden-dropout", {0, 1}, 0.1) > 0;
  read_latent(args, model);
  read_experts(args, model);
  model.multi_token = args.integer("mtp-num-layers", {0, 16}, 0);
  if (!clean || faults.empty()) {
    check_model(model, {"num-attention-heads", "num-query-groups", "moe-router-topk"}, args);
  }
  return model;
}

Section with_megatron_arguments(Section job, Faults& faults) {
  const Config* model = job.node().find("model");
  const Config* given = model == nullptr ? nullptr : model->find("megatron-args");
  if (given == nullptr || given->kind() == Config::Kind::kNull) return job;
  const Config arguments = megatron_arguments(*given, faults);
  return Section(merged(job.node(), job_of(arguments, faults)), job.what(), faults);
}

}  // namespace tenk
