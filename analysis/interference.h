// How much do jobs that share a fabric slow each other down?
//
// Each job of `jobs` has accelerators of its own; what they share is the network. A job's step is
// timed alone (same accelerators, same broken links, nobody else) and together with the others.
// Together, all jobs start their first step at once and begin the next whenever they have ended
// one, until each has done kSteps steps beside the others (so far as kMostActivities allows; a
// warning says where it did not). A job's time is the mean of its steps that ended while every job
// was still running, and of at least one.
#pragma once
#include <string>
#include <vector>

#include "analysis/prediction.h"
#include "analysis/scenario.h"

namespace tenk {

inline constexpr std::uint32_t kSteps = 3;
inline constexpr std::size_t kMostActivities = 4'000'000;  // Of the jobs together.

struct JobOutcome {
  std::string name;
  std::uint64_t accelerators = 0;
  Time alone, together;     // A step.
  std::uint64_t steps = 0;  // Of which `together` is the mean.
  double tokens_per_s = 0;  // Together with the others; 0 for a job that is no training.

  double slowdown() const { return together.s() / alone.s(); }
};

struct JobsTable {
  std::string scenario;
  std::uint64_t accelerators = 0;  // Of the cluster.
  std::vector<JobOutcome> jobs;    // In the order of the scenario.
  std::optional<Collisions> collisions;
  EngineReport engine;
  std::vector<std::string> assumptions;
  std::vector<std::string> warnings;
  std::string fingerprint;
};

// The scenario must have jobs. Throws Error{kInvalid} if their placement leaves too few
// accelerators for one of them. Pure but for engine.wall_s.
JobsTable predict_jobs(const Scenario& scenario);

}  // namespace tenk
