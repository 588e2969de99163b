#include "workloads/allocation.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "sim/base/error.h"
#include "sim/base/random.h"

namespace tenk {
namespace {

constexpr std::int64_t kMostNodes = 1 << 24;

std::uint32_t leaf_of(const Room& room, std::uint32_t node) { return node / room.nodes_per_leaf; }

std::vector<std::uint32_t> all_nodes(const Room& room) {
  std::vector<std::uint32_t> nodes(room.nodes);
  std::iota(nodes.begin(), nodes.end(), 0u);
  return nodes;
}

// Of each leaf the first node, then of each the second, ...
std::vector<std::uint32_t> striped_nodes(const Room& room) {
  std::vector<std::uint32_t> nodes = all_nodes(room);
  std::stable_sort(nodes.begin(), nodes.end(), [&](std::uint32_t a, std::uint32_t b) {
    return a % room.nodes_per_leaf < b % room.nodes_per_leaf;
  });
  return nodes;
}

std::vector<std::uint32_t> shuffled_nodes(const AllocationSpec& spec, const Room& room) {
  Random random(spec.seed, "placement");
  std::vector<std::uint32_t> nodes = all_nodes(room);
  if (spec.by != AllocationUnit::kLeaf) {
    random.shuffle(std::span<std::uint32_t>(nodes));
    return nodes;
  }
  std::vector<std::uint32_t> place(leaf_of(room, room.nodes - 1) + 1);  // By leaf.
  std::iota(place.begin(), place.end(), 0u);
  random.shuffle(std::span<std::uint32_t>(place));
  std::stable_sort(nodes.begin(), nodes.end(), [&](std::uint32_t a, std::uint32_t b) {
    return place[leaf_of(room, a)] < place[leaf_of(room, b)];
  });
  return nodes;
}

bool is_free(const Room& room, std::uint32_t node) {
  const auto first = room.taken.begin() + std::int64_t{node} * room.per_node;
  return std::none_of(first, first + room.per_node, [](bool taken) { return taken; });
}

std::vector<std::uint32_t> listed_nodes(const AllocationSpec& spec, const Room& room) {
  std::vector<std::uint32_t> nodes;
  for (const std::int64_t n : spec.nodes) {
    const auto node = static_cast<std::uint32_t>(n);
    if (n >= room.nodes) {
      throw Error(
          ErrorKind::kInvalid,
          fmt::format("placement.nodes has {}; the cluster has nodes 0 to {}", n, room.nodes - 1),
          spec.where);
    }
    if (!is_free(room, node) || std::count(nodes.begin(), nodes.end(), node) > 0) {
      throw Error(ErrorKind::kInvalid, fmt::format("placement.nodes: node {} is taken", n),
                  spec.where);
    }
    nodes.push_back(node);
  }
  return nodes;
}

std::vector<std::uint32_t> nodes_in_order(const AllocationSpec& spec, const Room& room) {
  switch (spec.policy) {
    case AllocationPolicy::kPacked:
      return all_nodes(room);
    case AllocationPolicy::kStriped:
      return striped_nodes(room);
    case AllocationPolicy::kRandom:
      return shuffled_nodes(spec, room);
    case AllocationPolicy::kList:
      return listed_nodes(spec, room);
  }
  throw BugError("an allocation policy without an order");
}

std::vector<std::uint32_t> free_accelerators_shuffled(const AllocationSpec& spec,
                                                      const Room& room) {
  std::vector<std::uint32_t> all(room.taken.size());
  std::iota(all.begin(), all.end(), 0u);
  Random(spec.seed, "placement").shuffle(std::span<std::uint32_t>(all));
  std::erase_if(all, [&](std::uint32_t a) { return room.taken[a]; });
  return all;
}

}  // namespace

Room::Room(std::uint32_t nodes_there, std::uint32_t accelerators_of_node, std::uint32_t nodes_below)
    : nodes(nodes_there),
      per_node(accelerators_of_node),
      nodes_per_leaf(std::max(1u, nodes_below)),
      taken(std::size_t{nodes_there} * accelerators_of_node, false) {}

AllocationSpec read_allocation(Section& placement) {
  AllocationSpec spec;
  spec.where = placement.where();
  spec.given = placement.has("policy");
  const std::string policy =
      placement.word("policy", {"packed", "striped", "random", "list"}, "packed");
  const std::string by = placement.word("by", {"accelerator", "node", "leaf"}, "node");
  spec.seed = static_cast<std::uint64_t>(placement.integer("seed", {.min = 0}, 0));
  spec.nodes = placement.integers("nodes", {0, kMostNodes});
  if (policy == "striped") spec.policy = AllocationPolicy::kStriped;
  if (policy == "random") spec.policy = AllocationPolicy::kRandom;
  if (policy == "list") spec.policy = AllocationPolicy::kList;
  if (by == "accelerator") spec.by = AllocationUnit::kAccelerator;
  if (by == "leaf") spec.by = AllocationUnit::kLeaf;
  if (policy != "random") {
    for (const char* key : {"by", "seed"}) {
      if (placement.has(key)) {
        placement.fail(key, fmt::format("{}.{} is of policy random; found policy {}",
                                        placement.what(), key, policy));
      }
    }
  }
  if ((policy == "list") != placement.has("nodes")) {
    placement.fail("nodes",
                   policy == "list"
                       ? placement.what() + " of policy list needs nodes: [0, 1, ...]"
                       : placement.what() + ".nodes is of policy list; found policy " + policy);
  }
  return spec;
}

std::vector<std::uint32_t> allocate(const AllocationSpec& spec, std::size_t ranks, Room& room) {
  std::vector<std::uint32_t> places;
  const bool single =
      spec.policy == AllocationPolicy::kRandom && spec.by == AllocationUnit::kAccelerator;
  if (single) {
    places = free_accelerators_shuffled(spec, room);
  } else {
    for (const std::uint32_t node : nodes_in_order(spec, room)) {
      if (!is_free(room, node)) continue;
      if (places.size() >= ranks) break;
      for (std::uint32_t a = 0; a < room.per_node; ++a) {
        places.push_back(node * room.per_node + a);
      }
    }
  }
  if (places.size() < ranks) {
    throw Error(ErrorKind::kInvalid,
                fmt::format("a job of {} ranks finds {} accelerators {} by its placement", ranks,
                            places.size(), single ? "free" : "in free nodes"),
                spec.where);
  }
  for (std::size_t i = 0; i < places.size() && (!single || i < ranks); ++i) {
    room.taken[places[i]] = true;
  }
  places.resize(ranks);
  return places;
}

}  // namespace tenk
