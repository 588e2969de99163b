// Which node hangs below which in NCCL's double binary tree?
//
// Two binary trees over the same nodes such that a node inside one is a leaf of the other (Sanders,
// Speck, Traeff, Parallel Computing 2009; Jeaugey, "Massively scale your deep learning training
// with NCCL 2.4", 2019).
#pragma once
#include <cstdint>

namespace tenk {

struct TreeEdge {
  std::uint32_t child = 0, parent = 0;
};

// Edge r of tree 0 or 1 over n nodes, 0 < r < n. In the first tree every odd number is a leaf and 0
// is the root; the second is the first mirrored (n even) or shifted by one (n odd).
inline TreeEdge tree_edge(std::uint32_t r, std::uint32_t n, int tree) {
  const std::uint32_t bit = r & (~r + 1);
  const std::uint32_t up = (r ^ bit) | (bit << 1);
  const std::uint32_t parent = up < n ? up : r ^ bit;
  const auto relabel = [&](std::uint32_t x) {
    if (tree == 0) return x;
    return n % 2 == 0 ? n - 1 - x : (x + 1) % n;
  };
  return {relabel(r), relabel(parent)};
}

}  // namespace tenk
