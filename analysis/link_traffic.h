// Whose traffic is on which links, and for how long do these hold it up?
//
// Between its latency and its end a transfer counts with its mean rate. Where these rates add up to
// kFullLink of a trunk's capacity or more, the trunk is full, and whatever crosses it then is held
// up by it. (Rates change while a transfer lasts, so this is near what the engine did, not equal.)
#pragma once
#include <vector>

#include "analysis/prediction.h"
#include "sim/graph/fabric.h"
#include "sim/plan/plan.h"
#include "sim/plan/timeline.h"

namespace tenk {

inline constexpr double kFullLink = 0.95;

// Only pairs of kind and category that carry something; by kind in the graph's order, then by
// category. O(a log a + usages) for a activities and all their usages.
std::vector<LinkTraffic> link_traffic(const Fabric& fabric, const Partition& trunks,
                                      const Plan& plan, const Timeline& timeline);

}  // namespace tenk
