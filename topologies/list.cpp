// The topologies, one word each.
#include <array>

#include "topologies/network.h"

namespace tenk {

extern const NetworkKind kClos;

std::span<const NetworkKind* const> network_kinds() {
  static constexpr std::array<const NetworkKind*, 1> kKinds = {&kClos};
  return kKinds;
}

}  // namespace tenk
