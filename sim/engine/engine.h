// Who turns a plan into a timeline?
//
// An engine is one .cpp that ends in a `const EngineKind`, plus one word in list.cpp. Engines are
// pure: no state outlives a call. `check_bounds` is run on every result, in release builds too.
#pragma once
#include <span>
#include <string_view>

#include "sim/plan/plan.h"
#include "sim/plan/timeline.h"

namespace tenk {

struct EngineKind {
  std::string_view name;
  std::string_view summary;
  // `plan` must be acyclic (lowering proves it). O(events x size of what an event touches).
  Timeline (*run)(const Plan& plan);
};

std::span<const EngineKind* const> engine_kinds();

// The least time `plan` can take on any engine: the busiest rank's compute, and the bytes over
// the busiest trunk at its capacity. O(plan).
Time lower_bound(const Plan& plan);

// TENK_CHECKs what must hold of every result: all activities ran, after what they wait for; no
// trunk above capacity; the bytes on each trunk are those the plan sends; makespan >= lower_bound.
void check_bounds(const Plan& plan, const Timeline& timeline);

}  // namespace tenk
