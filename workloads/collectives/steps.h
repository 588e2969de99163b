// Which messages does one channel of a collective send, and what does each wait for?
//
// The collective as a program of copies and additions: a message carries what its sender holds of a
// piece of the buffer once everything that it waits for has arrived. So the steps can be replayed
// with symbols for numbers (tests/workloads/steps_test.cpp): at the end each member holds each
// contribution that it should, once. Sources of the algorithms are beside each of them.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

#include "sim/plan/category.h"
#include "sim/plan/collective_tuning.h"
#include "sim/plan/traffic.h"

namespace tenk {

struct Group;

// What a kind of collective must know to write the steps of one channel.
struct StepRequest {
  const Group& group;
  const CollectiveTuning& tuning;
  Collective op = Collective::kAllReduce;
  Bytes bytes;                // As nccl-tests counts them.
  double payload = 0;         // Of those, on each connection of this channel.
  std::uint64_t channel = 0;  // Lane::channel.
};

// Places are the members of the group by number, and behind them the switches of its nodes: place
// members + i joins the members of the group's i-th node.
inline constexpr std::uint32_t kNoPlace = 0xffffffff;
// Of a piece: all members contribute to it; all members want it.
inline constexpr std::uint32_t kEverybody = 0xffffffff;

struct Fragment {
  std::uint32_t from = kEverybody;  // Who holds it before: a member, or each its own contribution.
  std::uint32_t to = kEverybody;    // Who must hold it in the end, everything added up.
};

struct Message {
  std::uint32_t from = 0, to = 0;  // Places.
  std::uint32_t relay = kNoPlace;  // A member whose NIC it passes on the way.
  std::uint32_t piece = 0;
  double share = 1;   // Of the bytes that the channel has for each connection.
  double stream = 1;  // The same of all messages from here to there for its purpose: of the rate
                      // that a connection may reach, they get as much.
  bool adds = false;  // To what the receiver holds; else in its place.
};

struct Steps {
  std::vector<Fragment> pieces;
  std::vector<Message> messages;  // Each after everything that it waits for.
  Lists<std::uint32_t> waits;     // By message: earlier ones that must have arrived.

  // Returns the message's number. Entries kNoPlace of `wait_for` are left out.
  std::uint32_t add(const Message& message, std::span<const std::uint32_t> wait_for);
  std::uint32_t add(const Message& message, std::initializer_list<std::uint32_t> wait_for) {
    return add(message, {wait_for.begin(), wait_for.size()});
  }
};

// Messages of the longest chain in which each waits for the one before. O(messages + waits).
std::uint32_t longest_chain(const Steps& steps);

// Pieces in which a tree sends `payload` bytes over `levels` levels: NCCL halves its chunk of
// 512 KiB while too few are under way to keep all levels busy (src/enqueue.cc, for Simple; assumed
// for LL and LL128).
std::uint32_t tree_pieces(double payload, std::uint32_t levels);

// A tree over places, and the pipeline through it: pieces go up, are added, and come down again.
struct PipelinedTree {
  std::vector<std::uint32_t> parent;  // By member; kNoPlace: the root.
  std::uint32_t pieces = 1;
  double share = 1;  // Of the channel's bytes, all pieces.
};
std::uint64_t count_messages(const PipelinedTree& tree);
void add_messages(const PipelinedTree& tree, Steps& steps);

}  // namespace tenk
