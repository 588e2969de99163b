#include "analysis/breakdown.h"

#include <algorithm>

namespace tenk {
namespace {

constexpr std::size_t kCategories = kCategoryNames.size();
using Shares = std::array<std::int64_t, kCategories>;  // Picoseconds.

struct Edge {
  Time time;
  std::uint8_t category;
  int change;
};

Shares shares_of(std::span<const ActivityId> activities, const Plan& plan,
                 const Timeline& timeline) {
  std::vector<Edge> edges;
  for (const ActivityId a : activities) {
    const auto category = static_cast<std::uint8_t>(plan.activities[a.value].category);
    edges.push_back({timeline.start[a.value], category, +1});
    edges.push_back({timeline.end[a.value], category, -1});
  }
  std::sort(edges.begin(), edges.end(),
            [](const Edge& a, const Edge& b) { return a.time < b.time; });
  Shares shares{};
  std::array<int, kCategories> active{};
  Time now;
  const auto advance = [&](Time to) {
    std::size_t c = 0;
    while (c < kCategories && active[c] == 0) ++c;
    if (c == kCategories) c = static_cast<std::size_t>(Category::kBubble);
    shares[c] += (to - now).ps();
    now = to;
  };
  for (const Edge& e : edges) {
    advance(e.time);
    active[e.category] += e.change;
  }
  advance(timeline.makespan);
  return shares;
}

}  // namespace

Breakdown break_down(const Plan& plan, const Timeline& timeline) {
  Breakdown sum{};
  double ranks = 0;
  for (std::size_t r = 0; r < plan.of_rank_class.size(); ++r) {
    const Shares shares = shares_of(plan.of_rank_class[r], plan, timeline);
    const double count = plan.rank_count[r];
    ranks += count;
    for (std::size_t c = 0; c < kCategories; ++c) {
      sum[c] += count * static_cast<double>(shares[c]) * 1e-12;
    }
  }
  for (double& s : sum) s /= ranks;
  return sum;
}

}  // namespace tenk
