#include "workloads/placement.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>

#include "sim/base/error.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

std::size_t index_of(Dimension d) { return static_cast<std::size_t>(d); }

std::vector<Dimension> default_order() {
  return {Dimension::kTp, Dimension::kCp, Dimension::kEp, Dimension::kDp, Dimension::kPp};
}

}  // namespace

RankGrid::RankGrid() : RankGrid(default_order(), {1, 1, 1, 1, 1}) {}

RankGrid::RankGrid(const std::vector<Dimension>& order, const PerDimension& degrees)
    : degrees_(degrees), strides_{} {
  TENK_CHECK(degree(Dimension::kEp) == 1, "expert parallelism is not supported yet");
  for (const Dimension d : order) {
    TENK_CHECK(strides_[index_of(d)] == 0, "each dimension stands in the order once");
    strides_[index_of(d)] = static_cast<std::int64_t>(ranks_);
    ranks_ *= static_cast<std::size_t>(degree(d));
  }
  for (std::size_t d = 0; d < kDimensions; ++d) {
    TENK_CHECK(degrees_[d] >= 1 && (strides_[d] > 0 || degrees_[d] == 1),
               "each dimension of more than one coordinate stands in the order");
  }
  TENK_CHECK(ranks_ <= std::numeric_limits<std::uint32_t>::max(), "ranks are 32-bit");
}

RankId RankGrid::rank_of(const PerDimension& coordinates) const {
  std::int64_t rank = 0;
  for (std::size_t d = 0; d < kDimensions; ++d) {
    TENK_CHECK(coordinates[d] >= 0 && coordinates[d] < degrees_[d], "coordinates are in the grid");
    rank += coordinates[d] * strides_[d];
  }
  return RankId(static_cast<std::uint32_t>(rank));
}

PerDimension RankGrid::coordinates_of(RankId rank) const {
  TENK_CHECK(rank.value < ranks_, "the rank is in the grid");
  PerDimension coordinates{};
  for (std::size_t d = 0; d < kDimensions; ++d) {
    if (strides_[d] > 0) coordinates[d] = rank.value / strides_[d] % degrees_[d];
  }
  return coordinates;
}

std::vector<RankId> RankGrid::line(RankId rank, Dimension d) const {
  PerDimension at = coordinates_of(rank);
  std::vector<RankId> ranks;
  for (std::int64_t c = 0; c < degree(d); ++c) {
    at[index_of(d)] = c;
    ranks.push_back(rank_of(at));
  }
  return ranks;
}

RankGrid read_placement(Section section, const PerDimension& degrees) {
  std::vector<Dimension> order;
  const Config* given = section.raw("order");
  if (given == nullptr || given->kind() != Config::Kind::kList) order = default_order();
  for (const std::string& word : section.texts("order")) {
    const auto found = std::find(kDimensionNames.begin(), kDimensionNames.end(), word);
    if (found == kDimensionNames.end()) {
      section.fail("order", fmt::format("{}.order has \"{}\"; it lists tp, cp, ep, dp and pp, the "
                                        "fastest first",
                                        section.what(), shown(word)));
      continue;
    }
    const auto d = static_cast<Dimension>(found - kDimensionNames.begin());
    if (std::find(order.begin(), order.end(), d) == order.end()) {
      order.push_back(d);
    } else {
      section.fail("order", fmt::format("{}.order has {} twice", section.what(), word));
    }
  }
  for (const Dimension d : default_order()) {
    if (std::find(order.begin(), order.end(), d) != order.end()) continue;
    order.push_back(d);
    if (degrees[index_of(d)] == 1) continue;
    section.fail("order", fmt::format("{}.order lacks {}, whose degree is {}", section.what(),
                                      kDimensionNames[index_of(d)], degrees[index_of(d)]));
  }
  section.finish();
  return RankGrid(order, degrees);
}

}  // namespace tenk
