// How does a byte get from one accelerator to another, and which trunks does it cross?
//
// A Fabric is the whole cluster as one graph: nodes with their insides, and the network between
// their NIC ports. Routes are computed, never stored: inside a node from the node's path tables,
// between nodes by the topology's Router.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sim/graph/graph.h"

namespace tenk {

// `connections` of a coflow cross `trunk` (a fraction when sprayed).
struct Usage {
  TrunkId trunk;
  double connections = 0;
  bool operator==(const Usage&) const = default;
};

// The network between NIC ports. Implementations live beside their topology.
class Router {
 public:
  virtual ~Router() = default;
  // Appends what `weight` connections from one port to another use; returns the latency of the
  // longest path taken. `key` names the connection for hashed routing. Throws Error{kInvalid} if
  // failed links leave no path.
  virtual Time connect(PortId from, PortId to, double weight, std::uint64_t key,
                       std::vector<Usage>& out) const = 0;
  // The same for `weight` connections between every ordered pair of different ports, from
  // structure: O(ports), not O(ports^2), wherever the routing allows.
  virtual Time connect_all_pairs(std::span<const PortId> ports, double weight, std::uint64_t key,
                                 std::vector<Usage>& out) const = 0;
};

// The inside of one server; all nodes of a kind are alike. Cable c of node i becomes links
// 2c and 2c + 1 of that node's block. A path is a list of local links (2c: a to b).
struct NodeTemplate {
  struct LocalDevice {
    std::string kind;
    std::uint32_t index = 0;
    std::uint16_t units = 1;
  };
  struct LocalCable {
    std::uint32_t a = 0, b = 0;
    Bandwidth rate;
    Time latency;
    std::string kind_ab, kind_ba;
    std::uint16_t lanes = 1;
  };
  using Path = std::vector<std::uint32_t>;

  std::string name;
  std::string accelerator;  // Name of its device profile; empty: bare NICs.
  std::string collectives;  // Name of its collective tuning.
  std::vector<LocalDevice> devices;
  std::vector<LocalCable> cables;
  std::vector<std::uint32_t> accelerators;  // Local devices, in order.
  std::vector<std::uint32_t> ports;         // Local NIC devices, in order.
  std::vector<std::uint32_t> port_of;       // Accelerator -> its own port.
  std::vector<Path> to_port, from_port;     // By accelerator: to and from its own port.
  std::vector<Path> to_peer;                // [a * accelerators + b]; empty: no way inside.
};

// The switched network's counts, for results.
struct NetworkFacts {
  bool buildable = true;
  std::string reason;                    // Why not.
  Bandwidth port_rate;                   // Nominal, of one node port.
  std::vector<std::string> assumptions;  // What the scenario left open and how it was closed.
};

class Fabric {
 public:
  struct Parts {
    Graph graph;
    NodeTemplate node;
    std::uint32_t nodes = 0;
    std::vector<Trunk> trunks;
    std::vector<TrunkId> trunk_of_link;
    std::shared_ptr<const Router> router;
    NetworkFacts facts;
  };
  explicit Fabric(Parts parts);

  const Graph& graph() const { return parts_.graph; }
  const NodeTemplate& node() const { return parts_.node; }
  const NetworkFacts& facts() const { return parts_.facts; }
  std::span<const Trunk> trunks() const { return parts_.trunks; }
  TrunkId trunk_of(LinkId l) const { return parts_.trunk_of_link[l.value]; }
  std::uint32_t nodes() const { return parts_.nodes; }
  std::uint32_t per_node() const { return per_node_; }
  std::uint32_t accelerators() const { return parts_.nodes * per_node_; }
  std::uint32_t node_of(std::uint32_t accelerator) const { return accelerator / per_node_; }
  std::uint32_t local_of(std::uint32_t accelerator) const { return accelerator % per_node_; }
  PortId port_of(std::uint32_t accelerator) const;
  bool peers(std::uint32_t local_a, std::uint32_t local_b) const;  // A way inside the node exists.

  // Appends what `weight` connections from accelerator a to b use; returns the path's latency.
  // Inside a node: the node's own path. Between nodes: along the rail of b: through the NVLink
  // neighbour that has b's local index where there is one (NCCL's PXN), else from a's own NIC.
  Time connect(std::uint32_t a, std::uint32_t b, double weight, std::uint64_t key,
               std::vector<Usage>& out) const;
  // Every ordered pair of different accelerators of the group, PXN as above if every node of the
  // group holds the same local indices. Ascending order. O(group + ports) under spray.
  Time connect_all_pairs(std::span<const std::uint32_t> group, double weight, std::uint64_t key,
                         std::vector<Usage>& out) const;

 private:
  Time walk(std::uint32_t node, const NodeTemplate::Path& path, double weight,
            std::vector<Usage>& out) const;
  Time inside_all_pairs(std::span<const std::uint32_t> group, double weight,
                        std::vector<Usage>& out) const;

  Parts parts_;
  std::uint32_t per_node_ = 0;
  std::uint32_t links_per_node_ = 0;
};

// Sums entries of the same trunk; ascending by trunk.
void merge_usage(std::vector<Usage>& usage);

}  // namespace tenk
