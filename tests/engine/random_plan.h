// What does a plan look like that nobody thought of? Seeded: the same seed, the same plan.
#pragma once
#include <algorithm>
#include <optional>

#include "sim/base/random.h"
#include "sim/plan/plan.h"

namespace tenk::testing {

struct PlanSize {
  std::uint32_t trunks = 8, activities = 60;
  std::uint32_t ranks = 3;
  bool units = false;  // Communication takes units from computation.
  bool whole = false;  // Whole connections only.
};

inline Activity random_activity(Random& random, std::uint32_t coflow) {
  Activity a;
  if (random.below(3) == 0) {
    a.time = Time::picoseconds(random.between(0, 2'000'000'000));
    return a;
  }
  a.kind = Activity::Kind::kTransfer;
  a.category = Category::kDp;
  a.coflow = ClassId(coflow);
  a.bytes = random.below(10) == 0 ? 0 : 1e6 * random.uniform();
  a.time = random.below(2) == 0 ? Time() : Time::picoseconds(random.between(0, 20'000'000));
  if (random.below(3) == 0) a.cap = Bandwidth::per_second(1e8 + 2e9 * random.uniform());
  return a;
}

// Coflow i belongs to activity i; some stay inside a device, most cross a few trunks.
inline Plan random_plan(std::uint64_t seed, const PlanSize& size = {}) {
  Random random(seed, "plan");
  Plan plan;
  plan.units = size.units ? 16 : 0;
  for (std::uint32_t t = 0; t < size.trunks; ++t) {
    plan.capacity.push_back(Bandwidth::per_second(1e9 * (0.5 + random.uniform())));
  }
  std::vector<std::vector<ActivityId>> next(size.activities), mine(size.ranks);
  std::vector<std::optional<std::uint32_t>> last(size.ranks);
  plan.waits_for.assign(size.activities, 0);
  for (std::uint32_t a = 0; a < size.activities; ++a) {
    Activity activity = random_activity(random, a);
    const bool transfer = activity.kind == Activity::Kind::kTransfer;
    if (transfer && size.units) activity.takes = activity.releases = 3;
    plan.activities.push_back(activity);
    std::vector<ClassUsage> usage;
    for (std::uint32_t t = 0; transfer && t < size.trunks; ++t) {
      if (random.below(3) > 0) continue;
      const double more =
          size.whole ? 1.0 + static_cast<double>(random.below(3)) : 0.1 + 2 * random.uniform();
      usage.push_back({ClassId(t), random.below(2) == 0 ? 1 : more});
    }
    plan.usage.add(usage);
    const ClassId rank(static_cast<std::uint32_t>(random.below(size.ranks)));
    plan.ranks_of.add({&rank, 1});
    mine[rank.value].push_back(ActivityId(a));
    std::vector<std::uint64_t> causes;
    for (std::uint64_t edges = random.below(3); edges > 0 && a > 0; --edges) {
      causes.push_back(random.below(a));
    }
    if (!transfer) {  // One computation of a rank at a time.
      if (last[rank.value]) causes.push_back(*last[rank.value]);
      last[rank.value] = a;
    }
    std::sort(causes.begin(), causes.end());
    causes.erase(std::unique(causes.begin(), causes.end()), causes.end());
    for (const std::uint64_t cause : causes) next[cause].push_back(ActivityId(a));
    plan.waits_for[a] = static_cast<std::uint32_t>(causes.size());
  }
  for (const auto& list : next) plan.successors.add(list);
  for (const auto& list : mine) plan.of_rank_class.add(list);
  plan.rank_count.assign(size.ranks, 1);
  plan.coflow_count.assign(size.activities, 1);
  plan.trunk_count.assign(size.trunks, 1);
  return plan;
}

}  // namespace tenk::testing
