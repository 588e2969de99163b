// How fast does a device stream through its memory, given timed streams?
//
// Fits memory-efficiency and launch of streaming_time (workloads/kernels.h): a stream of any length
// takes launch + bytes / (bandwidth x efficiency). Rows that state a rate without a length are
// taken as long enough for the full rate; where there are only such rows, launch is left as it is.
#pragma once
#include <span>

#include "calibration/constant_fit.h"
#include "calibration/measured_kernels.h"

namespace tenk {

// Throws Error{kInvalid} for fewer than 3 rows, and as fit_constants does: streams of one length
// only cannot tell launch from efficiency.
DeviceFit fit_memory(const DeviceProfile& known, std::span<const MeasuredStream> rows,
                     const FitOptions& options = {});

double predicted_seconds(const DeviceProfile& device, const MeasuredStream& row);

}  // namespace tenk
