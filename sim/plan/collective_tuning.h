// How long do collectives take to start, how fast can a channel go, which variant is chosen?
//
// The tables of NCCL's own cost model as data (profiles/collectives/*.yaml), each with its source.
// Latencies in seconds, bandwidths in bytes/s of payload. Indices: algorithm ring, tree; protocol
// LL, LL128, Simple; node class 1, 2, 3 and more nodes.
#pragma once
#include <array>
#include <string>

#include "sim/base/section.h"
#include "sim/plan/device_profile.h"

namespace tenk {

enum class Algorithm : std::uint8_t { kRing, kTree };
enum class Protocol : std::uint8_t { kLL, kLL128, kSimple };
inline constexpr std::array<std::string_view, 3> kProtocolNames = {"LL", "LL128", "Simple"};
template <class T>
using ByProtocol = std::array<T, 3>;
template <class T>
using ByAlgorithm = std::array<T, 2>;

struct CollectiveTuning {
  std::string name;
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
  Known nvlink_efficiency;   // Of the NVLink rate that NCCL's transfers reach.
  Known network_efficiency;  // Of the NIC's line rate.
};

// Throws Error with all faults.
CollectiveTuning read_collective_tuning(const Config& file);

}  // namespace tenk
