// Which published collective benchmarks are there, and what cluster does each row mean?
//
// Rows of the table collectives.csv (docs/formats.md). The rules look at a row's own columns only:
//
// | column | means |
// |---|---|
// | gpu | the accelerator (hardware.h) and its usual server; GB200 and GB300 are NVL72 racks of 72
// | | nodes, gpus | gpus / nodes in each server, the first of its GPUs; a rack counts once | |
// nic_fabric | NICs and rate of a server (hardware.h; else the usual ones, assumed), and by the
//   words EFA, Slingshot, TCPX their family (else InfiniBand); the network blocks nowhere, assumed
//   |
// | algo_proto | "Ring" or "NVLS ... 0/off" forbid the other algorithms |
// | notes | "int8": integers, which NVSwitches do not add up here |
// | lib_version | oneCCL's benchmark counts what one rank of an all-gather sends |
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/plan/category.h"

namespace tenk {

struct CollectiveMeasurement {
  std::string id, gpu, collective, intra_link, nic_fabric, algo_proto, source, notes, library;
  std::optional<std::int64_t> nodes, gpus;
  std::optional<double> bytes, time_us, algbw_gbps, busbw_gbps;
};

// Throws Error{kFile}.
std::vector<CollectiveMeasurement> read_collective_rows(const std::string& text,
                                                        const std::string& file);

// Why a rule about rows that mislead leaves it out; empty: none does.
std::string excluded_by_rule(const CollectiveMeasurement& row);

// What the row asks to be predicted, or why it cannot be.
struct CollectiveCase {
  std::string skipped;               // Not empty: nothing else is meant.
  std::string cluster;               // Section `cluster` of a scenario.
  std::vector<std::string> without;  // Algorithms forbidden.
  std::string accelerator;           // Or the server, if it has no profile.
  Collective op = Collective::kAllReduce;
  double bytes = 0;           // As nccl-tests counts them.
  std::int64_t launches = 0;  // That one process makes before the last GPU starts.
  std::vector<std::string> assumptions;
};
CollectiveCase case_of(const CollectiveMeasurement& row);

// Seconds between the first and the last GPU that a single process starts; 0 where there are many,
// or the card has no profile.
double launch_seconds(const CollectiveCase& c);

// Seconds; nullopt if the row has none.
std::optional<double> measured_seconds(const CollectiveMeasurement& row, Collective op);

}  // namespace tenk
