// Who turns a plan into a timeline?
//
// An engine is one .cpp that ends in a `const EngineKind`, plus one word in list.cpp. Engines are
// pure: no state outlives a call. `simulate` checks every result, in release builds too.
#pragma once
#include <span>
#include <string_view>

#include "sim/plan/plan.h"
#include "sim/plan/timeline.h"

namespace tenk {

struct EngineKind {
  std::string_view name;
  std::string_view summary;
  bool contention = true;      // Trunks stay within their capacity; false: each transfer is alone.
  bool messages_only = false;  // Needs paths of whole links: single messages, not coflows.
  // `plan` must be acyclic (lowering proves it). Throws Error{kInvalid} for a plan that takes
  // longer than time can tell. O(events x size of what an event touches).
  Timeline (*run)(const Plan& plan);
};

std::span<const EngineKind* const> engine_kinds();

// The least time `plan` can take on an engine with contention: the busiest rank's compute, and the
// bytes over the busiest trunk at its capacity. O(plan).
Time lower_bound(const Plan& plan);

// The makespan of the engine `bound`, without its loads. O(plan).
Time time_without_contention(const Plan& plan);

// TENK_CHECKs what must hold of every result: all activities ran, after what they wait for; the
// bytes on each trunk are those the plan sends. With contention also: no trunk above capacity;
// makespan >= lower_bound and >= that of the engine `bound`.
void check_bounds(const Plan& plan, const Timeline& timeline, bool contention = true);

// Runs the engine of that name, which must be in the list, and checks the bounds.
Timeline simulate(const Plan& plan, std::string_view engine);

}  // namespace tenk
