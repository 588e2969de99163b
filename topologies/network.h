// What must a topology provide, and which ones are there?
//
// A Network reads its own section of the scenario, adds its switches and cables to the graph, and
// then, once degraded links have their final capacity, says which links form trunks and how to
// route. A topology is one .cpp that ends in a `const NetworkKind`, plus one word in list.cpp.
#pragma once
#include <memory>
#include <span>
#include <string_view>

#include "sim/base/section.h"
#include "sim/graph/fabric.h"

namespace tenk {

struct NetworkShape {
  std::uint32_t nodes = 0;
  std::uint32_t ports_per_node = 0;
};

// Collects trunks while routes are laid out. Every link is put into exactly one.
class TrunkTable {
 public:
  explicit TrunkTable(const Graph& graph);
  TrunkId single(LinkId link);
  // One trunk of links of equal kind and capacity; TENK_CHECKs that they are.
  TrunkId bundle(std::span<const LinkId> links);
  // Links that nobody named become single trunks.
  void finish();
  std::vector<Trunk> trunks;
  std::vector<TrunkId> trunk_of_link;

 private:
  const Graph& graph_;
  std::vector<bool> placed_;
};

class Network {
 public:
  virtual ~Network() = default;
  // Adds switches and cables; `ports` are the NIC devices in order of PortId.
  virtual void build(GraphBuilder& builder, std::span<const DeviceId> ports) const = 0;
  // Lays out trunks and routes. `first_link` is the first that build added; degraded links have
  // their final capacity by now.
  virtual std::shared_ptr<const Router> route(const Graph& graph, LinkId first_link,
                                              TrunkTable& trunks) const = 0;
  virtual NetworkFacts facts() const = 0;
};

struct NetworkKind {
  std::string_view name;
  std::string_view summary;
  std::string_view parameters;  // An example of the section with every key, a line each.
  // Reads and validates; reports faults through the section and then still returns a harmless
  // network, or nullptr. Does not call finish().
  std::shared_ptr<const Network> (*read)(Section& section, const NetworkShape& shape);
  // For kinds whose parameters fix their size: how many nodes take all ports (0: not even one
  // fits). Asked where cluster.nodes is left out, before `read`, which then reads the same keys
  // again (equal faults are reported once). nullptr: the cluster must say.
  std::int64_t (*own_nodes)(Section& section, std::uint32_t ports_per_node) = nullptr;
};

std::span<const NetworkKind* const> network_kinds();

// Paths of hashed connections are enumerated up to this many ranks in one all-to-all.
inline constexpr std::size_t kMaxHashedRanks = 4096;
inline constexpr std::int64_t kMaxPorts = 65536;       // Of one switch.
inline constexpr std::int64_t kMaxCables = 1ll << 25;  // Of one tier.

// A CLOS sprays over all shortest paths in equal parts (ecmp-expected: the same mean load, named
// for what it assumes), in proportion to what the paths can carry (adaptive), or hashes: each
// connection onto one path, or (flowlets) each of so many equal pieces of it. A dragonfly goes the
// shortest way (minimal), by a detour (valiant), or has both to choose from (ugal).
enum class RoutingPolicy {
  kSpray,
  kEcmpExpected,
  kEcmpHash,
  kMinimal,
  kValiant,
  kUgal,
  kAdaptive,
  kFlowlets
};
struct RoutingSpec {
  RoutingPolicy policy = RoutingPolicy::kSpray;
  std::uint64_t seed = 0;    // Of hashes; the other policies draw nothing.
  std::int64_t pieces = 16;  // kFlowlets: of a connection.

  bool hashes() const {
    return policy == RoutingPolicy::kEcmpHash || policy == RoutingPolicy::kFlowlets;
  }
};
// The default is the first of those the kind knows.
RoutingSpec read_routing(Section section, std::span<const RoutingPolicy> allowed);

struct LinkSpec {
  Bandwidth rate;
  Time latency;
};
LinkSpec read_link(Section section);

}  // namespace tenk
