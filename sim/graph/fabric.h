// How does a byte get from one accelerator to another, and which trunks does it cross?
//
// A Fabric is the whole cluster as one graph: nodes with their insides, and the network between
// their NIC ports. Routes are computed, never stored: inside a node from the node's path tables,
// between nodes by the topology's Router.
#pragma once
#include <limits>
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

// What to lay: how many connections, and which way where there is a choice.
struct Wire {
  double weight = 1;      // Connections.
  std::uint64_t key = 0;  // Names the connection for hashed routing.
  int way = 0;            // 0 <= way < Router::ways().
};

// The network between NIC ports. Implementations live beside their topology.
class Router {
 public:
  virtual ~Router() = default;
  // Appends what the connections from one port to another use; returns the latency of the longest
  // path taken. Throws Error{kInvalid} if failed links leave no path.
  virtual Time connect(PortId from, PortId to, const Wire& wire, std::vector<Usage>& out) const = 0;
  // The same between every ordered pair of different ports (ascending, at least two), from
  // structure: O(ports), not O(ports^2), wherever the routing allows.
  virtual Time connect_all_pairs(std::span<const PortId> ports, const Wire& wire,
                                 std::vector<Usage>& out) const = 0;
  // The most ranks of one all-to-all, where each connection is laid by itself.
  virtual std::size_t most_all_pairs() const { return std::numeric_limits<std::size_t>::max(); }
  // Ways between which an adaptive policy (ugal) balances load: 0 minimal, 1 by a detour. Whoever
  // places the job lays each way and mixes them.
  virtual int ways() const { return 1; }
  // Does it hash each connection onto one of several equal paths?
  virtual bool hashes() const { return false; }
  // Rate of the cable that each ordered pair of ports has to itself (full mesh), which no trunk
  // stands for; unlimited where there is none.
  virtual Bandwidth private_rate() const { return Bandwidth::unlimited(); }
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
  std::string accelerator;         // Name of its device profile; empty: bare NICs.
  std::string collectives;         // Name of its collective tuning.
  std::string nic;                 // Name of its NIC tuning.
  bool reduces_in_switch = false;  // Its switches multicast and add up (NVLink SHARP).
  std::vector<LocalDevice> devices;
  std::vector<LocalCable> cables;
  std::vector<std::uint32_t> accelerators;  // Local devices, in order.
  std::vector<std::uint32_t> ports;         // Local NIC devices, in order.
  std::vector<std::uint32_t> port_of;       // Accelerator -> its own port.
  std::vector<Path> to_port, from_port;     // By accelerator: to and from its own port.
  std::vector<Path> to_peer;                // [a * accelerators + b]; empty: no way inside.
};

// What the topology knows of itself without simulation. Counts are the topology's own (the graph of
// a full mesh does not hold its cables one by one); tests hold them against the graph elsewhere.
struct NetworkFacts {
  struct Switches {
    std::string kind;  // "leaf", "router", ...
    std::uint64_t count = 0;
    std::uint64_t ports = 0;  // Most ports in use on one.
    std::uint64_t radix = 0;  // Ports one has; 0: as many as needed.
  };
  struct Cables {
    std::string tier;  // "host", "leaf-spine", "local", "global", ...
    std::uint64_t count = 0;
    Bandwidth rate;  // Of one, each way.
  };
  std::vector<Switches> switches;
  std::vector<Cables> cables;
  std::uint32_t nodes_per_switch = 1;  // Nodes on one edge switch (per rail): the cabling unit.
  int diameter_hops = 0;      // Switch-to-switch links on the longest shortest path between ports.
  Bandwidth bisection;        // One direction, worst balanced cut.
  std::string bisection_how;  // "formula", "bound", ...
  double oversubscription = 1;  // Product over tiers, worst path.
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

  const Router& router() const { return *parts_.router; }
  // Appends what the connections from accelerator a to b use; returns the path's latency.
  // Inside a node: the node's own path. Between nodes: along the rail of b: through the NVLink
  // neighbour that has b's local index where there is one (NCCL's PXN), else from a's own NIC.
  Time connect(std::uint32_t a, std::uint32_t b, const Wire& wire, std::vector<Usage>& out) const;
  // The same from accelerator a to the switch that joins the accelerators of its node, or (`back`)
  // from there to a. The node's ways between accelerators must lead through one switch.
  Time connect_to_switch(std::uint32_t a, bool back, const Wire& wire,
                         std::vector<Usage>& out) const;
  // Every ordered pair of different accelerators of the group, PXN as above if every node of the
  // group holds the same local indices. Ascending order. O(group + ports) under spray. Throws
  // Error{kInvalid} beyond Router::most_all_pairs().
  Time connect_all_pairs(std::span<const std::uint32_t> group, const Wire& wire,
                         std::vector<Usage>& out) const;

 private:
  Time walk(std::uint32_t node, const NodeTemplate::Path& path, double weight,
            std::vector<Usage>& out) const;
  Time inside_all_pairs(std::span<const std::uint32_t> group, const Wire& wire,
                        std::vector<Usage>& out) const;

  Parts parts_;
  std::uint32_t per_node_ = 0;
  std::uint32_t links_per_node_ = 0;
};

// Sums entries of the same trunk; ascending by trunk.
void merge_usage(std::vector<Usage>& usage);

}  // namespace tenk
