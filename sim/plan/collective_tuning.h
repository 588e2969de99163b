// How long do collectives take to start, how fast can a channel go, which variant is chosen?
//
// Two things as data (profiles/collectives/*.yaml, profiles/nics/*.yaml), each with its source. The
// tables of NCCL's own cost model, by which NCCL *chooses*: latencies in seconds, bandwidths in
// bytes/s of payload; indices: algorithm ring, tree; protocol LL, LL128, Simple; node class 1, 2,
// 3 and more nodes. And what the chosen variant then *takes*, fitted to measured sweeps of the
// hardware generation: NCCL's latencies are meant for comparing, and are up to three times too
// short for Simple.
#pragma once
#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/section.h"
#include "sim/plan/category.h"
#include "sim/plan/device_profile.h"

namespace tenk {

enum class Algorithm : std::uint8_t { kRing, kTree };
enum class Protocol : std::uint8_t { kLL, kLL128, kSimple };
inline constexpr std::array<std::string_view, 3> kProtocolNames = {"LL", "LL128", "Simple"};
template <class T>
using ByProtocol = std::array<T, 3>;
template <class T>
using ByAlgorithm = std::array<T, 2>;

// What a ring takes inside one node: base + step x steps, and then its bytes, of which no step can
// be shorter than `floor` (a chunk has to arrive before it goes on).
struct RingPace {
  Known base, step, floor;  // Seconds.
  Known rate;               // Bytes/s on each edge, all channels together; 0: as the links.
};

// In-switch reduction (NVLink SHARP).
struct NvlsTuning {
  Time latency, network, tree_network;             // NCCL's own estimate.
  double efficiency = 1;                           // NCCL's own, of the channel speeds below.
  std::vector<double> speeds;                      // GB/s a channel that NCCL tries, falling.
  std::array<Bandwidth, 3> tree_per_channel = {};  // By node class; 0: no limit.
  int channels = 1;                                // Thread blocks of the kernel.
  Known start;                                     // Seconds of one operation, measured.
  Known rate;            // Bytes/s that one GPU sends or receives, with chunks of any length.
  Known chunk_overhead;  // Time of a chunk of 32 KiB beyond its bytes, over that of its bytes.
};

// Parallel aggregated trees, by NCCL's own estimate (no measurements of them are known).
struct PatTuning {
  Time base, network;          // Of one operation; of a step between nodes.
  double steps_at_once = 1;    // By which the latency of a step is divided.
  Time each_rank;              // On top, for every rank.
  double bandwidth_share = 1;  // Of a ring's.
};

// Grouped sends and receives.
struct PointToPoint {
  Known ll_base, base;  // Seconds of one operation.
  Known ll_rate;        // Bytes/s out of one GPU, all peers together.
  Known out;            // The same for Simple.
  Known all;            // With the copy to itself: what the channels can move; bytes/s.
  Bytes ll_most;        // Bytes for one peer up to which LL is used.
};

// What a family of NICs adds to NCCL's tables.
struct NicTuning {
  std::string name;
  Known efficiency;       // Of the line rate, rings.
  Known tree_efficiency;  // Of the line rate of all rails: payload of a tree of 3 and more nodes.
  Known pair_efficiency;  // Of the line rate: all-to-all.
  Known ring_step;        // Seconds: the least of a Simple ring's steps.
  Known hop;              // Seconds on top of NCCL's step of Simple between nodes.
  Known ll_hop;           // The same for LL and LL128.
  Known fill;             // Seconds a MiB: a tree's chunk grows with the message, ...
  Known fill_most;        // ... up to so many seconds a hop.
  Known long_ll;          // Seconds: what LL takes longer for messages above `long_ll_from`.
  Known ll_rate;          // Bytes/s of a NIC for rings of LL.
  Bytes long_ll_from;
  bool ll128 = true;  // Whether NCCL uses LL128 across it.
};

struct CollectiveTuning {
  std::string name;
  // NCCL's tables.
  ByAlgorithm<ByProtocol<Time>> base;     // Per operation.
  ByAlgorithm<ByProtocol<Time>> nvlink;   // Per step inside a node.
  ByAlgorithm<ByProtocol<Time>> network;  // Per step between nodes, without the path itself.
  Time network_overhead;                  // Per inner step once there are nodes; x 3 for Simple.
  double ring_simple_factor = 1;          // On the latency of large multi-node ring all-reduces.
  std::array<Bandwidth, 3> ll_total;      // By node class: all channels together.
  std::array<Bandwidth, 3> ring_ll128;    // By node class, per channel.
  std::array<Bandwidth, 3> tree_ll128;
  std::array<Bandwidth, 3> tree_simple;
  ByProtocol<std::vector<double>> tree_correction;  // By log2(bytes / 64).
  int node_channels = 1;                            // Channels of a group inside one node.
  int nic_channels = 1;                             // Channels per NIC of a group that spans nodes.
  bool node_ll128 = true;                           // Whether LL128 is used inside a node (NVLink).
  double planned_nvlink = 1;  // Of the rate of links inside a node, what NCCL plans with.
  std::optional<NvlsTuning> nvls;
  std::optional<PatTuning> pat;
  // What is reached.
  Known nvlink_efficiency;   // Of the rate of the links inside a node, rings of large messages.
  Known network_efficiency;  // Of the NIC's line rate: that of `nic`.
  ByProtocol<RingPace> pace;
  Known own_copy;  // Bytes/s at which a ring copies the piece that never travels.
  PointToPoint pairs;
  NicTuning nic;
  std::vector<std::string> without;         // Algorithms that the user forbids, by name.
  std::map<Collective, std::string> asked;  // Those that the user asks for.

  bool forbids(std::string_view algorithm) const;
};

// Throw Error with all faults. The NIC of a tuning read alone is empty.
CollectiveTuning read_collective_tuning(const Config& file);
NicTuning read_nic_tuning(const Config& file);
// The presets of both names.
CollectiveTuning load_collective_tuning(const std::string& collectives, const std::string& nic);

}  // namespace tenk
