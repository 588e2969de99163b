// Where does the step go, rank by rank, instant by instant?
#pragma once
#include "analysis/prediction.h"
#include "sim/plan/plan.h"
#include "sim/plan/timeline.h"

namespace tenk {

// Means over ranks. Each instant of a rank is exposed time of the first category, in order of
// Category, that has an activity then, else of the bubble; so exposed time adds up to the makespan.
// What other categories are active then is hidden. O(activities log activities).
struct TimeShares {
  Breakdown exposed{};
  Breakdown hidden{};
};
TimeShares break_down(const Plan& plan, const Timeline& timeline);

}  // namespace tenk
