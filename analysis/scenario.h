// What does a scenario file ask, and does it make sense as a whole?
//
// Each kind parses its own section; this composes them and reports all faults of a file at once.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "analysis/cost.h"
#include "sim/base/config.h"
#include "sim/plan/collective_tuning.h"
#include "sim/plan/device_profile.h"
#include "topologies/cluster.h"
#include "workloads/layout.h"

namespace tenk {

struct EngineSpec {
  std::string name = "fluid";
  std::string detail = "coflow";
  bool fold = true;                  // Never under detail steps.
  std::string congestion = "ideal";  // Of raw flows (analysis/congestion/congestion.h).

  bool steps() const { return detail == "steps"; }  // Each message of a collective by itself.
};

// One of several jobs on the cluster (analysis/interference.h): training steps, or one collective
// over and over (background traffic).
struct JobSpec {
  std::string name;
  std::optional<TrainingSpec> training;
  Collective op = Collective::kAllReduce;  // Without training: the operation,
  Bytes bytes;                             // its size
  std::uint32_t accelerators = 0;          // and its ranks.
  AllocationSpec allocation;

  std::size_t ranks() const {
    return training ? static_cast<std::size_t>(training->layout.accelerators()) : accelerators;
  }
};

struct Scenario {
  std::string name;
  Config source;  // The whole tree, overrides applied: what resolved.yaml holds.
  ClusterSpec cluster;
  std::optional<DeviceProfile> device;  // Of the node's accelerators; none on bare NICs.
  CollectiveTuning tuning;
  std::optional<TrainingSpec> job;
  std::vector<JobSpec> jobs;  // Instead of `job`.
  EngineSpec engine;
  std::string price_preset;
  Prices prices;  // Of the preset, with the scenario's own rack power and electricity.
  std::uint64_t seed = 0;
  std::vector<std::string> warnings;
};

// What the caller wants of the file. `topo` and `collective` read the cluster only: then the
// sections job, jobs and placement are not looked at. kWholeJob: `job`, or else `jobs`; kOneJob:
// `job`, and `jobs` is a fault.
enum class ScenarioUse { kWholeJob, kOneJob, kClusterOnly };

// Throws Error{kInvalid} with every fault of the file.
Scenario read_scenario(const Config& file, ScenarioUse use);

}  // namespace tenk
