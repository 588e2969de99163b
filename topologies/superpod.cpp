// NVIDIA DGX SuperPOD compute fabric: scalable units of 32 nodes on 64-port switches, 8 rails.
//
// A unit is eight leaves, one a rail, with 32 ports down and 32 up. Two tiers reach 8 units (64
// leaves on the ports of one spine); more units make pods of four (32 leaves) under a core tier.
// Source: DGX SuperPOD reference architectures RA-11333 (H100) and B200.
#include <algorithm>

#include <fmt/format.h>

#include "topologies/clos_network.h"

namespace tenk {
namespace {

constexpr std::int64_t kRadix = 64, kRails = 8, kNodesPerUnit = 32;
constexpr std::int64_t kMostUnits = kRadix * kRadix * kRadix / 4 / (kRails * kNodesPerUnit);

std::int64_t own_nodes(Section& s, std::uint32_t) {
  if (!s.has("units")) {
    s.fail("a superpod is sized by \"units\" here (32 nodes each) or by \"nodes\" of the cluster");
    return 1;
  }
  return kNodesPerUnit * s.integer("units", {1, kMostUnits});
}

std::shared_ptr<const Network> read_superpod(Section& s, const NetworkShape& shape) {
  const auto needed = (std::int64_t{shape.nodes} + kNodesPerUnit - 1) / kNodesPerUnit;
  const std::int64_t units = s.integer("units", {1, kMostUnits}, needed);
  if (units < needed) {
    s.fail("units", fmt::format("{} units hold {} nodes, but the cluster has {}", units,
                                units * kNodesPerUnit, shape.nodes));
  }
  if (shape.ports_per_node != kRails) {
    s.fail(fmt::format("a superpod node has {} NICs, one a rail; this one has {}; use kind clos",
                       kRails, shape.ports_per_node));
  }
  constexpr auto kHalf = kRadix / 2;
  const Level split{kHalf, kHalf, kRadix}, top{kRadix, 0, kRadix};
  ClosSpec spec;
  spec.levels = units * kRails <= kRadix ? std::vector{split, top} : std::vector{split, split, top};
  spec.rails = shape.ports_per_node == kRails ? kRails : 1;
  spec.sized_for = static_cast<std::uint32_t>(units * kNodesPerUnit);
  return finish_clos(s, std::move(spec), shape);
}

}  // namespace

extern const NetworkKind kSuperPod{
    .name = "superpod",
    .summary = "DGX SuperPOD: units of 32 nodes, 8 rails, 64-port switches",
    .parameters =
        "  units: 8                      # of 32 nodes; or cluster.nodes\n"
        "  link: {rate: 400Gbps, latency: 600ns}\n"
        "  routing: {policy: spray, seed: 0}  # spray, ecmp-expected, ecmp-hash, flowlets, "
        "adaptive\n",
    .read = read_superpod,
    .own_nodes = own_nodes};

}  // namespace tenk
