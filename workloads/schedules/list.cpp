#include "workloads/schedules/list.h"

#include <array>

#include "sim/base/kinds.h"

namespace tenk {

extern const ScheduleKind kOneForwardOneBackward, kInterleaved, kGpipe, kZeroBubble, kDualPipe;

std::span<const ScheduleKind* const> schedules() {
  static constexpr std::array kAll = {&kOneForwardOneBackward, &kInterleaved, &kGpipe, &kZeroBubble,
                                      &kDualPipe};
  return kAll;
}

const ScheduleKind* find_schedule(std::string_view name) { return find_kind(schedules(), name); }

}  // namespace tenk
