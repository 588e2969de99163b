// How is one training step spread over the ranks: which parallelism, which batch, what overlaps?
//
// Terms as Megatron-LM uses them (Narayanan et al. 2021; Korthikanti et al. 2022): a global batch
// is dp x micro-batches x micro sequences; pp stages hold vpp chunks of layers each; sequence
// parallelism shards what tensor parallelism leaves whole; ZeRO (Rajbhandari et al. 2020) shards
// the optimizer (1), gradients too (2) and parameters too (3) over the ranks that see different
// data: dp of them. PyTorch's FSDP calls 2 SHARD_GRAD_OP and 3 FULL_SHARD; with `shard` N only N
// neighbours share one copy (FSDP: HYBRID_SHARD; Megatron-LM: several instances of the distributed
// optimizer).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/section.h"
#include "sim/plan/device_profile.h"
#include "workloads/allocation.h"
#include "workloads/model.h"
#include "workloads/placement.h"

namespace tenk {

// How ranks that share sequences exchange keys and values (workloads/attention.h). Megatron-LM's
// --cp-comm-type calls them p2p, all_gather and a2a.
enum class ContextExchange { kRing, kAllGather, kAllToAll };

struct LayoutSpec {
  std::int64_t tp = 1;
  std::int64_t cp = 1;
  ContextExchange cp_exchange = ContextExchange::kRing;
  std::int64_t pp = 1;
  std::int64_t vpp = 1;  // Chunks of a stage.
  std::int64_t dp = 1;
  std::int64_t ep = 1;   // Ranks that share a layer's routed experts,
  std::int64_t etp = 1;  // and each of these experts; both among tp x cp x dp ranks of a stage.
  bool sequence_parallel = true;  // Of no effect with tp 1.
  int zero = 1;                   // What is sharded: 0 nothing, 1 optimizer, 2 gradients, 3 all.
  std::int64_t shard = 0;         // Ranks that share one copy of that; 0: all data ranks.
  // Layers of each of the pp x vpp chunks, in the order a token passes them; empty: as even as
  // possible (workloads/stages.h).
  std::vector<std::int64_t> chunk_layers;
  std::string schedule = "1f1b";  // Of workloads/schedules/list.h.
  std::int64_t directions = 1;    // Copies of the model that cross the stages; 2: both ways.

  std::int64_t accelerators() const { return tp * cp * pp * dp; }
  // Ranks of a stage that hold the same routed experts.
  std::int64_t expert_data() const { return tp * cp * dp * directions / (ep * etp); }
  std::int64_t chunks() const { return pp * vpp; }
  // Ranks with the same parameters and different tokens: those that reduce gradients.
  std::int64_t data_ranks() const { return cp * dp * directions; }
  // Ranks among which state is cut, and copies of that whole.
  std::int64_t shards() const { return zero == 0 ? 1 : shard > 0 ? shard : data_ranks(); }
  std::int64_t copies() const { return data_ranks() / shards(); }
  std::int64_t expert_shards() const { return zero == 0 ? 1 : expert_data(); }
  bool shards_sequence() const { return sequence_parallel && tp > 1; }
  // Experts are dealt over ranks that have other coordinates already.
  PerDimension degrees() const { return {tp, cp, 1, dp, pp}; }
};

struct BatchSpec {
  std::int64_t global = 1;    // Sequences a step.
  std::int64_t micro = 1;     // Sequences a micro-batch.
  std::int64_t sequence = 1;  // Tokens a sequence.
};

// How unevenly a router fills the experts (workloads/experts.h).
struct RouterSpec {
  double capacity = 0;  // Most tokens that a rank's experts take, over the mean; 0: all that come.
  double busiest = 1;   // Tokens that come to the busiest rank's experts, over the mean.
  // Copies of a token that leave its rank, where servers hand one on to several of their experts;
  // 0: one for each expert.
  double copies = 0;
};

// Fine-tuning with low-rank adapters (LoRA, Hu et al. 2021): the model's weights are frozen, and
// beside each product of the named kinds stand two narrow ones, inputs -> rank -> outputs.
struct AdapterSpec {
  std::int64_t rank = 0;   // 0: all weights are trained.
  bool qkv = true;         // The products before attention (not latent ones, which get none),
  bool projection = true;  // behind it,
  bool up = true;          // and those of the perceptron (not of experts).
  bool down = true;
};

enum class Recompute { kNone, kSelective, kFull };
// Parts of a layer that its backward pass computes again beside that (Megatron-LM:
// --recompute-modules layernorm, moe_act, and mlp or moe).
struct RepeatedParts {
  bool norms = false;
  bool activations = false;  // The functions inside of perceptrons and experts.
  bool perceptrons = false;  // Whole ones; experts with their exchange.
};

struct OverlapSpec {
  bool tp = false;  // Beyond what Megatron always overlaps (layer_times.h).
  bool dp = false;  // Gradients beside the last backward, parameters beside the first forward.
  bool pp = true;   // Stages compute while they send and receive.
};

// Gradients between their computation and the optimizer.
struct GradientSpec {
  Precision precision = Precision::kFp32;  // Summed and exchanged in; or BF16.
  std::int64_t bucket = 0;                 // Least parameters sent at once; 0: workloads/buckets.h.
  // ZeRO-2 and 3: each micro-batch's gradients are reduced and only a shard of the sum is kept.
  // Else a rank sums whole gradients and exchanges them once a step (PyTorch: no_sync).
  bool keeps_shards = false;

  std::int64_t bytes() const { return precision == Precision::kFp32 ? 4 : 2; }
};

// How attention is computed: in one kernel that never stores its scores (Dao et al. 2022), by one
// that was written for the device or by FlashAttention-2 (Dao 2023), which came before Hopper; or
// as frameworks did before that, as two products around a softmax over stored scores.
enum class AttentionKernel { kFlash, kFlash2, kUnfused };

// What updates the weights, and where its state lives.
struct OptimizerSpec {
  bool adam = true;       // Two moments a parameter; else SGD with
  bool momentum = true;   // one, or none.
  bool offload = false;   // State and update are the host's (ZeRO-Offload, Ren et al. 2021).
  Bandwidth link;         // Of one accelerator to host memory, each way; 0: the node's.
  Bandwidth host_memory;  // One accelerator's share of what the host's memory moves.
  Where where;

  std::int64_t moments() const { return adam ? 2 : momentum ? 1 : 0; }
};

// What the CPU of each accelerator needs to issue one layer's kernels, in a framework that runs
// operation by operation. It runs ahead of the accelerator; small layers end before the next is
// issued, and then it sets the pace.
struct HostSpec {
  Time forward;
  Time backward;
};

struct TrainingSpec {
  TransformerSpec model;
  LayoutSpec layout;
  BatchSpec batch;
  RouterSpec router;
  AdapterSpec adapters;
  Precision precision = Precision::kBf16;  // Of the linear layers' products.
  Recompute recompute = Recompute::kNone;
  RepeatedParts repeated;
  AttentionKernel attention = AttentionKernel::kFlash;
  HostSpec host;
  GradientSpec gradients;
  OptimizerSpec optimizer;
  Time step_overhead;  // Data loading, logging, the wait for the slowest, ...: once a step.
  OverlapSpec overlap;
  RankGrid grid;
  AllocationSpec allocation;
  std::vector<std::string> warnings;  // What was ignored.
  Where layout_where;                 // For faults of the layout as a whole,
  Where precision_where;              // and of the precision.

  bool frozen() const { return adapters.rank > 0; }
  std::int64_t micro_batches() const { return batch.global / (batch.micro * layout.dp); }
  std::int64_t tokens_per_step() const { return batch.global * batch.sequence; }
};

// Reads the keys model, parallel {tp, cp, cp-exchange, pp, vpp, dp, ep, etp, sequence-parallel,
// zero, shard, chunk-layers, schedule}, batch {global, micro, sequence}, router (experts.h), lora
// {rank, targets: [qkv, projection, up, down]}, precision, gradients {precision, bucket, keep},
// optimizer {kind, momentum, offload, link, host-memory}, step-overhead, recompute (a word, or a
// list of modules), attention, host {forward, backward} and overlap {tp, dp, pp} of `job`, and
// `placement` (which may read as empty). Defaults: all degrees 1 but etp as tp, cp-exchange ring,
// sequence-parallel true, zero 1, shard all, micro 1, no lora, else all its targets, precision
// bf16, gradients {precision: fp32, keep: shards under zero 2 and 3}, optimizer {kind: adam,
// offload: none, host-memory: 50GBps (assumed: of two CPUs with eight channels of DDR5 each, by
// eight)}, step-overhead 0, recompute none, attention flash, host {forward: 0.9ms, backward: 1.7ms}
// (assumed; docs/model.md), overlap {tp: false, dp: false but true under zero 3, pp: true},
// schedule interleaved if vpp > 1. `faults` must be those of both sections; a spec read with faults
// must not be built.
TrainingSpec read_training(Section job, Section placement, Faults& faults);

// Adds a fault with the arithmetic, and the nearest dp that works, unless tp x cp x pp x dp is the
// number of accelerators of the cluster, or below it and a placement policy says which to take.
void check_against(const TrainingSpec& training, std::int64_t accelerators, Faults& faults);

// Gives an offloaded optimizer the link of the node (0: none is known) unless the job has one;
// adds a fault if neither has.
void use_host_link(TrainingSpec& training, Bandwidth link, Faults& faults);

// Adds a fault unless the device computes in the job's precision.
void check_precision(const TrainingSpec& training, const DeviceProfile& device, Faults& faults);

}  // namespace tenk
