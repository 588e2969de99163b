// Which constants of accelerators do timed kernels identify, and how well do they predict others?
//
// For each accelerator, in this order: streams give memory-efficiency (and launch, if some are
// short), causal calls of attention its five constants, products those of each precision, the wide
// one first, as it has what the others share (fit_memory.h, fit_attention.h, fit_gemm.h). Three
// shapes in ten are kept from the fits by the hash of measured_kernels.h and judge them.
//
// Narrow precisions: rows with m >= 128 only, since below the casts of the stack are the time;
// `split-traffic` and `memory-efficiency` are those of the wide one, assumed. A precision that the
// profile says is `like` another is fitted with it. A row that two tables print counts once; of
// more than 12,000 rows that many, evenly taken in their order.
//
// Intervals: 90 %, but at least what the constant differs by between software stacks on one card
// (assumed): attention kernels of training are not those of serving.
#pragma once
#include "calibration/calibrate.h"

namespace tenk {

// Adds fits, refusals with reasons, and the profile of each accelerator that something was fitted
// for. Rows of accelerators without a known profile are refused by the name they have.
void calibrate_kernels(std::span<const KernelSample> rows, const CalibrateOptions& options,
                       Calibration& out);

}  // namespace tenk
