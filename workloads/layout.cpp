#include "workloads/layout.h"

#include "sim/base/kinds.h"
#include "sim/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "workloads/experts.h"
#include "workloads/formats/megatron_args.h"
#include "workloads/schedules/list.h"

namespace tenk {
namespace {

constexpr std::int64_t kMostDegree = 1 << 20;
constexpr std::int64_t kMostAccelerators = 1 << 24;
constexpr std::int64_t kMostSequences = 1'000'000'000;
constexpr std::int64_t kMostPasses = 1 << 22;  // Micro-batches x chunks of all stages.
constexpr std::int64_t kMostTokens = std::int64_t{1} << 31;  // Of a micro-batch.

// PyTorch in eager mode (assumed: from runs so small that nothing else can set their pace).
// Two CPUs with eight channels of DDR5-4800 each move 614 GB/s at best; two thirds of that, by
// eight accelerators (assumed).
constexpr Bandwidth kHostMemory = Bandwidth::per_second(50e9);

constexpr Time kHostForward = Time::picoseconds(900'000'000);
constexpr Time kHostBackward = Time::picoseconds(1'700'000'000);

// --- What the text says ------------------------------------------------------------------------

LayoutSpec read_parallel(Section& section) {
  LayoutSpec layout;
  const IntegerRange degree{1, kMostDegree};
  layout.tp = section.integer("tp", degree, 1);
  layout.cp = section.integer("cp", degree, 1);
  const std::string exchange =
      section.word("cp-exchange", {"ring", "all-gather", "all-to-all"}, "ring");
  if (exchange == "all-gather") layout.cp_exchange = ContextExchange::kAllGather;
  if (exchange == "all-to-all") layout.cp_exchange = ContextExchange::kAllToAll;
  layout.pp = section.integer("pp", degree, 1);
  layout.vpp = section.integer("vpp", degree, 1);
  layout.dp = section.integer("dp", degree, 1);
  layout.ep = section.integer("ep", degree, 1);
  layout.etp = section.integer("etp", degree, layout.tp);
  layout.sequence_parallel = section.boolean("sequence-parallel", true);
  layout.zero = static_cast<int>(section.integer("zero", {0, 3}, 1));
  layout.shard = section.integer("shard", degree, 0);
  layout.chunk_layers = section.integers("chunk-layers", {0, kMostLayers});
  const bool interleaves = layout.vpp > 1 && layout.pp > 1;
  layout.schedule =
      section.word("schedule", names_of(schedules()), interleaves ? "interleaved" : "1f1b");
  const ScheduleKind* kind = find_schedule(layout.schedule);
  layout.directions = kind != nullptr && kind->both_ways ? 2 : 1;
  section.finish();
  return layout;
}

BatchSpec read_batch(Section& section) {
  BatchSpec batch;
  batch.global = section.integer("global", {1, kMostSequences});
  batch.micro = section.integer("micro", {1, kMostSequences}, 1);
  batch.sequence = section.integer("sequence", {1, kMostTokens});
  section.finish();
  return batch;
}

GradientSpec read_gradients(Section section, int zero) {
  GradientSpec gradients;
  const bool bf16 = section.word("precision", {"fp32", "bf16"}, "fp32") == "bf16";
  gradients.precision = bf16 ? Precision::kBf16 : Precision::kFp32;
  gradients.bucket = section.integer("bucket", {1, kMostParameters}, 0);
  const std::string keep =
      section.word("keep", {"whole", "shards"}, zero >= 2 ? "shards" : "whole");
  gradients.keeps_shards = keep == "shards";
  if (gradients.keeps_shards && zero < 2) {
    section.fail("keep", fmt::format("{}.keep shards needs job.parallel.zero 2 or 3; found {}",
                                     section.what(), zero));
  }
  section.finish();
  return gradients;
}

OptimizerSpec read_optimizer(Section section) {
  OptimizerSpec optimizer;
  optimizer.where = section.where();
  optimizer.adam = section.word("kind", {"adam", "sgd"}, "adam") == "adam";
  if (optimizer.adam && section.has("momentum")) {
    section.fail("momentum", section.what() + ".momentum is of kind sgd; adam has two moments");
  }
  optimizer.momentum = section.boolean("momentum", true);
  const std::string offload = section.word("offload", {"none", "cpu", "cxl"}, "none");
  optimizer.offload = offload != "none";
  for (const char* key : {"link", "host-memory"}) {
    if (optimizer.offload || !section.has(key)) continue;
    section.fail(key, fmt::format("{}.{} is of an optimizer that lives on the host; offload cpu or "
                                  "cxl would use it",
                                  section.what(), key));
  }
  if (offload == "cxl" && !section.has("host-memory")) {
    section.fail("offload", fmt::format("{}.offload cxl needs host-memory: what the CXL memory of "
                                        "one accelerator moves, such as 20GBps",
                                        section.what()));
  }
  optimizer.link = section.bandwidth("link", Bandwidth());
  optimizer.host_memory = section.bandwidth("host-memory", kHostMemory);
  for (const auto& [key, rate] :
       {std::pair("link", optimizer.link), std::pair("host-memory", optimizer.host_memory)}) {
    constexpr double kLeast = 1e6;
    if (!section.has(key) || rate.value() >= kLeast) continue;
    section.fail(key, fmt::format("{}.{} must be at least 1MBps", section.what(), key));
  }
  section.finish();
  return optimizer;
}

OverlapSpec read_overlap(Section section, int zero) {
  OverlapSpec overlap;
  overlap.tp = section.boolean("tp", false);
  overlap.dp = section.boolean("dp", zero == 3);
  overlap.pp = section.boolean("pp", true);
  section.finish();
  return overlap;
}

AttentionKernel read_attention(Section& job) {
  const std::string word = job.word("attention", {"flash", "flash-2", "unfused"}, "flash");
  if (word == "flash-2") return AttentionKernel::kFlash2;
  return word == "unfused" ? AttentionKernel::kUnfused : AttentionKernel::kFlash;
}

HostSpec read_host(Section section) {
  HostSpec host;
  host.forward = section.time("forward", kHostForward);
  host.backward = section.time("backward", kHostBackward);
  section.finish();
  return host;
}

// A list of modules, or one of three words.
void read_recompute(Section& job, TrainingSpec& t) {
  const Config* given = job.raw("recompute");
  if (given != nullptr && given->kind() == Config::Kind::kList) {
    const std::vector<std::string> allowed = {"core-attn", "layernorm", "activation", "mlp"};
    for (const std::string& word : job.texts("recompute")) {
      if (word == "core-attn") t.recompute = Recompute::kSelective;
      if (word == "layernorm") t.repeated.norms = true;
      if (word == "activation") t.repeated.activations = true;
      if (word == "mlp") t.repeated.perceptrons = true;
      if (std::find(allowed.begin(), allowed.end(), word) != allowed.end()) continue;
      job.fail("recompute", fmt::format("{}.recompute has \"{}\"; it lists {}, or is none, "
                                        "selective or full",
                                        job.what(), shown(word), fmt::join(allowed, ", ")));
    }
    return;
  }
  const std::string word = job.word("recompute", {"none", "selective", "full"}, "none");
  if (word == "full") t.recompute = Recompute::kFull;
  if (word == "selective") t.recompute = Recompute::kSelective;
}

// Of LoRA; targets by Megatron-Bridge's meaning of each, in our words.
AdapterSpec read_adapters(Section section) {
  constexpr std::int64_t kMostRank = 65'536;
  AdapterSpec adapters;
  adapters.rank = section.integer("rank", {1, kMostRank});
  const std::vector<std::string> targets = section.texts("targets");
  const auto has = [&](std::string_view word) {
    return targets.empty() || std::find(targets.begin(), targets.end(), word) != targets.end();
  };
  adapters.qkv = has("qkv");
  adapters.projection = has("projection");
  adapters.up = has("up");
  adapters.down = has("down");
  for (const std::string& target : targets) {
    if (target == "qkv" || target == "projection" || target == "up" || target == "down") continue;
    section.fail("targets", fmt::format("{}.targets has \"{}\"; it lists qkv, projection, up, down",
                                        section.what(), shown(target)));
  }
  section.finish();
  return adapters;
}

Precision read_precision(Section& job) {
  const std::string word = job.word("precision", {"bf16", "fp16", "fp8", "fp4"}, "bf16");
  if (word == "fp4") return Precision::kFp4;
  if (word == "fp16") return Precision::kFp16;
  return word == "fp8" ? Precision::kFp8 : Precision::kBf16;
}

// --- What must hold between the numbers ---------------------------------------------------------

bool splits(const TransformerSpec& model, std::int64_t tp) {
  return model.heads % tp == 0 && model.ffn % tp == 0 &&
         (model.kv_heads % tp == 0 || tp % model.kv_heads == 0);
}

void check_tp(const TrainingSpec& t, Section& parallel) {
  const TransformerSpec& model = t.model;
  const std::int64_t tp = t.layout.tp;
  if (splits(model, tp)) return;
  std::string why = fmt::format("divide the model's {} heads", model.heads);
  if (model.heads % tp == 0 && model.ffn % tp != 0) {
    why = fmt::format("divide the model's ffn {}", model.ffn);
  } else if (model.heads % tp == 0) {
    why = fmt::format("divide the model's {} kv-heads or be a multiple of them", model.kv_heads);
  }
  constexpr std::size_t kMostShown = 12;
  std::vector<std::int64_t> allowed;
  for (std::int64_t d = 1; d <= model.heads && allowed.size() < kMostShown; ++d) {
    if (splits(model, d)) allowed.push_back(d);
  }
  parallel.fail("tp", fmt::format("{}.tp {} must {}; possible: {}", parallel.what(), tp, why,
                                  fmt::join(allowed, ", ")));
}

void check_shard(const TrainingSpec& t, Section& parallel) {
  const LayoutSpec& layout = t.layout;
  if (layout.shard == 0) return;
  const std::int64_t ranks = layout.data_ranks();
  if (layout.zero == 0) {
    parallel.fail("shard", fmt::format("{0}.shard {1} has nothing to cut under {0}.zero 0; zero 1, "
                                       "2 or 3 would allow it",
                                       parallel.what(), layout.shard));
  } else if (t.model.experts.routed > 0) {
    parallel.fail("shard", fmt::format("{0}.shard {1}: a model with experts cuts state over all of "
                                       "its ranks; leave {0}.shard out",
                                       parallel.what(), layout.shard));
  } else if (ranks % layout.shard != 0) {
    constexpr std::size_t kMostShown = 12;
    std::vector<std::int64_t> allowed;
    for (std::int64_t d = ranks; d >= 1 && allowed.size() < kMostShown; --d) {
      if (ranks % d == 0) allowed.push_back(d);
    }
    parallel.fail("shard", fmt::format("{}.shard {} must divide dp {}{}; possible: {}",
                                       parallel.what(), layout.shard, layout.dp,
                                       layout.cp > 1 ? fmt::format(" x cp {}", layout.cp) : "",
                                       fmt::join(allowed, ", ")));
  }
}

// Experts are dealt over the ranks of a stage, whatever tp and dp are.
void check_experts(const TrainingSpec& t, Section& parallel) {
  const LayoutSpec& l = t.layout;
  const ExpertSpec& experts = t.model.experts;
  const std::int64_t ranks = l.tp * l.cp * l.dp;
  if (experts.routed == 0) {
    if (l.ep > 1) {
      parallel.fail("ep",
                    fmt::format("{}.ep {} needs a model with experts", parallel.what(), l.ep));
    } else if (l.etp != l.tp) {
      parallel.fail("etp",
                    fmt::format("{}.etp {} needs a model with experts", parallel.what(), l.etp));
    }
    return;
  }
  if (experts.routed % l.ep != 0) {
    parallel.fail("ep", fmt::format("{}.ep {} must divide the model's {} routed experts",
                                    parallel.what(), l.ep, experts.routed));
  } else if (experts.ffn % l.etp != 0) {
    parallel.fail("etp", fmt::format("{}.etp {} must divide the experts' ffn {}", parallel.what(),
                                     l.etp, experts.ffn));
  } else if (ranks % (l.ep * l.etp) != 0) {
    parallel.fail("ep", fmt::format("{}: ep {} x etp {} must divide tp {} x cp {} x dp {} = {}",
                                    parallel.what(), l.ep, l.etp, l.tp, l.cp, l.dp, ranks));
  }
  if (l.tp > 1 && !l.sequence_parallel) {
    parallel.fail("sequence-parallel",
                  fmt::format("{0}: experts with tp {1} need sequence-parallel: each of the tp "
                              "ranks routes its own tokens",
                              parallel.what(), l.tp));
  }
}

// Megatron's experts and latent attention have no adapters that we model.
void check_adapters(const TrainingSpec& t, Section& job) {
  if (!t.frozen() || (t.model.experts.routed == 0 && !t.model.is_latent())) return;
  job.fail("lora", job.what() +
                       ".lora: adapters of experts and of latent attention are not "
                       "supported yet; dense models with grouped attention are");
}

// Tokens of a sequence are cut in two slices a rank; heads are dealt whole.
void check_context(const TrainingSpec& t, Section& parallel) {
  const LayoutSpec& l = t.layout;
  if (l.cp == 1) return;
  const std::int64_t unit = 2 * l.cp * (l.shards_sequence() ? l.tp : 1);
  if (t.batch.sequence % unit != 0) {
    parallel.fail("cp", fmt::format("{}.cp {}: the sequence of {} tokens must be a multiple of "
                                    "2 x cp{} = {}",
                                    parallel.what(), l.cp, t.batch.sequence,
                                    l.shards_sequence() ? " x tp" : "", unit));
  }
  if (t.attention == AttentionKernel::kUnfused) {
    parallel.fail(
        "cp", fmt::format("{}.cp {} needs job.attention flash or flash-2", parallel.what(), l.cp));
  }
  for (const LayerKind& kind : distinct_kinds(t.model)) {
    if (kind.window == 0 || kind.window >= t.batch.sequence) continue;
    parallel.fail("cp", fmt::format("{}.cp {} is not supported with a window of {} tokens; cp must "
                                    "be 1",
                                    parallel.what(), l.cp, kind.window));
    break;
  }
  const std::int64_t kv_heads = std::max<std::int64_t>(t.model.kv_heads / l.tp, 1);
  if (l.cp_exchange != ContextExchange::kAllToAll || kv_heads % l.cp == 0) return;
  parallel.fail(
      "cp-exchange",
      fmt::format("{}.cp-exchange all-to-all: cp {} must divide the {} key/value heads of "
                  "a rank; ring and all-gather do without",
                  parallel.what(), l.cp, kv_heads));
}

void check_chunks(const TrainingSpec& t, Section& parallel) {
  const LayoutSpec& layout = t.layout;
  const std::int64_t n = layout.chunks();
  const std::int64_t layers = t.model.layers;
  const std::string product = fmt::format("pp {} x vpp {} = {}", layout.pp, layout.vpp, n);
  const auto& list = layout.chunk_layers;
  if (list.empty()) {
    if (layers % n == 0 || layers + 2 >= n) return;
    parallel.fail(layout.vpp > 1 ? "vpp" : "pp",
                  fmt::format("{}: {} chunks, but the model's {} layers, embedding and head fill "
                              "{} at most",
                              parallel.what(), product, layers, layers + 2));
    return;
  }
  const std::int64_t sum = std::accumulate(list.begin(), list.end(), std::int64_t{0});
  if (static_cast<std::int64_t>(list.size()) != n) {
    parallel.fail("chunk-layers", fmt::format("{}.chunk-layers has {} numbers, but {} chunks",
                                              parallel.what(), list.size(), product));
  } else if (sum != layers) {
    parallel.fail("chunk-layers",
                  fmt::format("{}.chunk-layers adds up to {}, but the model has {} layers",
                              parallel.what(), sum, layers));
  } else if (n > 2 && std::find(list.begin() + 1, list.end() - 1, 0) != list.end() - 1) {
    parallel.fail("chunk-layers",
                  fmt::format("{}.chunk-layers: only the first chunk, which has the embedding, and "
                              "the last, which has the head, can be without layers",
                              parallel.what()));
  }
}

// What waits for the other direction must not also wait for an exchange in another order.
void check_both_ways(const TrainingSpec& t, Section& parallel) {
  const auto refuse = [&](std::string_view what, std::string_view allowed) {
    parallel.fail("schedule", fmt::format("{}.schedule {} is not supported with {}; it takes {}",
                                          parallel.what(), t.layout.schedule, what, allowed));
  };
  if (t.layout.zero > 1) refuse(fmt::format("zero {}", t.layout.zero), "zero 0 or 1");
  if (t.layout.zero < 2 && t.overlap.dp) refuse("overlap.dp true", "false");
  if (!t.overlap.pp) refuse("overlap.pp false", "true");
}

void check_schedule(const TrainingSpec& t, Section& parallel) {
  const ScheduleKind* kind = find_schedule(t.layout.schedule);
  const std::string why =
      kind->refusal({t.layout.pp, t.layout.vpp, std::max<std::int64_t>(t.micro_batches(), 1)});
  if (!why.empty()) {
    parallel.fail("schedule", fmt::format("{}.schedule {}: {}", parallel.what(), kind->name, why));
  }
  if (kind->both_ways) check_both_ways(t, parallel);
  // A group larger than the ring of stages has messages that wait while their sender must not.
  const std::int64_t m = t.micro_batches();
  if (t.overlap.pp || t.layout.vpp == 1 || m < t.layout.pp || m % t.layout.pp == 0) return;
  parallel.fail("vpp", fmt::format("{}.vpp {} without overlap.pp deadlocks unless the {} "
                                   "micro-batches are a multiple of pp {}",
                                   parallel.what(), t.layout.vpp, m, t.layout.pp));
}

void check_batch(const TrainingSpec& t, Section& batch) {
  const auto& [global, micro, sequence] = t.batch;
  const std::int64_t dp = t.layout.dp;
  if (micro * sequence > kMostTokens) {
    batch.fail("micro", fmt::format("{}: micro {} x sequence {} is more than {} tokens",
                                    batch.what(), micro, sequence, kMostTokens));
  }
  if (global % (micro * dp) != 0) {
    const std::int64_t unit = micro * dp;
    const std::int64_t nearest = std::max<std::int64_t>((global + unit / 2) / unit, 1) * unit;
    batch.fail("global", fmt::format("{}.global {} must be a multiple of micro {} x dp {} = {}; "
                                     "nearest: {}",
                                     batch.what(), global, micro, dp, unit, nearest));
  }
  if (t.micro_batches() > kMostPasses / t.layout.chunks()) {
    batch.fail("global",
               fmt::format("{}: {} micro-batches through {} chunks are more than {} "
                           "passes",
                           batch.what(), t.micro_batches(), t.layout.chunks(), kMostPasses));
  }
  if (t.layout.shards_sequence() && splits(t.model, t.layout.tp) && sequence % t.layout.tp != 0) {
    batch.fail("sequence", fmt::format("{}.sequence {} must be a multiple of tp {} under "
                                       "sequence-parallel",
                                       batch.what(), sequence, t.layout.tp));
  }
}

// Chunks need a pipeline: with one stage `vpp` changes nothing.
void ignore_vpp(TrainingSpec& t, const Section& parallel) {
  if (t.layout.pp > 1 || t.layout.vpp == 1) return;
  t.warnings.push_back(fmt::format("{}.vpp {} is ignored: with pp 1 there is one stage",
                                   parallel.what(), t.layout.vpp));
  t.layout.vpp = 1;
}

void check_size(TrainingSpec& t, Section& parallel) {
  LayoutSpec& l = t.layout;
  if (l.tp * l.pp <= kMostAccelerators && l.cp * l.dp <= kMostAccelerators &&
      l.accelerators() <= kMostAccelerators) {
    return;
  }
  parallel.fail(fmt::format("{}: tp {} x cp {} x pp {} x dp {} is more than {} accelerators",
                            parallel.what(), l.tp, l.cp, l.pp, l.dp, kMostAccelerators));
  l.tp = l.cp = l.pp = l.dp = l.ep = l.etp = 1;
}

}  // namespace

TrainingSpec read_training(Section given, Section placement, Faults& faults) {
  const bool clean = faults.empty();
  TrainingSpec t;
  Section job = with_megatron_arguments(std::move(given), faults);
  Section parallel = job.section("parallel", false);
  Section batch = job.section("batch");
  t.layout = read_parallel(parallel);
  t.layout_where = parallel.where();
  t.batch = read_batch(batch);
  t.model = read_model(job.section("model"), t.batch.sequence, faults);
  t.router = read_router(job.section("router", false), t.model, t.layout.ep);
  if (job.has("lora")) t.adapters = read_adapters(job.section("lora"));
  read_recompute(job, t);
  t.attention = read_attention(job);
  t.host = read_host(job.section("host", false));
  t.gradients = read_gradients(job.section("gradients", false), t.layout.zero);
  t.optimizer = read_optimizer(job.section("optimizer", false));
  t.step_overhead = job.time("step-overhead", Time());
  t.overlap = read_overlap(job.section("overlap", false), t.layout.zero);
  t.precision_where = job.where();
  if (const Config* text = job.raw("precision")) t.precision_where = text->where();
  t.precision = read_precision(job);
  job.finish();
  ignore_vpp(t, parallel);
  check_size(t, parallel);
  t.allocation = read_allocation(placement);
  t.grid = read_placement(std::move(placement), t.layout.degrees());
  if (clean && !faults.empty()) return t;  // What failed reads as 1 and would only mislead.
  check_tp(t, parallel);
  check_shard(t, parallel);
  check_experts(t, parallel);
  check_adapters(t, job);
  check_context(t, parallel);
  check_chunks(t, parallel);
  check_schedule(t, parallel);
  check_batch(t, batch);
  return t;
}

void check_against(const TrainingSpec& t, std::int64_t accelerators, Faults& faults) {
  const LayoutSpec& l = t.layout;
  if (l.accelerators() == accelerators) return;
  if (t.allocation.given && l.accelerators() < accelerators) return;
  const std::int64_t replica = l.tp * l.cp * l.pp;
  const std::int64_t dp = accelerators / replica;
  std::string remedy =
      fmt::format("no dp works: {} is no multiple of tp x cp x pp = {}", accelerators, replica);
  if (dp >= 1 && accelerators % replica == 0) {
    const std::int64_t unit = t.batch.micro * dp;
    remedy = fmt::format("dp {} works", dp);
    if (t.batch.global % unit != 0) {
      remedy += fmt::format(" with a global batch that is a multiple of {}", unit);
    }
  }
  faults.add(t.layout_where,
             fmt::format("job.parallel: tp {} x cp {} x pp {} x dp {} = {} accelerators, but the "
                         "cluster has {}; {}",
                         l.tp, l.cp, l.pp, l.dp, l.accelerators(), accelerators, remedy));
}

void use_host_link(TrainingSpec& t, Bandwidth link, Faults& faults) {
  if (!t.optimizer.offload || t.optimizer.link.value() > 0) return;
  t.optimizer.link = link;
  if (link.value() > 0) return;
  faults.add(t.optimizer.where,
             "job.optimizer: the node has no known link to host memory; give "
             "job.optimizer.link, such as 25GBps");
}

void check_precision(const TrainingSpec& t, const DeviceProfile& device, Faults& faults) {
  if (device.gemm(t.precision) != nullptr) return;
  faults.add(t.precision_where,
             fmt::format("job.precision {}: {} has no such matrix products; it has {}",
                         name_of(t.precision), device.name, device.precisions()));
}

}  // namespace tenk
