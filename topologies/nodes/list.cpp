// The node kinds, one word each.
#include <array>

#include "topologies/nodes/node.h"

namespace tenk {

extern const NodeKind kEndpoint;
extern const NodeKind kHgx;

std::span<const NodeKind* const> node_kinds() {
  static constexpr std::array<const NodeKind*, 2> kKinds = {&kEndpoint, &kHgx};
  return kKinds;
}

}  // namespace tenk
