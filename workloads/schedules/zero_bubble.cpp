// ZB-H1 (Qi et al. 2023, "Zero Bubble Pipeline Parallelism", section 2.2): 1F1B whose backward
// passes are cut in two. The gradient of the input goes to the stage before at once; stage s puts
// off that of the weights by s micro-batches and fills the end of the step with it. Each stage
// holds p micro-batches, the most that any stage of 1F1B does. The bubble is (p - 1)(F + B - W) for
// passes of F, B (input) and W (weights), as long as W is no longer than F or B: a third of that of
// 1F1B if all three are equal.
#include <algorithm>

#include "workloads/schedules/schedule.h"

namespace tenk {
namespace {

std::string refusal(const PipelineShape& shape) {
  if (shape.stages < 2) return "one stage has no bubble to fill; use 1f1b";
  return shape.chunks == 1 ? "" : "stages hold one chunk each; interleaved runs vpp of them";
}

std::vector<PipelineStep> steps(const PipelineShape& shape, std::int64_t stage) {
  const std::int64_t m = shape.micro_batches;
  const std::int64_t ahead = std::min(shape.stages - stage - 1, m);
  std::vector<PipelineStep> order;
  order.reserve(static_cast<std::size_t>(3 * m));
  for (std::int64_t k = 0; k < ahead; ++k) order.push_back({PassKind::kForward, 0, k});
  for (std::int64_t k = 0; k < m; ++k) {
    if (k + ahead < m) order.push_back({PassKind::kForward, 0, k + ahead});
    order.push_back({PassKind::kBackwardInput, 0, k});
    if (k >= stage) order.push_back({PassKind::kBackwardWeight, 0, k - stage});
  }
  for (std::int64_t k = std::max<std::int64_t>(m - stage, 0); k < m; ++k) {
    order.push_back({PassKind::kBackwardWeight, 0, k});
  }
  return order;
}

}  // namespace

extern const ScheduleKind kZeroBubble{
    .name = "zb-h1",
    .summary = "1f1b with weight gradients put off into the bubble; one chunk a stage",
    .refusal = refusal,
    .steps = steps};

}  // namespace tenk
