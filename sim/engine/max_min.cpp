#include "sim/engine/max_min.h"

#include <algorithm>
#include <functional>

#include "sim/base/error.h"

namespace tenk {

MaxMin::MaxMin(std::span<const Bandwidth> capacity)
    : slot_of_link_(capacity.size(), 0), stamp_(capacity.size(), 0) {
  for (const Bandwidth c : capacity) capacity_.push_back(c.value());
}

// Gathers the links in use and, for each, the demands that cross it.
void MaxMin::collect(std::span<const Demand> demands, std::span<const double> taken) {
  ++epoch_;
  links_.clear();
  std::uint32_t total = 0;
  for (const Demand& d : demands) {
    for (const ClassUsage& u : d.usage) {
      const std::uint32_t link = u.trunk.value;
      if (stamp_[link] != epoch_) {
        stamp_[link] = epoch_;
        slot_of_link_[link] = static_cast<std::uint32_t>(links_.size());
        TENK_CHECK(capacity_[link] > 0, "a link in use has capacity");
        const double spare = taken.empty() ? capacity_[link] : capacity_[link] - taken[link];
        links_.push_back({std::max(spare, 0.0), 0, 0, 0, 0});
      }
      Busy& busy = links_[slot_of_link_[link]];
      busy.load += u.connections;
      ++busy.open;
      ++total;
    }
  }
  std::uint32_t first = 0;
  for (Busy& busy : links_) {
    busy.first = busy.next = first;
    first += busy.open;
  }
  crossings_.resize(total);
  for (std::uint32_t d = 0; d < demands.size(); ++d) {
    for (const ClassUsage& u : demands[d].usage) {
      crossings_[links_[slot_of_link_[u.trunk.value]].next++] = {d, u.connections};
    }
  }
}

void MaxMin::freeze(std::uint32_t demand, double rate) {
  frozen_[demand] = true;
  rate_[demand] = rate;
  for (const ClassUsage& u : demands_[demand].usage) {
    Busy& busy = links_[slot_of_link_[u.trunk.value]];
    busy.spare -= u.connections * rate;
    busy.load -= u.connections;
    --busy.open;
  }
}

std::span<const double> MaxMin::solve(std::span<const Demand> demands,
                                      std::span<const double> taken) {
  demands_ = demands;
  collect(demands, taken);
  const std::greater<> later;
  heap_.clear();
  caps_.clear();
  for (std::uint32_t s = 0; s < links_.size(); ++s) {
    heap_.push_back({links_[s].spare / links_[s].load, s});
  }
  std::make_heap(heap_.begin(), heap_.end(), later);
  rate_.assign(demands.size(), 0);
  frozen_.assign(demands.size(), false);
  for (std::uint32_t d = 0; d < demands.size(); ++d) {
    if (demands[d].usage.empty()) {
      rate_[d] = demands[d].cap.value();
      frozen_[d] = true;
    } else if (demands[d].cap.finite()) {
      caps_.push_back({demands[d].cap.value(), d});
    }
  }
  std::sort(caps_.begin(), caps_.end(),
            [&](const Level& a, const Level& b) { return later(b, a); });
  std::size_t next_cap = 0;
  double level = 0;
  while (!heap_.empty()) {
    const Level top = heap_.front();
    while (next_cap < caps_.size() && caps_[next_cap].rate <= top.rate) {
      const Level cap = caps_[next_cap++];
      level = std::max(level, cap.rate);
      if (!frozen_[cap.id]) freeze(cap.id, cap.rate);
    }
    std::pop_heap(heap_.begin(), heap_.end(), later);
    heap_.pop_back();
    const Busy& busy = links_[top.id];
    if (busy.open == 0) continue;
    // Freezing only ever raises the level at which a link fills.
    const double now = std::max(level, busy.spare / busy.load);
    if (now > top.rate * (1 + 1e-14)) {
      heap_.push_back({now, top.id});
      std::push_heap(heap_.begin(), heap_.end(), later);
      continue;
    }
    level = now;
    for (std::uint32_t i = busy.first; i < busy.next; ++i) {
      if (!frozen_[crossings_[i].demand]) freeze(crossings_[i].demand, level);
    }
  }
  return rate_;
}

std::vector<Bandwidth> max_min_rates(std::span<const Bandwidth> capacity,
                                     std::span<const Demand> demands) {
  MaxMin solver(capacity);
  std::vector<Bandwidth> rates;
  for (const double r : solver.solve(demands)) rates.push_back(Bandwidth::per_second(r));
  return rates;
}

}  // namespace tenk
