#include "workloads/collectives/inside.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "sim/base/error.h"

namespace tenk {
namespace {

constexpr std::size_t kMostSearched = 8;
constexpr int kMostTrials = 100'000;          // A V100 box needs a few hundred.
using Cycle = std::vector<std::size_t>;       // Members in order; the way back is implied.
using Lanes = std::vector<std::vector<int>>;  // Links that join two members.

int lanes_between(const Fabric& fabric, std::uint32_t a, std::uint32_t b) {
  const NodeTemplate& node = fabric.node();
  const auto& path = node.to_peer[fabric.local_of(a) * fabric.per_node() + fabric.local_of(b)];
  return path.size() == 1 ? node.cables[path.front() / 2].lanes : 0;
}

Lanes lanes_of(const Fabric& fabric, std::span<const std::uint32_t> members) {
  Lanes lanes(members.size(), std::vector<int>(members.size(), 0));
  for (std::size_t i = 0; i < members.size(); ++i) {
    for (std::size_t j = 0; j < members.size(); ++j) {
      if (i != j) lanes[i][j] = lanes_between(fabric, members[i], members[j]);
    }
  }
  return lanes;
}

// Every cycle through all members along links, each once (not again backwards).
void extend(const Lanes& lanes, Cycle& so_far, std::vector<bool>& used, std::vector<Cycle>& out) {
  const std::size_t n = lanes.size();
  if (so_far.size() == n) {
    if (lanes[so_far.back()][so_far.front()] > 0 && so_far[1] < so_far.back()) {
      out.push_back(so_far);
    }
    return;
  }
  for (std::size_t next = 1; next < n; ++next) {
    if (used[next] || lanes[so_far.back()][next] == 0) continue;
    used[next] = true;
    so_far.push_back(next);
    extend(lanes, so_far, used, out);
    so_far.pop_back();
    used[next] = false;
  }
}

// Takes the links of a cycle (or gives them back, by -1); false and no change if there are none.
bool take(Lanes& lanes, const Cycle& cycle, int count) {
  const auto each = [&](const auto& act) {
    for (std::size_t i = 0; i < cycle.size(); ++i) act(cycle[i], cycle[(i + 1) % cycle.size()]);
  };
  bool enough = true;
  each([&](std::size_t a, std::size_t b) { enough = enough && lanes[a][b] >= count; });
  if (!enough) return false;
  each([&](std::size_t a, std::size_t b) {
    lanes[a][b] -= count;
    lanes[b][a] -= count;
  });
  return true;
}

// The largest multiset of cycles that have links of their own.
class Packing {
 public:
  Packing(const std::vector<Cycle>& cycles, const Lanes& lanes) : cycles_(cycles), left_(lanes) {}

  std::vector<std::size_t> run() {
    extend_from(0);
    return best_;
  }

 private:
  void extend_from(std::size_t first) {
    if (chosen_.size() > best_.size()) best_ = chosen_;
    for (std::size_t c = first; c < cycles_.size() && trials_ < kMostTrials; ++c) {
      ++trials_;
      if (!take(left_, cycles_[c], 1)) continue;
      chosen_.push_back(c);
      extend_from(c);
      chosen_.pop_back();
      take(left_, cycles_[c], -1);
    }
  }

  const std::vector<Cycle>& cycles_;
  Lanes left_;
  std::vector<std::size_t> chosen_, best_;
  int trials_ = 0;
};

// Rings of a partial mesh, each both ways; without any the members in order, by whatever paths.
std::vector<Cycle> rings_of(const Lanes& lanes) {
  Cycle in_order(lanes.size());
  std::iota(in_order.begin(), in_order.end(), std::size_t{0});
  std::vector<Cycle> rings;
  if (lanes.size() > 2 && lanes.size() <= kMostSearched) {
    Cycle first = {0};
    std::vector<bool> used(lanes.size(), false);
    std::vector<Cycle> cycles;
    extend(lanes, first, used, cycles);
    for (const std::size_t c : Packing(cycles, lanes).run()) rings.push_back(cycles[c]);
  }
  if (rings.empty()) rings.push_back(in_order);
  return rings;
}

bool all_alike(const Lanes& lanes) {
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    for (std::size_t j = 0; j < lanes.size(); ++j) {
      if (i != j && lanes[i][j] != lanes[0][1]) return false;
    }
  }
  return true;
}

bool any_direct(const Fabric& fabric, std::span<const std::uint32_t> members) {
  return std::any_of(members.begin() + 1, members.end(), [&](std::uint32_t other) {
    return lanes_between(fabric, members[0], other) > 0;
  });
}

// One member outside of a circle of the others; a ring goes from it to the circle, there to and fro
// between ever more distant members, and back. Its steps on the circle have lengths 1, -2, 3, -4,
// ..., so that all turns of the circle, both ways round, pass every ordered pair twice.
std::vector<Cycle> zigzags(std::size_t members) {
  const std::size_t circle = members - 1;
  std::vector<Cycle> rings;
  for (std::size_t turn = 0; turn < circle; ++turn) {
    Cycle ring = {circle};
    for (std::size_t i = 0; i < circle; ++i) {
      const std::size_t at = i % 2 == 1 ? (i + 1) / 2 : circle - i / 2;
      ring.push_back((at + turn) % circle);
    }
    rings.push_back(ring);
    std::reverse(ring.begin(), ring.end());
    rings.push_back(std::move(ring));
  }
  return rings;
}

}  // namespace

bool joined_directly(const Fabric& fabric, std::span<const std::uint32_t> members) {
  for (const std::uint32_t a : members) {
    for (const std::uint32_t b : members) {
      if (a != b && lanes_between(fabric, a, b) == 0) return false;
    }
  }
  return true;
}

std::vector<Hop> ring_inside(const Fabric& fabric, std::span<const std::uint32_t> members,
                             std::size_t first, bool closed) {
  const std::size_t n = members.size();
  TENK_CHECK(n > 1, "a ring has two members");
  std::vector<Hop> hops;
  if (!any_direct(fabric, members)) {
    for (std::size_t i = 0; i + (closed ? 0 : 1) < n; ++i) {
      hops.push_back({members[(first + i) % n], members[(first + i + 1) % n], 1});
    }
    return hops;
  }
  const double kept = closed ? 1 : static_cast<double>(n - 1) / static_cast<double>(n);
  const Lanes lanes = lanes_of(fabric, members);
  if (all_alike(lanes)) {
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        if (i != j) hops.push_back({members[i], members[j], kept / static_cast<double>(n - 1)});
      }
    }
    return hops;
  }
  const std::vector<Cycle> rings = rings_of(lanes);
  const double share = kept / (2.0 * static_cast<double>(rings.size()));
  for (const Cycle& ring : rings) {
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint32_t a = members[ring[i]], b = members[ring[(i + 1) % n]];
      hops.push_back({a, b, share});
      hops.push_back({b, a, share});
    }
  }
  return hops;
}

std::vector<std::vector<std::uint32_t>> rings_inside(const Fabric& fabric,
                                                     std::span<const std::uint32_t> members,
                                                     std::size_t first) {
  const std::size_t n = members.size();
  std::vector<Cycle> cycles;
  if (n == 1 || !any_direct(fabric, members)) {
    cycles.emplace_back(n);
    std::iota(cycles.front().begin(), cycles.front().end(), std::size_t{0});
  } else if (const Lanes lanes = lanes_of(fabric, members); all_alike(lanes)) {
    cycles = zigzags(n);
  } else {
    cycles = rings_of(lanes);
    for (std::size_t c = 0, both = cycles.size(); c < both; ++c) {
      cycles.emplace_back(cycles[c].rbegin(), cycles[c].rend());
    }
  }
  std::vector<std::vector<std::uint32_t>> rings;
  for (Cycle& cycle : cycles) {
    std::rotate(cycle.begin(), std::find(cycle.begin(), cycle.end(), first), cycle.end());
    std::vector<std::uint32_t>& ring = rings.emplace_back();
    for (const std::size_t i : cycle) ring.push_back(members[i]);
  }
  return rings;
}

Bandwidth ring_rate_inside(const Fabric& fabric, std::span<const std::uint32_t> members,
                           std::span<const double> efficiency) {
  std::vector<Usage> usage;
  for (const Hop& hop : ring_inside(fabric, members, 0, true)) {
    fabric.connect(hop.from, hop.to, {hop.share, 0, 0}, usage);
  }
  merge_usage(usage);
  Bandwidth rate = Bandwidth::unlimited();
  for (const Usage& u : usage) {
    const Trunk& trunk = fabric.trunks()[u.trunk.value];
    rate = std::min(rate, trunk.capacity * (efficiency[trunk.kind] / u.connections));
  }
  return rate;
}

}  // namespace tenk
