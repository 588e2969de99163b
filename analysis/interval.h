// How far could the step time be off, given how well we know the numbers it is made of?
//
// Linear propagation: each number of the device profile, the collective tuning and the host that
// has an interval is lowered to the end of it, one at a time, and the step is predicted again; the
// changes are taken as independent and added in quadrature, and so is kModelError for what no
// number stands for. The result is meant to hold 9 of 10 measured steps; docs/accuracy.md says how
// many it held.
//
// The variations themselves say more than the interval: two clusters of the same cards share these
// numbers, so their step times go up and down together (analysis/lead.h).
#pragma once
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "analysis/pipeline.h"
#include "analysis/prediction.h"

namespace tenk {

// The numbers of a device with an interval that the time of a job in these precisions depends on,
// by name, in a fixed order; the device must have the precisions.
using Numbers = std::vector<std::pair<std::string, Known*>>;
Numbers uncertain_numbers(DeviceProfile& device, std::span<const Precision> precisions);
// Its value at the lower end of the interval, or a twentieth if that is more.
double lowered(const Known& known);

// One entry for each uncertain number of the scenario's profiles, always in the same order: `step`
// and what that number changes. Numbers of the device change how long it computes; how much of that
// the step feels is learnt from one simulation with all computation scaled. Jobs of more than 4 pp
// micro-batches are simulated with pp and 2 pp of them and the change is extrapolated, as each
// further one costs the same. Folding is exact, so `placed` may be folded whatever the scenario
// says.
std::vector<Variation> vary(const Scenario& scenario, const Fabric& fabric, const Placed& placed,
                            Time step);

// What is left when every number is known: half-width of a 90 % interval, of the step. Set so that
// intervals hold nine in ten published dense steps (docs/accuracy.md).
inline constexpr double kModelError = 0.12;
// The same of steps with experts, beside it and set like it: how much of their exchange runs beside
// computation differs between frameworks, and none of it does here.
inline constexpr double kExpertError = 0.35;

// {low, high} in seconds around `step`.
std::pair<double, double> interval_of(std::span<const Variation> variations, Time step);

}  // namespace tenk
