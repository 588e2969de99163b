// The same job on several clusters: which is fastest, which is cheapest, and why?
#pragma once
#include <span>
#include <string>
#include <vector>

#include "analysis/comparison.h"
#include "analysis/scenario.h"

namespace tenk {

struct CompareOptions {
  std::vector<std::string> labels;  // By scenario, all different; empty: the scenarios' names.
  std::string baseline;             // A label or the name of a scenario; empty: the first.
};

// Predicts each scenario (at most two at a time) and compares. At least one scenario, all with a
// job. Deterministic but for engine.wall_s. Throws Error{kUsage} if there is no such baseline, and
// one Error with the faults of all scenarios that cannot be predicted.
Comparison compare(std::span<const Scenario> scenarios, const CompareOptions& options);

// The comparison of predictions already made.
Comparison compare_predictions(std::vector<ComparedCluster> clusters, std::size_t baseline);

// Why the leader leads: for each other cluster, where its time goes, which links its traffic fills
// there, and what it saves (analysis/why.cpp).
std::string explain_lead(const Comparison& comparison, std::size_t leader);

}  // namespace tenk
