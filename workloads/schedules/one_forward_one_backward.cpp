// 1F1B (Narayanan et al. 2019, PipeDream-Flush; Narayanan et al. 2021, section 2.2.1): stage s of p
// runs p - s - 1 forwards ahead, then one forward and one backward in turn. Its bubble is (p - 1)/m
// of the work; it holds at most p micro-batches.
#include <algorithm>

#include "workloads/schedules/schedule.h"

namespace tenk {
namespace {

std::string refusal(const PipelineShape& shape) {
  return shape.chunks == 1 ? "" : "stages hold one chunk each; interleaved runs vpp of them";
}

std::vector<PipelineStep> steps(const PipelineShape& shape, std::int64_t stage) {
  const std::int64_t m = shape.micro_batches;
  const std::int64_t ahead = std::min(shape.stages - stage - 1, m);
  std::vector<PipelineStep> order;
  order.reserve(static_cast<std::size_t>(2 * m));
  for (std::int64_t k = 0; k < ahead; ++k) order.push_back({PassKind::kForward, 0, k});
  for (std::int64_t k = 0; k < m; ++k) {
    if (k + ahead < m) order.push_back({PassKind::kForward, 0, k + ahead});
    order.push_back({PassKind::kBackward, 0, k});
  }
  return order;
}

}  // namespace

extern const ScheduleKind kOneForwardOneBackward{
    .name = "1f1b",
    .summary = "one forward, one backward in turn; one chunk a stage",
    .refusal = refusal,
    .steps = steps};

}  // namespace tenk
