// GPipe (Huang et al. 2019, section 2.3): all forwards, then all backwards, the last micro-batch
// first. Its bubble is (p - 1)/m of the work, as that of 1F1B, but it holds all m micro-batches.
#include "workloads/schedules/schedule.h"

namespace tenk {
namespace {

std::string refusal(const PipelineShape& shape) {
  return shape.chunks == 1 ? "" : "stages hold one chunk each; interleaved runs vpp of them";
}

std::vector<PipelineStep> steps(const PipelineShape& shape, std::int64_t) {
  const std::int64_t m = shape.micro_batches;
  std::vector<PipelineStep> order;
  order.reserve(static_cast<std::size_t>(2 * m));
  for (std::int64_t k = 0; k < m; ++k) order.push_back({PassKind::kForward, 0, k});
  for (std::int64_t k = m; k-- > 0;) order.push_back({PassKind::kBackward, 0, k});
  return order;
}

}  // namespace

extern const ScheduleKind kGpipe{.name = "gpipe",
                                 .summary = "all forwards, then all backwards; one chunk a stage",
                                 .refusal = refusal,
                                 .steps = steps};

}  // namespace tenk
