// Which rank has which coordinates in the parallel layout?
//
// Ranks count like the digits of a number: the first dimension of `order` is the fastest. Rank i
// sits on the i-th accelerator that the job gets (workloads/allocation.h), so the order decides who
// shares a node. Default: Megatron's tp-cp-ep-dp-pp (megatron/core/parallel_state.py); Llama 3 ran
// tp-cp-pp-dp (Grattafiori et al. 2024, section 3.3.2).
#pragma once
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "sim/base/ids.h"
#include "sim/base/section.h"

namespace tenk {

enum class Dimension : std::uint8_t { kTp, kCp, kEp, kDp, kPp };
inline constexpr std::size_t kDimensions = 5;
inline constexpr std::array<std::string_view, kDimensions> kDimensionNames = {"tp", "cp", "ep",
                                                                              "dp", "pp"};
// By Dimension: degrees of a layout, or coordinates of a rank.
using PerDimension = std::array<std::int64_t, kDimensions>;

class RankGrid {
 public:
  RankGrid();  // One rank.
  // `order` names each dimension of degree > 1 once. The product of degrees is below 2^32; ep 1.
  RankGrid(const std::vector<Dimension>& order, const PerDimension& degrees);

  std::size_t ranks() const { return ranks_; }
  std::int64_t degree(Dimension d) const { return degrees_[static_cast<std::size_t>(d)]; }
  RankId rank_of(const PerDimension& coordinates) const;
  PerDimension coordinates_of(RankId rank) const;
  // The ranks that differ from `rank` in `d` only, itself included, by their coordinate in `d`.
  std::vector<RankId> line(RankId rank, Dimension d) const;

 private:
  PerDimension degrees_;
  PerDimension strides_;  // Rank distance of neighbours; 0 for a dimension that `order` lacks.
  std::size_t ranks_ = 1;
};

// Reads `placement: {order: [tp, cp, ep, dp, pp]}`; a dimension of degree 1 may be left out.
RankGrid read_placement(Section section, const PerDimension& degrees);

}  // namespace tenk
