// How does one group carry out one operation, and what does that ask of the wires?
//
// As NCCL does it: each enabled (algorithm, protocol) gets a predicted time from NCCL's own cost
// model (docs/collectives.md; tables in profiles/collectives) and the least wins. That model gives
// the choice only; start latencies and caps are what sweeps of the hardware generation measured,
// and the bandwidth comes from the coflow on the real fabric. An algorithm is one .cpp that ends in
// a `const CollectiveKind`, plus one word in list.cpp.
#pragma once
#include <algorithm>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "sim/graph/fabric.h"
#include "sim/plan/category.h"
#include "sim/plan/collective_tuning.h"
#include "workloads/collectives/steps.h"

namespace tenk {

struct GroupShape {
  std::uint32_t ranks = 0;
  std::uint32_t nodes = 1;
  std::uint32_t rails = 1;  // NICs of the members on the node that has fewest: all can use them.
  bool even = true;         // All nodes have as many members.
  auto operator<=>(const GroupShape&) const = default;
};

// A group's accelerators, ascending, split by node.
struct Group {
  const Fabric& fabric;
  std::span<const std::uint32_t> members;
  std::vector<std::span<const std::uint32_t>> nodes;
};
Group make_group(const Fabric& fabric, std::span<const std::uint32_t> members);
GroupShape shape_of(const Group& group);
// The number of a member, by accelerator. O(log n).
std::uint32_t place_of(const Group& group, std::uint32_t accelerator);
// The member of a node, by number, that owns a rail's NIC.
inline std::size_t owner_of(std::uint32_t rail, std::size_t members, std::uint32_t rails) {
  return rail * members / rails % members;
}

// What NCCL would know when it chooses, and what the wires of the group can do.
struct Request {
  Collective op = Collective::kAllReduce;
  Bytes bytes;  // As nccl-tests counts them (workloads/workload.h).
  GroupShape shape;
  Time path;               // Latency of the longest connection between nodes.
  Bandwidth node_bus;      // What the rings inside a node reach together (inside.h).
  Bandwidth network_bus;   // All rails of a node together, as transfers reach them.
  bool in_switch = false;  // The node's switches can reduce (NVLink SHARP).
  bool mesh = false;       // GPUs are joined without a switch.
  const CollectiveTuning* tuning = nullptr;

  int channels() const;
  std::size_t node_class() const { return std::min<std::size_t>(shape.nodes, 3) - 1; }
  // What NCCL reckons with.
  Bandwidth planned_node_bus() const {
    return node_bus * (tuning->planned_nvlink / tuning->nvlink_efficiency.value);
  }
  Bandwidth planned_bus() const { return shape.nodes == 1 ? planned_node_bus() : network_bus; }
  // Nominal, of the NICs of all rails.
  Bandwidth line_rate() const { return network_bus / tuning->network_efficiency.value; }
};

// The answer for one protocol.
struct Terms {
  Time latency;
  double bytes = 0;                        // Payload on each connection of each channel.
  Bandwidth cap = Bandwidth::unlimited();  // Payload, of one connection.
  Time predicted;                          // NCCL's own estimate: what the choice is made by.
  int channels = 1;                        // Thread blocks that carry it out.
};

// One channel, or several equal ones with their sum.
struct Lane {
  std::vector<Usage> usage;   // Ascending, each trunk once.
  double per_pair = 1;        // Connections between the same two ports.
  std::uint64_t channel = 0;  // Its first channel: rail x channels of a NIC + number on the NIC.
};

struct CollectiveKind {
  std::string_view name;
  std::string_view summary;
  bool (*serves)(Collective op);
  // nullopt: not offered with this protocol, or to this group.
  std::optional<Terms> (*terms)(const Request& request, Protocol protocol);
  // One lane for each channel, by the router's way `way`; equal channels come as one lane.
  std::vector<Lane> (*lay)(const Group& group, const CollectiveTuning& tuning, int way);
  // What a channel of it sends, message by message, for engine.detail steps: how many, in O(ranks),
  // and which. On its wires they put the bytes that the lane does (but for trees on meshes).
  std::uint64_t (*count_steps)(const StepRequest& request);
  Steps (*write_steps)(const StepRequest& request);
  bool on_request = false;  // Taken only where the user asks for it: NCCL would not.
};

std::span<const CollectiveKind* const> collective_kinds();

struct Choice {
  const CollectiveKind* kind = nullptr;
  Protocol protocol = Protocol::kSimple;
  Terms terms;
};
// What the tuning asks for where that is offered; else the least predicted time among the
// algorithms that it does not forbid; ties go to the earlier kind and protocol. O(kinds). Throws
// Error{kInvalid} if nothing is left.
Choice choose(const Request& request);

// Bytes on the wire for each byte of payload: LL sends a flag with every 4 bytes, LL128 8 bytes
// in 128 (NCCL's protocols).
double wire_overhead(Protocol protocol);

// Pieces that the algorithms share.
// What one step between nodes takes: NCCL's table, what the NIC adds, and the path once (LL, LL128)
// or twice (Simple flush).
Time network_step(const Request& request, Algorithm algorithm, Protocol protocol);
// What a chunk of Simple takes longer to a node than its latency, before it goes on from there: its
// length grows with the message, up to a limit.
Time chunk_delay(const Request& request);
// The cap at which `bytes` take at least `floor`: what pipelining cannot hide.
Bandwidth paced(double bytes, Time floor);
// The channels of a group between nodes: one lay-out for each rail and each channel of its NIC.
// `edges(rail, i, add)` calls add(a, b, share) for each connection, share of it 1 or less. Equal
// channels are merged.
template <class Edges>
std::vector<Lane> lay_channels(const Group& group, const CollectiveTuning& tuning, int way,
                               const Edges& edges) {
  const GroupShape shape = shape_of(group);
  const bool inside = shape.nodes == 1;
  const int copies = inside ? 1 : tuning.nic_channels;
  const double weight = inside ? tuning.node_channels : 1;
  std::vector<Lane> lanes;
  for (std::uint32_t rail = 0; rail < (inside ? 1 : shape.rails); ++rail) {
    const std::size_t first_of_rail = lanes.size();
    for (int i = 0; i < copies; ++i) {
      Lane lane;
      const std::uint64_t key = rail * static_cast<std::uint64_t>(copies) + i;
      edges(rail, i, [&](std::uint32_t a, std::uint32_t b, double share = 1) {
        group.fabric.connect(a, b, {weight * share, key, way}, lane.usage);
      });
      merge_usage(lane.usage);
      lane.per_pair = weight;
      lane.channel = key;
      lanes.push_back(std::move(lane));
    }
    const bool alike =
        std::all_of(lanes.begin() + static_cast<std::ptrdiff_t>(first_of_rail), lanes.end(),
                    [&](const Lane& l) { return l.usage == lanes[first_of_rail].usage; });
    if (!alike || copies == 1) continue;
    lanes.resize(first_of_rail + 1);
    lanes.back().per_pair *= copies;
    for (Usage& u : lanes.back().usage) u.connections *= copies;
  }
  return lanes;
}

}  // namespace tenk
