#include "sim/engine/constraints.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "sim/base/hash.h"

namespace tenk {
namespace {

constexpr double kTolerance = 1e-13;  // Of proportions: quotients of doubles.

struct Crossing {
  std::uint32_t coflow = 0;
  double connections = 0;
};

// Usages by trunk, coflows ascending.
Lists<Crossing> crossings_of(const Plan& plan) {
  Lists<Crossing> by_trunk;
  by_trunk.offsets.assign(plan.capacity.size() + 1, 0);
  for (const ClassUsage& u : plan.usage.items) ++by_trunk.offsets[u.trunk.value + 1];
  std::partial_sum(by_trunk.offsets.begin(), by_trunk.offsets.end(), by_trunk.offsets.begin());
  by_trunk.items.resize(plan.usage.items.size());
  std::vector<std::uint32_t> next(by_trunk.offsets.begin(), by_trunk.offsets.end() - 1);
  for (std::uint32_t c = 0; c < plan.usage.size(); ++c) {
    for (const ClassUsage& u : plan.usage[c]) {
      by_trunk.items[next[u.trunk.value]++] = {c, u.connections};
    }
  }
  return by_trunk;
}

bool proportional(std::span<const Crossing> a, std::span<const Crossing> b) {
  const double ratio = b.front().connections / a.front().connections;
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](const auto& x, const auto& y) {
    const double expected = x.connections * ratio;
    return x.coflow == y.coflow && std::abs(y.connections - expected) <= kTolerance * expected;
  });
}

// Sets `followed` to a trunk of the same proportions, the same for all of them.
void group_trunks(const Lists<Crossing>& crossings, std::vector<std::uint32_t>& followed) {
  struct Coloured {
    std::uint64_t colour = 0;  // Of the proportions; trunks of one colour are compared.
    std::uint32_t trunk = 0;
  };
  std::vector<Coloured> order;
  for (std::uint32_t t = 0; t < crossings.size(); ++t) {
    if (crossings[t].empty()) continue;
    std::uint64_t colour = 0;
    for (const Crossing& x : crossings[t]) {
      const double proportion = x.connections / crossings[t].front().connections;
      const auto rough = (std::bit_cast<std::uint64_t>(proportion) + 0x800) >> 12;
      colour = combine(colour, combine(x.coflow, rough));
    }
    order.push_back({colour, t});
  }
  std::sort(order.begin(), order.end(), [](const Coloured& a, const Coloured& b) {
    return a.colour != b.colour ? a.colour < b.colour : a.trunk < b.trunk;
  });
  std::vector<std::uint32_t> leaders;  // Of the groups of this colour.
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || order[i].colour != order[i - 1].colour) leaders.clear();
    const std::uint32_t t = order[i].trunk;
    const auto same = std::find_if(leaders.begin(), leaders.end(), [&](std::uint32_t leader) {
      return proportional(crossings[leader], crossings[t]);
    });
    followed[t] = same == leaders.end() ? t : *same;
    if (same == leaders.end()) leaders.push_back(t);
  }
}

}  // namespace

Constraints constraints_of(const Plan& plan) {
  const std::size_t trunks = plan.capacity.size();
  const Lists<Crossing> crossings = crossings_of(plan);
  Constraints c;
  c.followed.assign(trunks, 0);
  c.share.assign(trunks, 0);
  group_trunks(crossings, c.followed);
  const auto room = [&](std::uint32_t t) {  // For one connection of the first coflow, if alone.
    return plan.capacity[t].value() / crossings[t].front().connections;
  };
  std::vector<std::uint32_t> first(trunks);  // By leader: the trunk that is full first.
  std::iota(first.begin(), first.end(), 0u);
  for (std::uint32_t t = 0; t < trunks; ++t) {
    if (crossings[t].empty()) continue;
    std::uint32_t& best = first[c.followed[t]];
    if (room(t) < room(best)) best = t;
  }
  std::vector<std::uint32_t> number(trunks, 0);  // By trunk that is full first: its constraint.
  std::vector<bool> kept(trunks, false);
  for (std::uint32_t t = 0; t < trunks; ++t) {
    kept[t] = !crossings[t].empty() && first[c.followed[t]] == t;
    if (!kept[t]) continue;
    number[t] = static_cast<std::uint32_t>(c.capacity.size());
    c.capacity.push_back(plan.capacity[t]);
  }
  for (std::uint32_t t = 0; t < trunks; ++t) {
    if (crossings[t].empty()) continue;
    const std::uint32_t best = first[c.followed[t]];
    c.share[t] = room(best) / room(t);
    c.followed[t] = number[best];
  }
  std::vector<ClassUsage> row;
  for (std::size_t f = 0; f < plan.usage.size(); ++f) {
    row.clear();
    for (const ClassUsage& u : plan.usage[f]) {
      if (kept[u.trunk.value]) row.push_back({ClassId(number[u.trunk.value]), u.connections});
    }
    c.usage.add(row);
  }
  return c;
}

}  // namespace tenk
