// Interleaved 1F1B (Narayanan et al. 2021, section 2.2.2; megatron/core/pipeline_parallel/
// schedules.py): a stage holds v chunks and passes micro-batches through them in groups of p, chunk
// by chunk. It runs (p - s - 1) 2 + (v - 1) n passes ahead, n the size of a group. The bubble is
// (p - 1)/(m v) of the work.
//
// Megatron wants m to be a multiple of p. Llama 3 lifted that (Grattafiori et al. 2024, section
// 3.3.2) without saying how a rest is grouped; we assume that it joins the last group, whose size
// is then n; with m < p all forwards run before all backwards.
#include <algorithm>

#include "workloads/schedules/schedule.h"

namespace tenk {
namespace {

std::string refusal(const PipelineShape& shape) {
  return shape.stages > 1 ? "" : "one stage has nothing to interleave; use 1f1b";
}

// (chunk, micro-batch) of all forward passes, in order.
std::vector<PipelineStep> forwards(const PipelineShape& shape) {
  const std::int64_t m = shape.micro_batches;
  const std::int64_t groups = std::max<std::int64_t>(m / shape.stages, 1);
  std::vector<PipelineStep> order;
  order.reserve(static_cast<std::size_t>(m * shape.chunks));
  for (std::int64_t g = 0; g < groups; ++g) {
    const std::int64_t end = g + 1 == groups ? m : (g + 1) * shape.stages;
    for (std::int64_t c = 0; c < shape.chunks; ++c) {
      for (std::int64_t k = g * shape.stages; k < end; ++k)
        order.push_back({PassKind::kForward, c, k});
    }
  }
  return order;
}

std::vector<PipelineStep> steps(const PipelineShape& shape, std::int64_t stage) {
  const std::int64_t p = shape.stages;
  const std::int64_t m = shape.micro_batches;
  const std::vector<PipelineStep> forward = forwards(shape);
  const auto total = static_cast<std::int64_t>(forward.size());
  const std::int64_t largest = p + m % p;  // Group.
  const std::int64_t warm_up = (p - stage - 1) * 2 + (shape.chunks - 1) * largest;
  const std::int64_t ahead = m < p ? total : std::min(warm_up, total);
  std::vector<PipelineStep> order;
  order.reserve(static_cast<std::size_t>(2 * total));
  const auto add = [&](PassKind pass, std::int64_t k) {
    const PipelineStep& step = forward[static_cast<std::size_t>(k)];
    const bool is_forward = pass == PassKind::kForward;
    const std::int64_t chunk = is_forward ? step.chunk : shape.chunks - 1 - step.chunk;
    order.push_back({pass, chunk, step.micro_batch});
  };
  for (std::int64_t k = 0; k < ahead; ++k) add(PassKind::kForward, k);
  for (std::int64_t k = 0; k < total; ++k) {
    if (k + ahead < total) add(PassKind::kForward, k + ahead);
    add(PassKind::kBackward, k);
  }
  return order;
}

}  // namespace

extern const ScheduleKind kInterleaved{
    .name = "interleaved",
    .summary = "1f1b over several chunks a stage, in groups of pp",
    .refusal = refusal,
    .steps = steps};

}  // namespace tenk
