// Which pipeline schedules exist? One .cpp each, and one word in list.cpp.
#pragma once
#include <span>
#include <string_view>

#include "workloads/schedules/schedule.h"

namespace tenk {

std::span<const ScheduleKind* const> schedules();
// nullptr if there is none of that name.
const ScheduleKind* find_schedule(std::string_view name);

}  // namespace tenk
