// How fast is in-switch reduction (NVLink SHARP) inside a node?
//
// Each of n GPUs heads a share of the buffer: it lets the switch read and add up that share from
// all GPUs, and write the sum back to all. So S/n of sums come in and go out beside the S that the
// others read and write: S (1 + 1/n) each way, and the bus bandwidth may exceed the link's. Work
// goes in chunks whose length NCCL chooses by size (src/enqueue.cc); a chunk costs a round through
// the switch on top of its bytes, so short ones are slower.
#pragma once
#include "workloads/collectives/collective.h"

namespace tenk {

// NCCL's estimate of the bus bandwidth, all channels, without the network.
Bandwidth planned_nvls_bus(const Request& request, std::uint32_t heads);

// NCCL's chunk lengths. `concurrent`: channels x heads, chunks in flight.
Bytes nvls_chunk(Bytes bytes, std::uint64_t concurrent);
Bytes nvls_tree_chunk(Bytes bytes, std::uint64_t concurrent, std::uint32_t nodes);

// The part of an all-reduce inside one node, for one piece: the members' contributions go up to the
// switch and are added there, the sum goes to the head; back from the head to the switch and to all
// others.
class SwitchSteps {
 public:
  // `members` of one node and its switch, as places.
  SwitchSteps(std::vector<std::uint32_t> members, std::uint32_t node_switch, std::uint32_t head);
  static std::uint64_t messages(std::size_t members) { return 2 * members + 2; }

  // Adds the way up; returns the message that brings the node's sum to the head.
  std::uint32_t reduce(Message message, Steps& steps);
  // Adds the way down, once everything in `wait_for` has arrived at the head.
  void broadcast(Message message, std::span<const std::uint32_t> wait_for, Steps& steps);

 private:
  std::vector<std::uint32_t> members_;
  std::uint32_t switch_, head_;
  // The messages of the piece before on each connection.
  std::vector<std::uint32_t> up_, down_;
  std::uint32_t to_head_ = kNoPlace, from_head_ = kNoPlace;
};

// Payload through one GPU, all channels together.
Bandwidth nvls_rate(const NvlsTuning& nvls, std::uint32_t heads, Bytes chunk);

}  // namespace tenk
