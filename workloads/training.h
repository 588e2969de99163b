// What does every rank of a transformer training job do in one step, and what is known before any
// of it is simulated?
//
// One role per pipeline stage. Families: tp, dp (ranks among which ZeRO cuts state), dp-copies
// (ranks that hold the same shard; without ZeRO just dp), pp-forward and pp-backward (pairs; a ring
// when stages hold several chunks), embedding (first and last stage where both hold it); for
// experts the tp x cp x dp ranks of a stage, in order of rank, are dealt anew: etp neighbours, ep
// of those, and expert-dp of these (megatron/core/parallel_state.py); each only where its degree is
// above 1. A step: the schedule's passes, with a receive before and a send after each; then
// all-reduces of what tensor-parallel ranks and tied embeddings hold in common, the exchange of
// gradients (reduce-scatter under ZeRO, all-reduce over copies), Adam, and under ZeRO-1 and 2 the
// all-gather of BF16 parameters. With overlap.dp gradients leave bucket by bucket beside the last
// backward pass, and parameters arrive beside the first forward pass. ZeRO-3 gathers each bucket
// before each of its passes and frees it after; where shards of gradients are kept every backward
// pass reduces its own. Passes are workloads/layer_times.h.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "sim/base/units.h"
#include "sim/plan/device_profile.h"
#include "workloads/layer_times.h"
#include "workloads/layout.h"
#include "workloads/memory.h"
#include "workloads/workload.h"

namespace tenk {

struct TrainingFacts {
  std::int64_t parameters = 0;
  double model_flops_per_step = 0;  // Full attention (workloads/flops.h).
  double model_flops_causal = 0;
  std::int64_t tokens_per_step = 0;
  std::vector<StageMemory> memory_by_stage;
  std::size_t fullest_stage = 0;
  Bytes memory_per_gpu;  // Of the fullest stage.
  bool fits = true;      // memory_per_gpu <= the device's.
  std::vector<std::string> assumptions;
  std::vector<std::string> warnings;
};

TrainingFacts describe_training(const TrainingSpec& training, const DeviceProfile& device);

// Ranks are numbered by training.grid. Throws Error{kInvalid} if a step has more than kMostOps
// operations or computes for longer than kLongestStep. O(ranks + operations).
Workload build_training(const TrainingSpec& training, const DeviceProfile& device);

inline constexpr std::int64_t kMostOps = 20'000'000;  // Of all programs together.
[[noreturn]] void fail_too_many_ops();

// The program of one stage; build_training adds ranks and families. Slots are added to `slots`.
struct TrainingFamilies {
  FamilyId tp, ep, etp, dp, dp_copies, expert_dp, pp_forward, pp_backward, embedding;
  FamilyId of(Peers peers) const {
    return peers == Peers::kTp ? tp : peers == Peers::kEp ? ep : etp;
  }
};
Program build_stage_program(const TrainingSpec& training, const DeviceProfile& device,
                            const TrainingFamilies& families, std::int64_t stage,
                            std::vector<Slot>& slots);

}  // namespace tenk
