// What are a device's attention constants, given timed forward calls, and how sure are they?
//
// Fits efficiency, latency and passes of attention_forward_time (workloads/kernels.h). Bandwidth
// and its efficiency are given. No power term: the H100 rows show no slowing with length. `ci` is
// the 90 % interval of a bootstrap over rows; `efficiency` gets the median error in quadrature.
#pragma once
#include <span>

#include "calibration/fit_gemm.h"

namespace tenk {

struct AttentionFit {
  DeviceProfile device;  // `known` with the three constants replaced, how: fitted.
  FitErrors errors;      // On the rows fitted.
};

// Throws Error{kInvalid} for fewer than 20 rows.
AttentionFit fit_attention(const DeviceProfile& known, std::span<const MeasuredAttention> rows,
                           const FitOptions& options = {});

FitErrors attention_errors(const DeviceProfile& device, std::span<const MeasuredAttention> rows);

}  // namespace tenk
