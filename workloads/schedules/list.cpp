#include "workloads/schedules/list.h"

#include <array>

namespace tenk {

extern const ScheduleKind kOneForwardOneBackward, kInterleaved;

std::span<const ScheduleKind* const> schedules() {
  static constexpr std::array kAll = {&kOneForwardOneBackward, &kInterleaved};
  return kAll;
}

const ScheduleKind* find_schedule(std::string_view name) {
  for (const ScheduleKind* kind : schedules()) {
    if (kind->name == name) return kind;
  }
  return nullptr;
}

}  // namespace tenk
