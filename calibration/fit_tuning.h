// What do sweeps of collectives say about the numbers of a hardware generation and of a NIC?
//
// fit_tuning: the numbers of profiles/collectives that an operation inside one server takes:
// `nvlink-efficiency`, `inside` with its `pairs`, and `nvls`. fit_nic: those of profiles/nics, from
// sweeps over several servers. NCCL's own tables, by which it chooses, stay as they are, and so do
// numbers from datasheets. The model is that of predictions (timed_sweep.h), the fit that of
// constant_fit.h; every row weighs alike, rows of one sweep are one group of the bootstrap. Numbers
// that the rows do not identify keep their value.
#pragma once
#include <map>
#include <span>

#include "calibration/constant_fit.h"
#include "calibration/timed_sweep.h"

namespace tenk {

struct TuningFit : ConstantFit {
  CollectiveTuning tuning;
  FitErrors held_out;
  std::vector<std::pair<double, double>> residuals;  // Bytes, predicted / measured; every size.
  std::size_t rows = 0;                              // Fitted.
};
// Every sweep must be of a node with that tuning, alone. Throws Error{kInvalid} for fewer than 20
// sizes that are not held out. O(constants x sweeps) placements, some hundred times.
TuningFit fit_tuning(const CollectiveTuning& known, std::span<const TimedCollective> sweeps,
                     const FitOptions& options = {});

struct NicFit : ConstantFit {
  NicTuning nic;
  FitErrors held_out;
  std::vector<std::pair<double, double>> residuals;
  std::size_t rows = 0;
};
// `tunings`: by the name that the sweeps' nodes give. Otherwise as above.
NicFit fit_nic(const NicTuning& known, const std::map<std::string, CollectiveTuning>& tunings,
               std::span<const TimedCollective> sweeps, const FitOptions& options = {});

}  // namespace tenk
