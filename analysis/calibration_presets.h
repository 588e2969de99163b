// What do the rows of a calibration mean: which profiles are theirs, which cluster was measured?
//
// By the rules of `tenk validate` (analysis/validate/hardware.h, collective_rows.h), so that a fit
// and its validation read a table alike.
#pragma once
#include "calibration/calibrate.h"

namespace tenk {

// Presets for the kernels of these measurements, all of collectives and NICs, and the meaning of
// rows of collectives.
CalibrateOptions calibrate_options_for(const Measurements& own, const Measurements& published);

}  // namespace tenk
