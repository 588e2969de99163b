// What are a device's matrix-product constants, given timed products, and how sure are they?
//
// Fits six constants of gemm_time and lone_kernel_time (workloads/kernels.h) to all rows at once:
// efficiency, k_overhead, tail, launch, sustained_power_factor, power_settling. Peak, memory
// bandwidth and its efficiency, units and tile shapes are given. Rows should have m, n, k >= 512:
// below that libraries use other kernels. The power constants need rows longer than about 10 ms.
//
// `ci` is the 90 % interval of a bootstrap over shapes (all rows of one (n, k) are drawn together,
// since neighbours in m share their faults). `efficiency`, which scales every prediction, gets the
// fit's median error added in quadrature.
#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "calibration/measured_kernels.h"
#include "calibration/robust_fit.h"
#include "sim/plan/device_profile.h"

namespace tenk {

struct FitOptions {
  int steps = 900;         // Of the simplex, for all rows.
  int samples = 40;        // Of the bootstrap; 0: every ci is 0.
  int sample_steps = 240;  // Of the simplex, for one sample.
  std::uint64_t seed = 1;
  std::string source = {};  // Written into every fitted constant.
};

struct GemmFit {
  DeviceProfile device;  // `known` with the six constants replaced, how: fitted.
  FitErrors errors;      // On the rows fitted.
};

// Starts from the constants of `known`. Throws Error{kInvalid} for fewer than 50 rows.
// O(rows x (steps + samples x sample_steps)).
GemmFit fit_gemm(const DeviceProfile& known, std::span<const MeasuredGemm> rows,
                 const FitOptions& options = {});

// |predicted / measured - 1| of lone_kernel_time(gemm_time) on the rows.
FitErrors gemm_errors(const DeviceProfile& device, std::span<const MeasuredGemm> rows);

}  // namespace tenk
