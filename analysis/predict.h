// How does a scenario become a prediction? The whole pipeline; start reading here.
#pragma once
#include <span>

#include "analysis/prediction.h"
#include "analysis/scenario.h"

namespace tenk {

// Predicts one training step. The scenario must have a job. Pure: the same scenario gives the same
// prediction (but for engine.wall_s) on every machine.
Prediction predict(const Scenario& scenario);

// The step time alone, of coflows, with its interval: no cost, no report. For validation and
// searches.
struct StepTime {
  Time step;
  double low_s = 0, high_s = 0;
  bool fits = true;
};
StepTime predict_step(const Scenario& scenario);

// Runs `op` over all accelerators of the cluster, once for each size. Sizes as nccl-tests count
// them, > 0. Throws Error{kInvalid} if the cluster has fewer than two accelerators.
CollectiveTable predict_collective(const Scenario& scenario, Collective op,
                                   std::span<const Bytes> sizes);

}  // namespace tenk
