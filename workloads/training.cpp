#include "workloads/training.h"

#include <fmt/format.h>

#include <array>

#include "workloads/flops.h"
#include "workloads/shard.h"

namespace tenk {
namespace {

Family empty_family(std::string name, Category category, bool directed = false) {
  Family family;
  family.name = std::move(name);
  family.category = category;
  family.directed = directed;
  return family;
}

bool is_first(const RankGrid& grid, std::size_t rank, Dimension d) {
  return grid.coordinates_of(RankId(rank))[static_cast<std::size_t>(d)] == 0;
}

// One group for each line of ranks along `d`.
Family lines(const RankGrid& grid, Dimension d, std::string name, Category category) {
  Family family = empty_family(std::move(name), category);
  for (std::size_t r = 0; r < grid.ranks(); ++r) {
    if (is_first(grid, r, d)) family.add(grid.line(RankId(r), d));
  }
  return family;
}

// The other way's stage with the same part of the model.
std::int64_t mirrored(const LayoutSpec& layout, std::int64_t stage) {
  return layout.directions == 2 ? layout.pp - 1 - stage : stage;
}

// Data ranks with the same parameters, by dp and cp, the latter the faster one (Megatron-LM:
// data-parallel group with context parallel); none unless `rank` is the first of them.
std::vector<RankId> data_peers(const TrainingSpec& t, RankId rank) {
  const PerDimension at = t.grid.coordinates_of(rank);
  const auto of = [&](Dimension d) { return at[static_cast<std::size_t>(d)]; };
  const std::int64_t stage = of(Dimension::kPp), other = mirrored(t.layout, stage);
  std::vector<RankId> peers;
  if (of(Dimension::kDp) > 0 || of(Dimension::kCp) > 0 || other < stage) return peers;
  for (std::int64_t way = 0; way < t.layout.directions; ++way) {
    for (std::int64_t d = 0; d < t.layout.dp; ++d) {
      for (std::int64_t c = 0; c < t.layout.cp; ++c) {
        PerDimension peer = at;
        peer[static_cast<std::size_t>(Dimension::kPp)] = way == 0 ? stage : other;
        peer[static_cast<std::size_t>(Dimension::kDp)] = d;
        peer[static_cast<std::size_t>(Dimension::kCp)] = c;
        peers.push_back(t.grid.rank_of(peer));
      }
    }
  }
  return peers;
}

// Data ranks in groups of `size` that are `stride` apart.
Family data_groups(const TrainingSpec& t, std::string name, std::int64_t size,
                   std::int64_t stride) {
  Family family = empty_family(std::move(name), Category::kDp);
  for (std::size_t r = 0; r < t.grid.ranks(); ++r) {
    const std::vector<RankId> peers = data_peers(t, RankId(r));
    if (peers.empty()) continue;
    const auto ranks = static_cast<std::int64_t>(peers.size());
    for (std::int64_t first = 0; first < ranks; ++first) {
      if (first / stride % size != 0) continue;
      std::vector<RankId> group;
      for (std::int64_t k = 0; k < size; ++k) {
        group.push_back(peers[static_cast<std::size_t>(first + k * stride)]);
      }
      family.add(group);
    }
  }
  return family;
}

// The ranks of each stage, ascending: where experts are dealt among them.
std::vector<std::vector<RankId>> stage_ranks(const TrainingSpec& t) {
  std::vector<std::vector<RankId>> stages(static_cast<std::size_t>(t.layout.pp));
  for (std::size_t r = 0; r < t.grid.ranks(); ++r) {
    const PerDimension at = t.grid.coordinates_of(RankId(r));
    stages[static_cast<std::size_t>(at[static_cast<std::size_t>(Dimension::kPp)])].push_back(
        RankId(r));
  }
  return stages;
}

// The same with both stages that hold a part of the model.
std::vector<std::vector<RankId>> part_ranks(const TrainingSpec& t) {
  const std::vector<std::vector<RankId>> stages = stage_ranks(t);
  std::vector<std::vector<RankId>> parts;
  for (std::int64_t s = 0; s < t.layout.pp; ++s) {
    const std::int64_t other = mirrored(t.layout, s);
    if (other < s) continue;
    std::vector<RankId>& part = parts.emplace_back(stages[static_cast<std::size_t>(s)]);
    if (other == s) continue;
    const std::vector<RankId>& more = stages[static_cast<std::size_t>(other)];
    part.insert(part.end(), more.begin(), more.end());
  }
  return parts;
}

// Groups of `size` ranks of a list, `stride` apart in that order.
Family dealt(const std::vector<std::vector<RankId>>& lists, std::string name, Category category,
             std::int64_t size, std::int64_t stride) {
  Family family = empty_family(std::move(name), category);
  for (const std::vector<RankId>& ranks : lists) {
    for (std::size_t first = 0; first < ranks.size(); ++first) {
      const auto step = static_cast<std::size_t>(stride);
      const auto members = static_cast<std::size_t>(size);
      if (first / step % members != 0) continue;
      std::vector<RankId> group;
      for (std::size_t i = 0; i < members; ++i) group.push_back(ranks[first + i * step]);
      family.add(group);
    }
  }
  return family;
}

// (source, destination) pairs between neighbouring stages, by the rank of the earlier stage.
Family stage_pairs(const TrainingSpec& t, std::string name, bool forward) {
  Family family = empty_family(std::move(name), Category::kPp, true);
  const auto stage = static_cast<std::size_t>(Dimension::kPp);
  const bool ring = t.layout.vpp > 1;
  for (std::size_t r = 0; r < t.grid.ranks(); ++r) {
    PerDimension at = t.grid.coordinates_of(RankId(r));
    if (at[stage] == t.layout.pp - 1 && !ring) continue;
    at[stage] = (at[stage] + 1) % t.layout.pp;
    const RankId next = t.grid.rank_of(at);
    family.add(forward ? std::array{RankId(r), next} : std::array{next, RankId(r)});
  }
  return family;
}

// First and last stage of each pipeline.
Family pipeline_ends(const RankGrid& grid) {
  Family family = empty_family("embedding", Category::kDp);
  for (std::size_t r = 0; r < grid.ranks(); ++r) {
    if (!is_first(grid, r, Dimension::kPp)) continue;
    const std::vector<RankId> stages = grid.line(RankId(r), Dimension::kPp);
    family.add(std::array{stages.front(), stages.back()});
  }
  return family;
}

template <class Add>
void add_expert_families(const TrainingSpec& t, TrainingFamilies& ids, const Add& add) {
  const auto& [ep, etp] = std::pair(t.layout.ep, t.layout.etp);
  const std::int64_t data = t.layout.expert_data();
  if (etp > 1) ids.etp = add(dealt(stage_ranks(t), "etp", Category::kEp, etp, 1));
  if (ep > 1) ids.ep = add(dealt(stage_ranks(t), "ep", Category::kEp, ep, etp));
  if (data > 1) {
    ids.expert_dp = add(dealt(part_ranks(t), "expert-dp", Category::kDp, data, ep * etp));
  }
}

// (source, destination) pairs around each ring of ranks that share sequences.
Family context_ring(const RankGrid& grid) {
  Family family = empty_family("cp-next", Category::kCp, true);
  for (std::size_t r = 0; r < grid.ranks(); ++r) {
    PerDimension at = grid.coordinates_of(RankId(r));
    std::int64_t& c = at[static_cast<std::size_t>(Dimension::kCp)];
    c = (c + 1) % grid.degree(Dimension::kCp);
    family.add(std::array{RankId(r), grid.rank_of(at)});
  }
  return family;
}

template <class Add>
void add_context_families(const TrainingSpec& t, TrainingFamilies& ids, const Add& add) {
  if (t.layout.cp == 1) return;
  if (t.layout.cp_exchange == ContextExchange::kRing) {
    ids.cp_next = add(context_ring(t.grid));
  } else {
    ids.cp = add(lines(t.grid, Dimension::kCp, "cp", Category::kCp));
  }
}

TrainingFamilies add_families(const TrainingSpec& t, std::vector<Family>& families) {
  TrainingFamilies ids;
  const auto add = [&](Family family) {
    families.push_back(std::move(family));
    return FamilyId(families.size() - 1);
  };
  const LayoutSpec& layout = t.layout;
  if (layout.tp > 1) ids.tp = add(lines(t.grid, Dimension::kTp, "tp", Category::kTp));
  add_context_families(t, ids, add);
  if (layout.pp > 1) {
    ids.pp_forward = add(stage_pairs(t, "pp-forward", true));
    ids.pp_backward = add(stage_pairs(t, "pp-backward", false));
  }
  if (layout.pp > 1 && layout.directions == 2) {
    ids.back_forward = add(stage_pairs(t, "pp-back-forward", false));
    ids.back_backward = add(stage_pairs(t, "pp-back-backward", true));
  }
  const std::int64_t shards = layout.shards();
  if (shards > 1) ids.dp = add(data_groups(t, "dp", shards, 1));
  if (layout.copies() > 1) {
    ids.dp_copies = add(data_groups(t, shards > 1 ? "dp-copies" : "dp", layout.copies(), shards));
  }
  if (t.model.experts.routed > 0) add_expert_families(t, ids, add);
  if (shares_embedding(t)) ids.embedding = add(pipeline_ends(t.grid));
  return ids;
}

std::vector<std::string> layout_assumptions(const TrainingSpec& t) {
  std::vector<std::string> list;
  if (t.layout.tp > 1) {
    list.emplace_back(
        "as in Megatron-LM, backward re-gathers overlap data gradients and reductions overlap "
        "weight gradients of column-parallel products");
  }
  if (t.layout.pp > 1) {
    list.emplace_back(t.layout.shards_sequence()
                          ? "each tensor-parallel rank sends its shard of a micro-batch to its "
                            "peer in the next stage"
                          : "each tensor-parallel rank sends whole activations to its peer in the "
                            "next stage (no scatter-gather)");
  }
  if (t.layout.cp > 1) {
    list.emplace_back(
        "each of the cp ranks has two slices of every sequence, from both ends of it");
  }
  if (t.layout.directions == 2) {
    list.emplace_back("two copies of the model cross the stages in opposite directions");
  }
  if (t.layout.schedule == "interleaved" && t.micro_batches() % t.layout.pp != 0) {
    list.emplace_back(t.micro_batches() < t.layout.pp
                          ? "with fewer micro-batches than stages, all forwards run before all "
                            "backwards"
                          : "micro-batches that fill no group of pp join the last group");
  }
  if (t.overlap.tp && t.layout.tp > 1) {
    list.emplace_back(t.layout.shards_sequence()
                          ? "overlap.tp: gathers and reductions run beside their product but for "
                            "one part in tp"
                          : "overlap.tp has no effect without sequence-parallel");
  }
  return list;
}

std::vector<std::string> sharding_assumptions(const TrainingSpec& t) {
  std::vector<std::string> list;
  if (t.layout.data_ranks() == 1) return list;
  if (t.overlap.dp && t.layout.zero != 3) {
    list.push_back(
        t.gradients.bucket > 0
            ? fmt::format("overlap.dp: gradients leave in buckets of whole layers, at least {} "
                          "parameters",
                          t.gradients.bucket)
            : "overlap.dp: gradients leave in buckets of whole layers, at least 40 million "
              "parameters");
  }
  if (t.layout.zero == 3) {
    list.emplace_back(t.overlap.dp
                          ? "zero 3: layers are gathered for each pass, one ahead of that which "
                            "computes; embedding and head stay from forward to backward"
                          : "zero 3: layers are gathered for each pass, and nothing computes "
                            "meanwhile; embedding and head stay from forward to backward");
  }
  if (t.gradients.keeps_shards && t.micro_batches() > 1) {
    list.emplace_back("each micro-batch's gradients are reduced, and only shards are kept");
  }
  return list;
}

std::vector<std::string> optimizer_assumptions(const TrainingSpec& t) {
  std::vector<std::string> list;
  const OptimizerSpec& o = t.optimizer;
  if (o.offload) {
    list.push_back(fmt::format(
        "the optimizer's state is in host memory: gradients and weights cross a link of {} each "
        "way, slice by slice, and the host updates at {} of memory traffic",
        to_text(o.link), to_text(o.host_memory)));
  }
  if (t.step_overhead > Time()) {
    list.push_back(
        fmt::format("step-overhead: {} at the end of every step", to_text(t.step_overhead)));
  }
  return list;
}

// "Adam keeps 12 B each".
std::string optimizer_state(const OptimizerSpec& o) {
  return fmt::format("{} keeps {} B each", o.adam ? "Adam" : "SGD", 4 + 4 * o.moments());
}

std::vector<std::string> assumptions_of(const TrainingSpec& t) {
  std::vector<std::string> list = {
      "attention runs as causal flash kernels, so recompute none and selective are alike",
      "all but matrix products and attention is fused kernels that move each operand once",
      fmt::format("weights are BF16, gradients accumulated and exchanged in {}, {}",
                  t.gradients.precision == Precision::kFp32 ? "FP32" : "BF16",
                  optimizer_state(t.optimizer)),
      "memory leaves out contexts, communication buffers, workspaces and fragmentation",
      t.step_overhead > Time()
          ? "the step's global gradient norm costs nothing"
          : "the data loader, logging and the step's global gradient norm cost nothing"};
  if (t.precision == Precision::kFp8) {
    list.emplace_back(
        "fp8: the products of linear layers are in FP8 with scales of the step before, casts are "
        "kernels of their own; attention, logits and all that is sent or kept is as in bf16");
  }
  if (t.router.copies > 0) {
    list.push_back(
        fmt::format("router.copies: each token leaves {:.3g} times; servers hand it on to "
                    "their other experts at no cost",
                    t.router.copies));
  }
  if (t.precision == Precision::kFp4) {
    list.emplace_back(
        "fp4: the three products of each linear layer of a block are in NVFP4; casts read their "
        "operand twice, for its scale and to round it; all else is as in bf16");
  }
  if (t.frozen()) {
    list.emplace_back(
        "lora: the model's weights are frozen; inputs of products without adapters are not kept");
  }
  if (t.model.parallel_residual) {
    list.emplace_back("the parallel residual of the model runs as two halves in turn");
  }
  if (t.model.experts.routed > 0) {
    list.emplace_back(
        "experts: router, dispatch, grouped products, combine and shared expert one after the "
        "other; ranks wait for the busiest");
  }
  for (const auto& more :
       {layout_assumptions(t), sharding_assumptions(t), optimizer_assumptions(t)}) {
    list.insert(list.end(), more.begin(), more.end());
  }
  return list;
}

}  // namespace

TrainingFacts describe_training(const TrainingSpec& training, const DeviceProfile& device) {
  TrainingFacts facts;
  facts.parameters = parameters(training.model);
  const ModelFlops flops = model_flops(training.model, training.batch, training.frozen());
  facts.model_flops_per_step = flops.full;
  facts.model_flops_causal = flops.causal;
  facts.tokens_per_step = training.tokens_per_step();
  facts.memory_by_stage = memory_by_stage(training);
  for (std::size_t s = 0; s < facts.memory_by_stage.size(); ++s) {
    const Bytes total = facts.memory_by_stage[s].total();
    if (total <= facts.memory_per_gpu) continue;
    facts.memory_per_gpu = total;
    facts.fullest_stage = s;
  }
  facts.fits = facts.memory_per_gpu <= device.memory;
  facts.assumptions = assumptions_of(training);
  facts.warnings = training.warnings;
  return facts;
}

Workload build_training(const TrainingSpec& training, const DeviceProfile& device) {
  Workload workload;
  const RankGrid& grid = training.grid;
  for (std::size_t r = 0; r < grid.ranks(); ++r) {
    const auto at = grid.coordinates_of(RankId(r));
    workload.role_of_rank.emplace_back(
        static_cast<std::uint32_t>(at[static_cast<std::size_t>(Dimension::kPp)]));
  }
  const TrainingFamilies families = add_families(training, workload.families);
  std::size_t ops = 0;
  for (std::int64_t s = 0; s < training.layout.pp; ++s) {
    workload.programs.push_back(build_stage_program(training, device, families, s, workload.slots));
    ops += workload.programs.back().ops.size();
    if (ops > static_cast<std::size_t>(kMostOps)) fail_too_many_ops();
  }
  workload.units = device.sms;
  return workload;
}

}  // namespace tenk
