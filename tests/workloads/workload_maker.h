// Small workloads for tests: random ones that exercise every seam, and single patterns.
#pragma once
#include "sim/base/random.h"
#include "sim/plan/collective_tuning.h"
#include "workloads/workload.h"

namespace tenk::testing {

CollectiveTuning hopper();

inline Op call(SlotId slot, Category category, Stream stream = Stream::kCompute,
               bool sends = false) {
  Op op;
  op.kind = Op::Kind::kCommunicate;
  op.stream = stream;
  op.category = category;
  op.slot = slot;
  op.sends = sends;
  return op;
}
inline Op compute(Time t) {
  Op op;
  op.duration = t;
  return op;
}

// Ranks in a tp x pp x dp grid (tp fastest if `tp_first`, else dp), a role per stage, several
// rounds of compute, collectives of random operation and size on tp, dp and a second family over
// the same ranks as dp, sends along the stages (in a ring if `ring`), on several streams.
struct GridShape {
  std::uint32_t tp = 1, pp = 1, dp = 1;
  bool tp_first = true;
  bool ring = false;
  std::uint32_t ranks() const { return tp * pp * dp; }
};
Workload random_grid(const GridShape& shape, Random& random);

// Rank i sends once to rank i + distance, for i in [0, senders).
Workload senders(std::uint32_t ranks, std::uint32_t senders, std::uint32_t distance, Bytes bytes);

}  // namespace tenk::testing
