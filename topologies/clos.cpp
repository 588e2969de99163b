// A CLOS by radix or by level, as large as its nodes need.
#include "topologies/clos_network.h"

namespace tenk {
namespace {

std::shared_ptr<const Network> read_clos(Section& s, const NetworkShape& shape) {
  ClosSpec spec;
  read_clos_levels(s, spec);
  spec.rails = s.integer("rails", {1, 64}, 1);
  return finish_clos(s, std::move(spec), shape);
}

}  // namespace

extern const NetworkKind kClos{
    .name = "clos",
    .summary = "leaf-spine or three-tier CLOS by radix or by level, rails, oversubscription",
    .parameters =
        "  tiers: 3                      # 2 or 3; or levels: [{down: 16, up: 16}, ...]\n"
        "  radix: 64                     # ports of a switch\n"
        "  rails: 1                      # leaves that share the NICs of a node\n"
        "  oversubscription: {leaf: 1, spine: 1}\n"
        "  link: {rate: 400Gbps, latency: 600ns}\n"
        "  routing: {policy: spray, seed: 0}  # spray, ecmp-expected, ecmp-hash, flowlets, "
        "adaptive\n",
    .read = read_clos};

}  // namespace tenk
