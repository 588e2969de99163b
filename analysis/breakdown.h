// Where does the step go, rank by rank, instant by instant?
#pragma once
#include "analysis/prediction.h"
#include "sim/plan/plan.h"
#include "sim/plan/timeline.h"

namespace tenk {

// Mean over ranks of the time in each category. Each instant of a rank belongs to the first
// category, in order of Category, that has an activity then, else to the bubble; so it adds up to
// the makespan. O(activities log activities).
Breakdown break_down(const Plan& plan, const Timeline& timeline);

}  // namespace tenk
