// What do sweeps of collectives say about the numbers of a hardware generation and of a NIC?
//
// fit_tuning: the numbers of profiles/collectives that an operation inside one server takes:
// `nvlink-efficiency`, `inside` with its `pairs`, and `nvls`. fit_nic: those of profiles/nics, from
// sweeps over several servers. NCCL's own tables, by which it chooses, stay as they are, and so do
// numbers from datasheets, those that were measured by themselves, and exact ones (ci 0). The model
// is that of predictions (timed_sweep.h), the fit that of constant_fit.h; every row weighs alike,
// rows of one sweep are one group of the bootstrap. Numbers that the rows do not identify keep
// their value.
#pragma once
#include <map>
#include <span>

#include "calibration/constant_fit.h"
#include "calibration/timed_sweep.h"

namespace tenk {

struct SweepFit : ConstantFit {
  FitErrors held_out;
  // Mean of |log(predicted / measured)| on the held-out sizes with the known numbers and the
  // fitted.
  double loss_before = 0, loss = 0;
  struct Ratio {
    double bytes = 0;
    double ratio = 1;  // Predicted / measured.
    bool held_out = false;
  };
  std::vector<Ratio> residuals;  // Every size.
  std::size_t rows = 0;          // Fitted.
};

struct TuningFit : SweepFit {
  CollectiveTuning tuning;
};
// Every sweep must be of a node with that tuning, alone. Throws Error{kInvalid} for fewer than 20
// sizes that are not held out. O(constants x sweeps) placements, some hundred times.
TuningFit fit_tuning(const CollectiveTuning& known, std::span<const TimedCollective> sweeps,
                     const FitOptions& options = {});

struct NicFit : SweepFit {
  NicTuning nic;
};
// `tunings`: by the name that the sweeps' nodes give. Otherwise as above.
NicFit fit_nic(const NicTuning& known, const std::map<std::string, CollectiveTuning>& tunings,
               std::span<const TimedCollective> sweeps, const FitOptions& options = {});

}  // namespace tenk
