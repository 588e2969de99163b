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

// Data ranks in groups of `size` that are `stride` apart: of each replica's peers, by dp.
Family data_groups(const TrainingSpec& t, std::string name, std::int64_t size,
                   std::int64_t stride) {
  Family family = empty_family(std::move(name), Category::kDp);
  for (std::size_t r = 0; r < t.grid.ranks(); ++r) {
    if (!is_first(t.grid, r, Dimension::kDp)) continue;
    const std::vector<RankId> peers = t.grid.line(RankId(r), Dimension::kDp);
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

// Groups of `size` ranks of a stage, `stride` apart in that order.
Family dealt(const TrainingSpec& t, std::string name, Category category, std::int64_t size,
             std::int64_t stride) {
  Family family = empty_family(std::move(name), category);
  for (const std::vector<RankId>& ranks : stage_ranks(t)) {
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
  if (etp > 1) ids.etp = add(dealt(t, "etp", Category::kEp, etp, 1));
  if (ep > 1) ids.ep = add(dealt(t, "ep", Category::kEp, ep, etp));
  if (data > 1) ids.expert_dp = add(dealt(t, "expert-dp", Category::kDp, data, ep * etp));
}

TrainingFamilies add_families(const TrainingSpec& t, std::vector<Family>& families) {
  TrainingFamilies ids;
  const auto add = [&](Family family) {
    families.push_back(std::move(family));
    return FamilyId(families.size() - 1);
  };
  const LayoutSpec& layout = t.layout;
  if (layout.tp > 1) ids.tp = add(lines(t.grid, Dimension::kTp, "tp", Category::kTp));
  if (layout.pp > 1) {
    ids.pp_forward = add(stage_pairs(t, "pp-forward", true));
    ids.pp_backward = add(stage_pairs(t, "pp-backward", false));
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

std::vector<std::string> assumptions_of(const TrainingSpec& t) {
  std::vector<std::string> list = {
      "attention runs as causal flash kernels, so recompute none and selective are alike",
      "all but matrix products and attention is fused kernels that move each operand once",
      t.gradients.precision == Precision::kFp32
          ? "weights are BF16, gradients accumulated and exchanged in FP32, Adam keeps 12 B each"
          : "weights are BF16, gradients accumulated and exchanged in BF16, Adam keeps 12 B each",
      "memory leaves out contexts, communication buffers, workspaces and fragmentation",
      "the data loader, logging and the step's global gradient norm cost nothing"};
  if (t.precision == Precision::kFp8) {
    list.emplace_back(
        "fp8: the products of linear layers are in FP8 with scales of the step before, casts are "
        "kernels of their own; attention, logits and all that is sent or kept is as in bf16");
  }
  if (t.model.parallel_residual) {
    list.emplace_back("the parallel residual of the model runs as two halves in turn");
  }
  if (t.model.experts.routed > 0) {
    list.emplace_back(
        "experts: router, dispatch, grouped products, combine and shared expert one after the "
        "other; ranks wait for the busiest");
  }
  for (const auto& more : {layout_assumptions(t), sharding_assumptions(t)}) {
    list.insert(list.end(), more.begin(), more.end());
  }
  return list;
}

}  // namespace

TrainingFacts describe_training(const TrainingSpec& training, const DeviceProfile& device) {
  TrainingFacts facts;
  facts.parameters = parameters(training.model);
  const ModelFlops flops = model_flops(training.model, training.batch);
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
