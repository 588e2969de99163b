// The node kinds, one word each.
#include <array>

#include "topologies/nodes/node.h"

namespace tenk {

extern const NodeKind kEndpoint;
extern const NodeKind kHgx;
extern const NodeKind kMesh;
extern const NodeKind kPcie;

std::span<const NodeKind* const> node_kinds() {
  static constexpr std::array<const NodeKind*, 4> kKinds = {&kEndpoint, &kHgx, &kMesh, &kPcie};
  return kKinds;
}

}  // namespace tenk
