// How do broadcast and reduce run along the rings of a group?
//
// As a pipeline: the bytes follow the ring from the root through all members, or through all of
// them to the root, and are added up on the way; the ring's remaining edge carries nothing. Each
// edge carries all bytes of the channel, so a chain is one coflow. The root is the group's first
// member (as nccl-tests calls it by default). NCCL calls this its ring algorithm
// (src/device/broadcast.h, reduce.h).
#pragma once
#include <optional>
#include <vector>

#include "workloads/collectives/collective.h"

namespace tenk {

enum class ChainWay : std::uint8_t { kFromRoot, kToRoot };

// What the steps of a ring take inside and between nodes (profiles/collectives) for the ranks - 1
// steps of a chain, and its bytes at the rate of a ring. NCCL's own estimate counts one step where
// all channels pass the members alike (one rail), else all of them (tuning.cc).
std::optional<Terms> chain_terms(const Request& request, Protocol protocol);

std::vector<Lane> lay_chain(const Group& group, const CollectiveTuning& tuning, int way,
                            ChainWay direction);

// A piece is NCCL's chunk of Simple, 512 KiB (assumed for LL and LL128 too).
std::uint64_t count_chain(const StepRequest& request);
Steps write_chain(const StepRequest& request, ChainWay direction);

}  // namespace tenk
