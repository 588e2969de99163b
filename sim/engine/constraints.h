// Which trunks can hold a transfer back, and which are never full before another one is?
//
// Trunks that all coflows cross in the same proportion (the links of one NIC in a row, all links of
// a collective that is alone there) are full one before the other, always in the same order. The
// first of them to be full stands for all; how busy the others are follows from it.
#pragma once
#include <cstdint>
#include <vector>

#include "sim/plan/plan.h"

namespace tenk {

struct Constraints {
  std::vector<Bandwidth> capacity;  // By constraint: of the trunk that is full first.
  Lists<ClassUsage> usage;          // By coflow class; ClassUsage::trunk is a constraint.
  // By trunk class: the constraint that it follows, and its utilisation when that is full (1 or
  // less; 0 where nothing crosses it).
  std::vector<std::uint32_t> followed;
  std::vector<double> share;
};

// Constraints in order of their trunks. O(usages log trunks).
Constraints constraints_of(const Plan& plan);

}  // namespace tenk
