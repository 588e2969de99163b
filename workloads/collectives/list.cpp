// The algorithms, one word each.
#include <array>

#include "workloads/collectives/collective.h"

namespace tenk {

extern const CollectiveKind kRing;
extern const CollectiveKind kTree;
extern const CollectiveKind kNvls;
extern const CollectiveKind kNvlsTree;
extern const CollectiveKind kBroadcast;
extern const CollectiveKind kReduce;
extern const CollectiveKind kPat;
extern const CollectiveKind kHalvingDoubling;
extern const CollectiveKind kPairwise;
extern const CollectiveKind kHierarchical;
extern const CollectiveKind kSend;

std::span<const CollectiveKind* const> collective_kinds() {
  static constexpr std::array<const CollectiveKind*, 11> kKinds = {
      &kRing,      &kTree,         &kNvls, &kNvlsTree,
      &kBroadcast, &kReduce,       &kPat,  &kHalvingDoubling,
      &kPairwise,  &kHierarchical, &kSend};
  return kKinds;
}

}  // namespace tenk
