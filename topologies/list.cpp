// The topologies, one word each.
#include <array>

#include "topologies/network.h"

namespace tenk {

extern const NetworkKind kClos, kFatTree, kSuperPod, kRailOnly, kDragonfly, kFullMesh;

std::span<const NetworkKind* const> network_kinds() {
  static constexpr std::array<const NetworkKind*, 6> kKinds = {&kClos,     &kFatTree,   &kSuperPod,
                                                               &kRailOnly, &kDragonfly, &kFullMesh};
  return kKinds;
}

}  // namespace tenk
