// The k-ary three-tier fat tree: k^3/4 ports on 5k^2/4 switches of k ports, full bisection.
//
// All of it is there even if fewer nodes are: k^2/2 edge ("leaf") and aggregation ("spine")
// switches, k^2/4 core switches (Al-Fares, Loukissas, Vahdat, SIGCOMM 2008).
#include <algorithm>

#include <fmt/format.h>

#include "topologies/clos_network.h"

namespace tenk {
namespace {

constexpr std::int64_t kMostPorts = 200;  // k^3/4 = 2,000,000 node ports.

struct FatTree {
  std::int64_t k = 2, rails = 1;
};

FatTree read_size(Section& s) {
  FatTree tree{s.integer("k", {2, kMostPorts}), s.integer("rails", {1, 64}, 1)};
  if (tree.k % 2 != 0) {
    s.fail("k", fmt::format("a fat tree has an even k, half of the ports up; use {} or {}",
                            tree.k - 1, tree.k + 1));
    tree.k -= 1;
  }
  return tree;
}

std::int64_t own_nodes(Section& s, std::uint32_t ports_per_node) {
  const FatTree tree = read_size(s);
  if (ports_per_node % tree.rails != 0) return 0;
  const std::int64_t nodes_per_unit = tree.k / 2 / (ports_per_node / tree.rails);
  return tree.k * tree.k / 2 / tree.rails * nodes_per_unit;
}

std::shared_ptr<const Network> read_fat_tree(Section& s, const NetworkShape& shape) {
  const FatTree tree = read_size(s);
  const std::int64_t half = tree.k / 2;
  const auto up = static_cast<double>(half);
  ClosSpec spec;
  spec.levels = {{half, up, tree.k}, {half, up, tree.k}, {tree.k, 0, tree.k}};
  spec.rails = tree.rails;
  spec.sized_for = static_cast<std::uint32_t>(own_nodes(s, shape.ports_per_node));
  return finish_clos(s, std::move(spec), shape);
}

}  // namespace

extern const NetworkKind kFatTree{
    .name = "fat-tree",
    .summary = "k-ary three-tier fat tree with k^3/4 ports",
    .parameters =
        "  k: 16                         # even; k^3/4 ports\n"
        "  rails: 1\n"
        "  link: {rate: 400Gbps, latency: 600ns}\n"
        "  routing: {policy: spray, seed: 0}  # spray, ecmp-expected, ecmp-hash, flowlets, "
        "adaptive\n",
    .read = read_fat_tree,
    .own_nodes = own_nodes};

}  // namespace tenk
