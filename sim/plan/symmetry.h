// Which ranks, coflows and trunks are alike, so that one of each stands for all?
//
// A partition is equitable if (a) all trunks of a class have equal capacity and carry the same
// total usage from each coflow class; (b) all coflows of a class ask the same and have the same
// multiset of usages over each trunk class; (c) all ranks of a class play the same role, compute
// at the same speed and take part in the same number of coflows of each class at the same end, and
// all coflows of a class have the same number of members of each rank class at each end. Then the
// folded problem, one variable per coflow class and one constraint per trunk class, has exactly the
// solution of the unfolded one (docs/model.md has the induction).
//
// Found by colour refinement (Weisfeiler-Leman in one dimension, as for graph isomorphism and for
// lifted linear programs: Grohe, Kersting, Mladenov, Selman, ESA 2014) with 64-bit colours, then
// verified in one pass on the actual sums; where a colour lied, its class is split and refinement
// goes on. O(rounds x usages); the rounds are few (docs/performance.md).
#pragma once
#include <cstdint>
#include <vector>

#include "sim/plan/traffic.h"

namespace tenk {

// One kind of thing, partitioned. Classes are numbered by their first member.
struct Partition {
  std::vector<ClassId> class_of;
  std::vector<std::uint32_t> representative;  // By class: the first member.
  std::vector<std::uint32_t> count;           // By class: members.

  std::size_t classes() const { return representative.size(); }
};

struct Symmetry {
  Partition ranks, coflows, trunks;
};

struct RefineOptions {
  int colour_bits = 64;  // Fewer make colours collide: tests see the verification catch it.
};

// The coarsest equitable partition that refinement finds; verified. Deterministic.
Symmetry find_symmetry(const Traffic& traffic, const RefineOptions& options = {});

// Everything in a class of its own: the unfolded simulation, on the same code path.
Symmetry no_symmetry(const Traffic& traffic);

}  // namespace tenk
