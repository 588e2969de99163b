// How far could the step time be off, given how well we know the numbers it is made of?
//
// Linear propagation: each number of the device profile and the collective tuning that has an
// interval is lowered to the end of it, one at a time, and the step is predicted again; the
// changes are taken as independent and added in quadrature. The result is a 90 % interval as far
// as the profiles' are; what the model leaves out is not in it.
//
// The variations themselves say more than the interval: two clusters of the same cards share these
// numbers, so their step times go up and down together (analysis/lead.h).
#pragma once
#include <span>
#include <utility>
#include <vector>

#include "analysis/pipeline.h"
#include "analysis/prediction.h"

namespace tenk {

// One simulation for each uncertain number of the scenario's profiles, always in the same order;
// folding is exact, so `placed` may be folded whatever the scenario says.
std::vector<Variation> vary(const Scenario& scenario, const Fabric& fabric, const Placed& placed);

// {low, high} in seconds around `step`.
std::pair<double, double> interval_of(std::span<const Variation> variations, Time step);

}  // namespace tenk
