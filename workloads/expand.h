// What does a plan look like when every message of every collective is an activity of its own?
//
// engine.detail steps. Each transfer of an unfolded plan becomes the messages that its algorithm
// sends on that channel (workloads/collectives/steps.h), each with its own path and the part of the
// bytes that it carries; the operation has ended once all have arrived. A start latency L is spread
// over the messages, L / chain on each with `chain` messages in the longest chain, so that a case
// of latency only takes what the coflow takes; a message may go at the cap of the coflow, divided
// where a connection is.
//
// Laws (tests/workloads/steps_test.cpp): an operation takes at most L + (the most share / stream on
// a chain) x bytes / (rate of the coflow); a ring takes exactly the coflow's time on homogeneous
// networks; a tree of c pieces over l levels up and down (c + l - 1) / c of it.
#pragma once
#include "sim/plan/collective_tuning.h"
#include "sim/plan/plan.h"
#include "sim/plan/timeline.h"
#include "workloads/workload.h"

namespace tenk {

inline constexpr std::uint64_t kMostMessages = 2'000'000;

struct Expansion {
  Plan plan;                       // The first activities are those of the plan it was made from.
  std::vector<ActivityId> end_of;  // By activity of that plan: the one that ends it.
};

// Of `traffic`, the workload placed on `fabric` with that tuning and those accelerators. Throws
// Error{kInvalid} if the routing (ugal) decides for groups and not for a message. O(ranks + hops +
// operations), before anything is lowered.
std::uint64_t count_messages(const Fabric& fabric, const Workload& workload,
                             const CollectiveTuning& tuning, const Traffic& traffic,
                             std::span<const std::uint32_t> accelerator_of_rank);
// Throws Error{kInvalid} with the count if there are more than kMostMessages.
void check_messages(const Fabric& fabric, const Workload& workload, const CollectiveTuning& tuning,
                    const Traffic& traffic, std::span<const std::uint32_t> accelerator_of_rank);

// `plan` is that traffic, checked, lowered without symmetry. O(messages + waits).
Expansion expand(const Plan& plan, const Fabric& fabric, const Workload& workload,
                 const CollectiveTuning& tuning, const Traffic& traffic,
                 std::span<const std::uint32_t> accelerator_of_rank);

// The timeline of the plan that was expanded: `fine` with activities' own starts and ends.
Timeline collapse(const Expansion& expansion, const Timeline& fine);

}  // namespace tenk
