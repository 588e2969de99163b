// The reference that the solver is held against: progressive filling with a heap, as plainly as it
// can be written on flat arrays. Unit usage, no caps, every flow crosses a link.
#pragma once
#include <cstdint>
#include <queue>
#include <vector>

namespace tenk::bench {

// CSR both ways: links of a flow, flows of a link.
struct Incidence {
  std::vector<std::uint32_t> first_of_flow = {0}, link;
  std::vector<std::uint32_t> first_of_link, flow;

  void index(std::size_t links) {
    first_of_link.assign(links + 1, 0);
    for (const std::uint32_t l : link) ++first_of_link[l + 1];
    for (std::size_t l = 0; l < links; ++l) first_of_link[l + 1] += first_of_link[l];
    flow.resize(link.size());
    std::vector<std::uint32_t> next(first_of_link.begin(), first_of_link.end() - 1);
    for (std::uint32_t f = 0; f + 1 < first_of_flow.size(); ++f) {
      for (std::uint32_t i = first_of_flow[f]; i < first_of_flow[f + 1]; ++i) {
        flow[next[link[i]]++] = f;
      }
    }
  }
};

inline std::vector<double> progressive_filling(const std::vector<double>& capacity,
                                               const Incidence& in) {
  using Level = std::pair<double, std::uint32_t>;
  const std::size_t links = capacity.size();
  std::vector<double> spare = capacity, rate(in.first_of_flow.size() - 1, -1);
  std::vector<std::uint32_t> open(links);
  std::vector<Level> levels;
  for (std::uint32_t l = 0; l < links; ++l) {
    open[l] = in.first_of_link[l + 1] - in.first_of_link[l];
    if (open[l] > 0) levels.emplace_back(spare[l] / open[l], l);
  }
  std::priority_queue heap(std::greater<Level>(), std::move(levels));
  while (!heap.empty()) {
    const auto [level, l] = heap.top();
    heap.pop();
    if (open[l] == 0) continue;
    const double now = spare[l] / open[l];
    if (now > level * (1 + 1e-14)) {
      heap.emplace(now, l);
      continue;
    }
    for (std::uint32_t i = in.first_of_link[l]; i < in.first_of_link[l + 1]; ++i) {
      const std::uint32_t f = in.flow[i];
      if (rate[f] >= 0) continue;
      rate[f] = now;
      for (std::uint32_t j = in.first_of_flow[f]; j < in.first_of_flow[f + 1]; ++j) {
        spare[in.link[j]] -= now;
        --open[in.link[j]];
      }
    }
  }
  return rate;
}

}  // namespace tenk::bench
