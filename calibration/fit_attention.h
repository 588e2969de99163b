// What are a device's attention constants, given timed forward calls, and how sure are they?
//
// Fits efficiency, latency, passes, tail and key-overhead of attention_forward_time
// (workloads/kernels.h). Peak, bandwidth and its efficiency are given. No power term: the rows of
// no device show a slowing with length. Rows of one (batch, heads) are one group of the bootstrap.
#pragma once
#include <span>

#include "calibration/constant_fit.h"
#include "calibration/measured_kernels.h"

namespace tenk {

// Backward calls are passed over. Throws Error{kInvalid} for fewer than 20 rows, and as
// fit_constants does.
DeviceFit fit_attention(const DeviceProfile& known, std::span<const MeasuredAttention> rows,
                        const FitOptions& options = {});

double predicted_seconds(const DeviceProfile& device, const MeasuredAttention& row);

FitErrors attention_errors(const DeviceProfile& device, std::span<const MeasuredAttention> rows);

}  // namespace tenk
