#include <catch2/catch.hpp>

#include <bit>
#include <map>
#include <numeric>

#include "tests/support.h"
#include "tests/workloads/workload_maker.h"
#include "workloads/benchmark.h"
#include "workloads/collectives/collective.h"
#include "workloads/place.h"

namespace tenk {
namespace {

using testing::endpoints;
using testing::fabric;
using testing::hopper;
using testing::servers;

std::vector<std::uint32_t> first(std::uint32_t n) {
  std::vector<std::uint32_t> list(n);
  std::iota(list.begin(), list.end(), 0u);
  return list;
}

const CollectiveKind& kind(std::string_view name) {
  for (const CollectiveKind* k : collective_kinds()) {
    if (k->name == name) return *k;
  }
  throw std::logic_error("no such kind");
}

// Connections out of each accelerator or NIC, weighted: usage of the links of one kind.
double usage_of(const Fabric& f, const std::vector<Usage>& row, const std::string& link_kind) {
  double sum = 0;
  for (const Usage& u : row) {
    if (f.graph().link_kind(f.trunks()[u.trunk.value].kind) == link_kind) sum += u.connections;
  }
  return sum;
}

Request request(Collective op, Bytes bytes, GroupShape shape, const CollectiveTuning& tuning) {
  Request r;
  r.op = op;
  r.bytes = bytes;
  r.shape = shape;
  r.path = 1200_ns;
  r.node_bus = 370_GBps;
  r.network_bus = 47_GBps * shape.rails;
  r.tuning = &tuning;
  return r;
}

TEST_CASE("A ring between bare NICs enters and leaves every NIC once per channel") {
  for (const std::uint32_t n : {2u, 3u, 5u, 16u, 61u}) {
    const Fabric f = fabric(endpoints(64, "tiers: 2, radix: 16"));
    const std::vector<std::uint32_t> members = first(n);
    const auto rows = kind("ring").lay(make_group(f, members), hopper(), 0);
    REQUIRE(rows.size() == 1);  // Two equal channels of the NIC, merged.
    for (const Usage& u : rows[0].usage) {
      const std::string& k = f.graph().link_kind(f.trunks()[u.trunk.value].kind);
      if (k.starts_with("host")) CHECK(u.connections == 2);
    }
    CHECK(usage_of(f, rows[0].usage, "host up") == 2 * n);
    CHECK(usage_of(f, rows[0].usage, "host down") == 2 * n);
  }
}

TEST_CASE("Rings of whole servers leave each node once on each rail and never change rails") {
  const Fabric f = fabric(servers(4, "tiers: 2, radix: 16, rails: 8"));
  const std::vector<std::uint32_t> members = first(32);
  const auto rows = kind("ring").lay(make_group(f, members), hopper(), 0);
  REQUIRE(rows.size() == 8);
  for (const auto& [row, per_pair, channel] : rows) {
    CHECK(per_pair == 2);
    CHECK(usage_of(f, row, "host up") == 2 * 4);
    CHECK(usage_of(f, row, "host down") == 2 * 4);
    CHECK(usage_of(f, row, "leaf-spine up") == 0);
    // Seven steps inside each node, and one to the GPU that owns the rail's NIC.
    CHECK(usage_of(f, row, "nvlink out") == 2 * 4 * 8);
  }
}

TEST_CASE("Each tree joins all nodes with n - 1 edges both ways; no node has more than three") {
  for (const std::uint32_t n : {2u, 3u, 4u, 7u, 8u, 13u, 32u, 64u}) {
    CAPTURE(n);
    const Fabric f = fabric(endpoints(64, "tiers: 2, radix: 16"));
    const std::vector<std::uint32_t> members = first(n);
    std::map<std::uint32_t, double> both;
    for (const auto& [row, per_pair, channel] :
         kind("tree").lay(make_group(f, members), hopper(), 0)) {
      const double copies = n == 2 ? 2 : 1;  // With two nodes both trees are the same edge.
      CHECK(usage_of(f, row, "host up") == Approx(copies * 2 * (n - 1)));
      for (const Usage& u : row) {
        const std::string& k = f.graph().link_kind(f.trunks()[u.trunk.value].kind);
        if (k != "host up") continue;
        CHECK(u.connections <= 3 * copies);
        both[u.trunk.value] += u.connections;
      }
    }
    // A node inside one tree is a leaf of the other: together four at most.
    for (const auto& [trunk, sum] : both) CHECK(sum <= 4);
    CHECK(both.size() == n);
  }
}

TEST_CASE("All-to-all has a connection between every two members") {
  const Fabric f = fabric(endpoints(24, "tiers: 2, radix: 8"));
  const std::vector<std::uint32_t> members = first(24);
  const auto rows = kind("pairwise").lay(make_group(f, members), hopper(), 0);
  REQUIRE(rows.size() == 1);
  CHECK(usage_of(f, rows[0].usage, "host up") == 24 * 23);
  CHECK(usage_of(f, rows[0].usage, "host down") == 24 * 23);
}

TEST_CASE("All-reduce sends what reduce-scatter and all-gather send together") {
  const CollectiveTuning tuning = hopper();
  for (const GroupShape shape :
       {GroupShape{8, 1, 8}, GroupShape{64, 8, 8}, GroupShape{16, 16, 1}}) {
    const auto bytes = [&](Collective op) {
      return kind("ring").terms(request(op, 1_GiB, shape, tuning), Protocol::kSimple)->bytes;
    };
    CHECK(bytes(Collective::kAllReduce) ==
          Approx(bytes(Collective::kAllGather) + bytes(Collective::kReduceScatter)));
  }
}

TEST_CASE("The latency of a ring: base, inner steps at the measured pace, outer at the network's") {
  CollectiveTuning tuning = hopper();
  tuning.pace[0].base.value = 5e-6;
  tuning.pace[0].step.value = 0.8e-6;
  // 8 GPUs, all-gather, LL: 5.0 + 7 x 0.8 = 10.6 us; NCCL reckons with 6.6 + 7 x 0.6 = 10.8.
  const auto inside =
      kind("ring").terms(request(Collective::kAllGather, 1_KiB, {8, 1, 8}, tuning), Protocol::kLL);
  CHECK(inside->latency.us() == Approx(10.6));
  CHECK(inside->predicted.us() == Approx(10.8).epsilon(1e-3));
  // 2 x 8 GPUs, all-reduce, LL: 2 x 15 steps, 2 of them outside: 5.0 + 28 x max(0.8, 1)
  // + 2 x (2.7 + 1.2 of path) = 40.8 us.
  const auto two =
      kind("ring").terms(request(Collective::kAllReduce, 1_KiB, {16, 2, 8}, tuning), Protocol::kLL);
  CHECK(two->latency.us() == Approx(40.8));
  // Tree, 4 x 8, LL: 6.8 + 2 (3 ... inner 7 x 0.6 + log2(4) x (5.0 + 1.2)) = 40.0 us.
  const auto tree =
      kind("tree").terms(request(Collective::kAllReduce, 1_KiB, {32, 4, 8}, tuning), Protocol::kLL);
  CHECK(tree->latency.us() == Approx(6.8 + 2 * (7 * 0.6 + 2 * 6.2)));
}

TEST_CASE(
    "NCCL's choice: LL for small messages, Simple for large, trees for small all-reduces of "
    "many nodes, PAT for small all-gathers") {
  const CollectiveTuning tuning = hopper();
  const auto chosen = [&](Bytes bytes, GroupShape shape) {
    const Choice c = choose(request(Collective::kAllReduce, bytes, shape, tuning));
    return std::pair(std::string(c.kind->name), c.protocol);
  };
  CHECK(chosen(1_KiB, {8, 1, 8}).second == Protocol::kLL);
  CHECK(chosen(1_GiB, {8, 1, 8}) == std::pair(std::string("ring"), Protocol::kSimple));
  CHECK(chosen(64_KiB, {512, 64, 8}).first == "tree");
  CHECK(chosen(8_GiB, {16, 2, 8}).second == Protocol::kSimple);
  // One GPU a node, all-gather: PAT needs 4 steps where the ring needs 15, and has 0.75 of its
  // rate.
  const auto gathered = [&](Bytes bytes, GroupShape shape) {
    return std::string(choose(request(Collective::kAllGather, bytes, shape, tuning)).kind->name);
  };
  CHECK(gathered(64_KiB, {16, 16, 1}) == "pat");
  CHECK(gathered(1_GiB, {16, 16, 1}) == "ring");
  CHECK(gathered(64_KiB, {16, 2, 8}) == "ring");
}

TEST_CASE("Bytes on the wires meet the known bound of each operation") {
  // Endpoint NICs: the bound over the NIC of n ranks and S bytes is S 2(n-1)/n for all-reduce,
  // S (n-1)/n for all-gather, reduce-scatter and all-to-all, S for broadcast and reduce.
  const Fabric f = fabric(endpoints(16, "tiers: 2, radix: 16"));
  const std::vector<Bytes> sizes = {1_GiB};
  const auto places = first(16);
  for (const Collective op : kBenchmarkOps) {
    const Traffic t = place(f, one_after_another(16, op, sizes), hopper(), places);
    const double bytes = (1_GiB).value() * bus_factor(op, 16);
    CHECK(wire_bound(t, SlotId()).s() == Approx(bytes / 50e9).epsilon(1e-6));
  }
}

TEST_CASE("Algorithms that are asked for send no more than the bound, over any number of NICs") {
  // All-gather and reduce-scatter S (n-1)/n; all-reduce 2 S (p-1)/p with p the largest power of
  // two, and S more in and out of the partner of a member beyond it.
  CollectiveTuning tuning = hopper();
  tuning.asked = {{Collective::kAllReduce, "halving-doubling"},
                  {Collective::kAllGather, "pat"},
                  {Collective::kReduceScatter, "pat"}};
  const std::vector<Bytes> sizes = {1_GiB};
  for (const std::uint32_t n : {2u, 3u, 4u, 6u, 7u, 16u, 31u, 64u}) {
    const Fabric f = fabric(endpoints(64, "tiers: 2, radix: 128"));
    for (const auto& [op, algorithm] : tuning.asked) {
      CAPTURE(n, algorithm);
      const Traffic t = place(f, one_after_another(n, op, sizes), tuning, first(n));
      REQUIRE(t.methods[0].algorithm == algorithm);
      const double p = std::bit_floor(n);
      double bound = (n - 1.0) / n;
      if (op == Collective::kAllReduce) bound = 2 * (p - 1) / p + (n > p ? 1 : 0);
      CHECK(wire_bound(t, SlotId()).s() == Approx((1_GiB).value() * bound / 50e9).epsilon(1e-6));
    }
  }
}

TEST_CASE("An algorithm that is asked for serves where it can; NCCL's choice elsewhere") {
  CollectiveTuning tuning = hopper();
  const auto chosen = [&](Collective op, GroupShape shape) {
    return std::string(choose(request(op, 1_MiB, shape, tuning)).kind->name);
  };
  CHECK(chosen(Collective::kAllReduce, {16, 16, 1}) != "halving-doubling");
  tuning.asked = {{Collective::kAllReduce, "halving-doubling"}, {Collective::kAllGather, "pat"}};
  CHECK(chosen(Collective::kAllReduce, {16, 16, 1}) == "halving-doubling");
  CHECK(chosen(Collective::kAllGather, {16, 16, 1}) == "pat");
  CHECK(chosen(Collective::kAllGather, {16, 2, 8}) == "ring");
  // 16 nodes: 8 + 4 x (14 / 3.5) + 16 x 2.8 = 68.8 us; tenk adds 2 x 1.2 us of path to each step.
  const Request r = request(Collective::kAllGather, 16_B, {16, 16, 1}, tuning);
  const Terms pat = *kind("pat").terms(r, Protocol::kSimple);
  CHECK(pat.predicted.us() == Approx(68.8).epsilon(1e-4));
  CHECK(pat.latency.us() == Approx(68.8 + 4 * 2.4));
}

TEST_CASE("All-to-all in two steps sends between nodes what pairwise does, and more inside") {
  CollectiveTuning tuning = hopper();
  const Fabric f = fabric(servers(4, "tiers: 2, radix: 16, rails: 8"));
  const std::vector<std::uint32_t> members = first(32);
  // 4 nodes of 8: a member sends S (7/8 + 3/4) in both steps, of that 3/4 S out of its node.
  const auto lanes = kind("hierarchical").lay(make_group(f, members), tuning, 0);
  REQUIRE(lanes.size() == 1);
  const double sent = 7.0 / 8 + 3.0 / 4;
  CHECK(usage_of(f, lanes[0].usage, "host up") * sent == Approx(32 * 3.0 / 4));
  CHECK(usage_of(f, lanes[0].usage, "nvlink out") * sent == Approx(32 * 7.0 / 8));
  CHECK(usage_of(f, lanes[0].usage, "leaf-spine up") == 0);
  const auto pairs = kind("pairwise").lay(make_group(f, members), tuning, 0);
  CHECK(usage_of(f, pairs[0].usage, "host up") / 32 == Approx(32 * 3.0 / 4));
  // Asked for where nodes have 8 and 3 members, it leaves the group to NCCL's choice.
  tuning.asked = {{Collective::kAllToAll, "hierarchical"}};
  const std::vector<Bytes> sizes = {1_MiB};
  for (const std::uint32_t n : {11u, 16u}) {
    const Workload w = one_after_another(n, Collective::kAllToAll, sizes);
    const Traffic t = place(f, w, tuning, first(n));
    CHECK(t.methods[0].algorithm == (n == 16 ? "hierarchical" : "pairwise"));
  }
}

TEST_CASE("A broadcast passes every NIC of a rail once and is a chain from the first member") {
  const Fabric f = fabric(servers(4, "tiers: 2, radix: 16, rails: 8"));
  const std::vector<std::uint32_t> members = first(32);
  for (const std::string name : {"ring-broadcast", "ring-reduce"}) {
    const auto lanes = kind(name).lay(make_group(f, members), hopper(), 0);
    REQUIRE(lanes.size() == 8);
    for (std::size_t rail = 0; rail < 8; ++rail) {
      // The ring of rail r enters node 0 at GPU r and leaves it from GPU r - 1; the root is GPU 0.
      // What a broadcast leaves out, the edge into the root, is one between nodes on rail 0; what a
      // reduce leaves out, the edge from the root, on rail 1.
      const bool fewer = rail == (name == "ring-broadcast" ? 0 : 1);
      CHECK(usage_of(f, lanes[rail].usage, "host up") == (fewer ? 2 * 3 : 2 * 4));
      CHECK(usage_of(f, lanes[rail].usage, "leaf-spine up") == 0);
    }
  }
}

TEST_CASE("A link that a group cannot do without is an error when it is down") {
  const Fabric f = fabric(
      "{nodes: 4, node: endpoint, fabric: {kind: clos, tiers: 2, radix: 8, link: {rate: 400Gbps, "
      "latency: 1us}}, degrade: [{link: \"node2.nic0:leaf0\", rate: 0Gbps}]}");
  const std::vector<Bytes> sizes = {1_MiB};
  CHECK_THROWS_WITH(
      place(f, one_after_another(4, Collective::kAllGather, sizes), hopper(), first(4)),
      Catch::Contains("host up") && Catch::Contains("down"));
}

}  // namespace
}  // namespace tenk
