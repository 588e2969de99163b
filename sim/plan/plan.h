// What has to happen, after symmetry is folded away, and in which order?
//
// A Plan is a directed acyclic graph of activities of classes. A compute activity takes its time;
// a transfer waits its latency and then moves bytes as fast as sharing allows; both may start once
// everything before them has ended.
#pragma once
#include <cstdint>
#include <vector>

#include "sim/base/ids.h"
#include "sim/plan/category.h"
#include "sim/plan/symmetry.h"
#include "sim/plan/traffic.h"

namespace tenk {

struct Activity {
  enum class Kind : std::uint8_t { kCompute, kTransfer };
  Kind kind = Kind::kCompute;
  Category category = Category::kCompute;
  ClassId coflow;    // kTransfer: the coflow class that moves.
  Time time;         // kCompute: duration; kTransfer: latency.
  double bytes = 0;  // kTransfer: on each connection.
  Bandwidth cap = Bandwidth::unlimited();
  SlotId slot;  // kTransfer
  // Units ("SMs") of each of its ranks' devices that communication holds from the start of one
  // activity to the end of the same or another; computation there slows by their share.
  int takes = 0, releases = 0;
};

// What all coflows of a class together put on each one trunk of a trunk class: an entry of the
// quotient's constraint matrix.
struct ClassUsage {
  ClassId trunk;
  double connections = 0;
};

struct Plan {
  int units = 0;  // Of a device that computes; 0: communication takes nothing from it.
  std::vector<Activity> activities;
  Lists<ActivityId> successors;             // By activity.
  std::vector<std::uint32_t> waits_for;     // By activity: how many must end first.
  Lists<ClassUsage> usage;                  // By coflow class.
  std::vector<Bandwidth> capacity;          // By trunk class.
  Lists<ClassId> ranks_of;                  // By activity: the rank classes that take part.
  Lists<ActivityId> of_rank_class;          // By rank class: its computation and transfers.
  std::vector<std::uint32_t> rank_count;    // By rank class.
  std::vector<std::uint32_t> coflow_count;  // By coflow class.
  std::vector<std::uint32_t> trunk_count;   // By trunk class.
};

}  // namespace tenk
