#include "analysis/breakdown.h"

#include <algorithm>

namespace tenk {
namespace {

constexpr std::size_t kCategories = kCategoryNames.size();
struct Picoseconds {
  std::array<std::int64_t, kCategories> exposed{}, hidden{};
};

struct Edge {
  Time time;
  std::uint8_t category;
  int change;
};

Picoseconds times_of(std::span<const ActivityId> activities, const Plan& plan,
                     const Timeline& timeline) {
  std::vector<Edge> edges;
  for (const ActivityId a : activities) {
    const auto category = static_cast<std::uint8_t>(plan.activities[a.value].category);
    edges.push_back({timeline.start[a.value], category, +1});
    edges.push_back({timeline.end[a.value], category, -1});
  }
  std::sort(edges.begin(), edges.end(),
            [](const Edge& a, const Edge& b) { return a.time < b.time; });
  Picoseconds times;
  std::array<int, kCategories> active{};
  Time now;
  const auto advance = [&](Time to) {
    std::size_t c = 0;
    while (c < kCategories && active[c] == 0) ++c;
    if (c == kCategories) c = static_cast<std::size_t>(Category::kBubble);
    times.exposed[c] += (to - now).ps();
    for (std::size_t h = c + 1; h < kCategories; ++h) {
      if (active[h] > 0) times.hidden[h] += (to - now).ps();
    }
    now = to;
  };
  for (const Edge& e : edges) {
    advance(e.time);
    active[e.category] += e.change;
  }
  advance(timeline.makespan);
  return times;
}

}  // namespace

TimeShares break_down(const Plan& plan, const Timeline& timeline) {
  TimeShares mean;
  double ranks = 0;
  for (const std::uint32_t count : plan.rank_count) ranks += count;
  for (std::size_t r = 0; r < plan.of_rank_class.size(); ++r) {
    const Picoseconds times = times_of(plan.of_rank_class[r], plan, timeline);
    const double weight = plan.rank_count[r] / ranks * 1e-12;
    for (std::size_t c = 0; c < kCategories; ++c) {
      mean.exposed[c] += weight * static_cast<double>(times.exposed[c]);
      mean.hidden[c] += weight * static_cast<double>(times.hidden[c]);
    }
  }
  return mean;
}

}  // namespace tenk
