// How far could the step time be off, given how well we know the numbers it is made of?
//
// Linear propagation: each number of the device profile and the collective tuning that has an
// interval is lowered to the end of it, one at a time, and the step is predicted again; the
// changes are taken as independent and added in quadrature. The result is a 90 % interval as far
// as the profiles' are; what the model leaves out is not in it.
#pragma once
#include <utility>

#include "analysis/pipeline.h"

namespace tenk {

// {low, high} in seconds around `step`, which the job as placed takes. One simulation for each
// uncertain number; folding is exact, so `placed` may be folded whatever the scenario says.
std::pair<double, double> interval_of(const Scenario& scenario, const Fabric& fabric,
                                      const Placed& placed, Time step);

}  // namespace tenk
