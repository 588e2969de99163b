// What are a device's matrix-product constants, given timed products, and how sure are they?
//
// Fits the constants of one precision in gemm_time (workloads/kernels.h): efficiency, k-overhead,
// tail, operand-bandwidth, split-traffic; in the device's wide precision also memory-efficiency,
// launch, sustained-power-factor and power-settling, which other precisions share; in narrow ones
// the quantisation, if the profile has it. Peak, bandwidth, units and tile shapes are given.
//
// Weights of rows: 16 with m, n, k >= 512, the sizes of training; 3 other ones with m >= 128; 1/2
// smaller ones; 64 those longer than 5 ms, which are few and alone show the power limit that
// training runs at. Rows of one (n, k) are one group of the bootstrap: neighbours in m share their
// faults.
#pragma once
#include <span>

#include "calibration/constant_fit.h"
#include "calibration/measured_kernels.h"

namespace tenk {

// Starts from the constants of `known`, which must have that precision. Rows of other precisions
// are passed over. Throws Error{kInvalid} for fewer than 50 rows, and as fit_constants does.
DeviceFit fit_gemm(const DeviceProfile& known, Precision precision,
                   std::span<const MeasuredGemm> rows, const FitOptions& options = {});

// Seconds that the row should have taken: alone or at the power limit, with or without casts.
double predicted_seconds(const DeviceProfile& device, const MeasuredGemm& row);

// |predicted / measured - 1| on the rows.
FitErrors gemm_errors(const DeviceProfile& device, std::span<const MeasuredGemm> rows);

}  // namespace tenk
