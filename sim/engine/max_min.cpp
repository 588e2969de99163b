#include "sim/engine/max_min.h"

#include <algorithm>
#include <limits>

#include "sim/base/error.h"

namespace tenk {
namespace {

constexpr std::size_t kFew = 256;  // So many links are all in the heap.
constexpr double kMostReach = 1e6;
constexpr double kReach = 1.1;  // Fastest where levels are shares of equal links.

}  // namespace

MaxMin::MaxMin(std::span<const Bandwidth> capacity)
    : slot_of_link_(capacity.size(), 0), stamp_(capacity.size(), 0) {
  for (const Bandwidth c : capacity) capacity_.push_back(c.value());
}

// Gathers the links in use and who crosses what, both ways.
void MaxMin::collect(std::span<const Demand> demands, std::span<const double> taken) {
  ++epoch_;
  links_.clear();
  of_demand_.clear();
  first_of_demand_.assign(1, 0);
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
      const std::uint32_t slot = slot_of_link_[link];
      links_[slot].load += u.connections;
      ++links_[slot].open;
      of_demand_.push_back({slot, u.connections});
    }
    first_of_demand_.push_back(static_cast<std::uint32_t>(of_demand_.size()));
  }
  std::uint32_t first = 0;
  for (Busy& busy : links_) {
    busy.first = busy.next = first;
    first += busy.open;
  }
  of_link_.resize(of_demand_.size());
  for (std::uint32_t d = 0; d < demands.size(); ++d) {
    for (std::uint32_t i = first_of_demand_[d]; i < first_of_demand_[d + 1]; ++i) {
      of_link_[links_[of_demand_[i].slot].next++] = d;
    }
  }
}

void MaxMin::freeze(std::uint32_t demand, double rate) {
  rate_[demand] = rate;
  --left_;
  for (std::uint32_t i = first_of_demand_[demand]; i < first_of_demand_[demand + 1]; ++i) {
    Busy& busy = links_[of_demand_[i].slot];
    busy.spare -= of_demand_[i].connections * rate;
    busy.load -= of_demand_[i].connections;
    --busy.open;
  }
}

// Moves an entry of the heap that is perhaps too high to its place.
void MaxMin::sink(std::size_t at) {
  const Level level = heap_[at];
  for (;;) {
    const std::size_t first = 4 * at + 1, last = std::min(first + 4, heap_.size());
    if (first >= heap_.size()) break;
    std::size_t least = first;
    for (std::size_t child = first + 1; child < last; ++child) {
      if (heap_[child] < heap_[least]) least = child;
    }
    if (!(heap_[least] < level)) break;
    heap_[at] = heap_[least];
    at = least;
  }
  heap_[at] = level;
}

// Moves the links that fill next, at `floor` or above, from those that wait to the heap; false if
// none is left.
bool MaxMin::refill(double floor) {
  double least = std::numeric_limits<double>::infinity();
  std::size_t left = 0;
  for (const std::uint32_t s : waiting_) {
    const Busy& busy = links_[s];
    if (busy.open == 0) continue;
    least = std::min(least, std::max(floor, busy.spare / busy.load));
    waiting_[left++] = s;
  }
  waiting_.resize(left);
  most_ = left <= kFew ? std::numeric_limits<double>::infinity() : least * reach_;
  left = 0;
  for (const std::uint32_t s : waiting_) {
    const double level = std::max(floor, links_[s].spare / links_[s].load);
    if (level <= most_) {
      heap_.push_back({level, s});
    } else {
      waiting_[left++] = s;
    }
  }
  waiting_.resize(left);
  if (heap_.size() < left / 32) reach_ = std::min(reach_ * reach_, kMostReach);
  for (std::size_t i = heap_.size() / 4 + 1; i-- > 0;) {
    if (i < heap_.size()) sink(i);
  }
  return !heap_.empty();
}

// What limits one demand alone: its cap, and links that no other crosses. All other links wait.
void MaxMin::limit(std::span<const Demand> demands) {
  own_.resize(demands.size());
  for (std::size_t d = 0; d < demands.size(); ++d) own_[d] = demands[d].cap.value();
  waiting_.clear();
  for (std::uint32_t s = 0; s < links_.size(); ++s) {
    const Busy& busy = links_[s];
    if (busy.open > 1) {
      waiting_.push_back(s);
    } else {
      double& own = own_[of_link_[busy.first]];
      own = std::min(own, busy.spare / busy.load);
    }
  }
  caps_.clear();
  for (std::uint32_t d = 0; d < demands.size(); ++d) {
    if (demands[d].usage.empty()) {
      rate_[d] = own_[d];
      --left_;
    } else if (own_[d] < std::numeric_limits<double>::infinity()) {
      caps_.push_back({own_[d], d});
    }
  }
  std::sort(caps_.begin(), caps_.end());
}

// Progressive filling proper.
void MaxMin::fill() {
  std::size_t next_cap = 0;
  double level = 0;
  while (left_ > 0 && (!heap_.empty() || refill(level))) {
    const Level top = heap_.front();
    while (next_cap < caps_.size() && caps_[next_cap].rate <= top.rate) {
      const Level cap = caps_[next_cap++];
      level = std::max(level, cap.rate);
      if (rate_[cap.id] < 0) freeze(cap.id, cap.rate);
    }
    const Busy& busy = links_[top.id];
    if (busy.open > 0) {
      // Freezing only ever raises the level at which a link fills.
      const double now = std::max(level, busy.spare / busy.load);
      if (now > top.rate * (1 + 1e-14) && now <= most_) {
        heap_.front().rate = now;
        sink(0);
        continue;
      }
      if (now > most_) {
        waiting_.push_back(top.id);
      } else {
        level = now;
        for (std::uint32_t i = busy.first; i < busy.next; ++i) {
          if (rate_[of_link_[i]] < 0) freeze(of_link_[i], level);
        }
      }
    }
    heap_.front() = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) sink(0);
  }
  for (; left_ > 0; ++next_cap) {  // Who shares no link that is still open.
    TENK_CHECK(next_cap < caps_.size(), "a link or a limit of its own holds every demand");
    if (rate_[caps_[next_cap].id] < 0) freeze(caps_[next_cap].id, caps_[next_cap].rate);
  }
}

std::span<const double> MaxMin::solve(std::span<const Demand> demands,
                                      std::span<const double> taken) {
  collect(demands, taken);
  heap_.clear();
  reach_ = kReach;
  rate_.assign(demands.size(), -1);
  left_ = demands.size();
  limit(demands);
  fill();
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
