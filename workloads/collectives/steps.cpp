#include "workloads/collectives/steps.h"

#include <algorithm>
#include <cmath>

#include "sim/base/error.h"

namespace tenk {
namespace {

// Members with each after its parent.
std::vector<std::uint32_t> downward(const PipelinedTree& tree) {
  std::vector<std::vector<std::uint32_t>> children(tree.parent.size());
  std::vector<std::uint32_t> order;
  for (std::uint32_t m = 0; m < tree.parent.size(); ++m) {
    if (tree.parent[m] == kNoPlace) {
      order.push_back(m);
    } else {
      children[tree.parent[m]].push_back(m);
    }
  }
  TENK_CHECK(order.size() == 1, "a tree has one root");
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::vector<std::uint32_t>& below = children[order[i]];
    order.insert(order.end(), below.begin(), below.end());
  }
  TENK_CHECK(order.size() == tree.parent.size(), "a tree joins all members");
  return order;
}

}  // namespace

std::uint32_t Steps::add(const Message& message, std::span<const std::uint32_t> wait_for) {
  const auto number = static_cast<std::uint32_t>(messages.size());
  std::vector<std::uint32_t> list;
  for (const std::uint32_t w : wait_for) {
    if (w == kNoPlace) continue;
    TENK_CHECK(w < number, "a message waits for earlier ones");
    list.push_back(w);
  }
  messages.push_back(message);
  waits.add(list);
  return number;
}

std::uint32_t longest_chain(const Steps& steps) {
  std::vector<std::uint32_t> length(steps.messages.size(), 1);
  std::uint32_t longest = 0;
  for (std::size_t m = 0; m < length.size(); ++m) {
    for (const std::uint32_t w : steps.waits[m]) length[m] = std::max(length[m], length[w] + 1);
    longest = std::max(longest, length[m]);
  }
  return longest;
}

std::uint32_t tree_pieces(double payload, std::uint32_t levels) {
  double chunk = 524288;
  const auto shorten = [&](double under_way, double least) {
    while (payload < chunk * levels * under_way && chunk > least) chunk /= 2;
  };
  shorten(8, 131072);
  shorten(4, 65536);
  shorten(1, 32768);
  return static_cast<std::uint32_t>(std::clamp(std::ceil(payload / chunk), 1.0, 1e9));
}

std::uint64_t count_messages(const PipelinedTree& tree) {
  return 2 * (tree.parent.size() - 1) * std::uint64_t{tree.pieces};
}

void add_messages(const PipelinedTree& tree, Steps& steps) {
  const std::vector<std::uint32_t> order = downward(tree);
  const std::size_t n = order.size();
  // The messages of the piece before, on the same connections: bytes of one go in order.
  std::vector<std::uint32_t> up(n, kNoPlace), down(n, kNoPlace);
  std::vector<std::vector<std::uint32_t>> arrived(n);
  for (std::uint32_t p = 0; p < tree.pieces; ++p) {
    Message message;
    message.piece = static_cast<std::uint32_t>(steps.pieces.size());
    message.share = tree.share / tree.pieces;
    message.stream = tree.share;
    steps.pieces.push_back({});
    message.adds = true;
    for (auto& list : arrived) list.clear();
    for (std::size_t i = n; i-- > 1;) {
      const std::uint32_t child = order[i];
      message.from = child;
      message.to = tree.parent[child];
      arrived[child].push_back(up[child]);
      up[child] = steps.add(message, arrived[child]);
      arrived[message.to].push_back(up[child]);
    }
    message.adds = false;
    for (std::size_t i = 1; i < n; ++i) {
      const std::uint32_t child = order[i], above = tree.parent[child];
      message.from = above;
      message.to = child;
      std::vector<std::uint32_t> wait_for = {down[child]};
      if (tree.parent[above] == kNoPlace) {  // The root has the sum once all of it has arrived.
        wait_for.insert(wait_for.end(), arrived[above].begin(), arrived[above].end());
      } else {
        wait_for.push_back(down[above]);
      }
      down[child] = steps.add(message, wait_for);
    }
  }
}

}  // namespace tenk
