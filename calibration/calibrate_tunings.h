// Which numbers of hardware generations and NICs do sweeps of collectives identify?
//
// Sweeps inside one server give the numbers of profiles/collectives, by the tuning of their server;
// sweeps over several servers those of profiles/nics, with the tunings as just fitted
// (fit_tuning.h). Three sizes in ten are kept from the fits by the hash of timed_sweep.h. What
// wires inside servers reach (profiles/nodes) is not fitted.
#pragma once
#include "calibration/calibrate.h"

namespace tenk {

// Adds fits, refusals with reasons, and the profile of each tuning and NIC that something was
// fitted for. Nothing without options.sweeps_of.
void calibrate_tunings(std::span<const CollectiveSample> rows, const CalibrateOptions& options,
                       Calibration& out);

}  // namespace tenk
