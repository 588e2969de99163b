// What do a collective's start and bandwidth cost on a cluster somebody measured?
//
// Each sweep (one collective over one set of cards, with one library and one forced or default
// choice of algorithm and protocol) gets a curve by size (calibration/latency_curve.h): its pieces
// are the protocols and algorithms that the library switches between. Where the number of steps of
// the algorithm is known, the latency of the first piece over several numbers of cards gives a base
// and a latency a step: ring and pairwise 2(n-1) for all-reduce and n-1 else, double binary tree
// 2(n/nodes - 1 + log2 nodes).
#pragma once
#include <span>
#include <string>
#include <vector>

#include "calibration/latency_curve.h"
#include "calibration/measurements.h"

namespace tenk {

// What makes two rows one sweep. Fields are as the rows have them.
struct SweepKey {
  std::string gpu, collective;
  std::int64_t nodes = 0, gpus = 0;  // nodes 0: not known.
  std::string intra_link, nic_fabric, library, choice, sweep;
  auto operator<=>(const SweepKey&) const = default;
  std::string text() const;  // "allreduce, 1 x 8 H100, NCCL 2.29.2"
};

struct CollectiveFit {
  SweepKey key;
  std::vector<TimedSize> points;
  LatencyCurve curve;
  std::string source;
};

struct StepFit {
  SweepKey key;  // Of one of the sweeps; gpus and nodes are the largest.
  std::string algorithm;
  std::vector<std::int64_t> gpus;
  LineFit line;  // Seconds, seconds a step.
  std::string source;
};

struct Refusal {
  std::string subject, reason;
  std::size_t rows = 0;
};

struct CollectiveFits {
  std::vector<CollectiveFit> sweeps;  // None of them refused.
  std::vector<StepFit> steps;
  std::vector<Refusal> refused;
};

// Rows that are recalled, SUSPECT, or lack size, time or number of cards are refused with that
// reason. O(sweeps x fit).
CollectiveFits fit_collectives(std::span<const CollectiveSample> rows,
                               const CurveOptions& options = {});

// Steps that follow each other; nullopt: not known for this collective or choice.
std::optional<double> steps_of(const SweepKey& key);

}  // namespace tenk
