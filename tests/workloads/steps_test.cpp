// Detail steps: do the messages of every algorithm carry out the operation, and what do they take?
#include <catch2/catch.hpp>

#include <functional>
#include <map>
#include <numeric>

#include <fmt/format.h>

#include "sim/base/error.h"
#include "sim/base/random.h"
#include "sim/engine/engine.h"
#include "tests/support.h"
#include "tests/workloads/workload_maker.h"
#include "workloads/benchmark.h"
#include "workloads/collectives/collective.h"
#include "workloads/expand.h"
#include "workloads/lower.h"
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

// What happens, in a random order that keeps all waits: 2m, message m leaves with what its sender
// holds; 2m + 1, it arrives.
std::vector<std::uint32_t> any_order(const Steps& steps, Random& random) {
  const std::size_t n = steps.messages.size();
  std::vector<std::vector<std::uint32_t>> next(n);
  std::vector<std::size_t> waiting(n);
  std::vector<std::uint32_t> ready, order;
  for (std::uint32_t m = 0; m < n; ++m) {
    waiting[m] = steps.waits[m].size();
    for (const std::uint32_t w : steps.waits[m]) next[w].push_back(m);
    if (waiting[m] == 0) ready.push_back(2 * m);
  }
  while (!ready.empty()) {
    const std::size_t pick = random.below(ready.size());
    const std::uint32_t event = ready[pick];
    ready[pick] = ready.back();
    ready.pop_back();
    order.push_back(event);
    if (event % 2 == 0) {
      ready.push_back(event + 1);
      continue;
    }
    for (const std::uint32_t later : next[event / 2]) {
      if (--waiting[later] == 0) ready.push_back(2 * later);
    }
  }
  REQUIRE(order.size() == 2 * n);  // No cycle.
  return order;
}

// How often a place holds each member's contribution to a piece; empty: nothing yet.
using Sum = std::map<std::uint32_t, int>;

// Whether each member that wants a piece has each contribution to it once, whatever the order.
bool carries_out(const Steps& steps, std::uint32_t members, Random& random) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, Sum> held;  // By piece and place.
  for (std::uint32_t p = 0; p < steps.pieces.size(); ++p) {
    for (std::uint32_t m = 0; m < members; ++m) {
      if (steps.pieces[p].from == kEverybody || steps.pieces[p].from == m) held[{p, m}] = {{m, 1}};
    }
  }
  std::map<std::uint32_t, Sum> under_way;  // By message.
  for (const std::uint32_t event : any_order(steps, random)) {
    const Message& message = steps.messages[event / 2];
    if (event % 2 == 0) {
      under_way[event / 2] = held[{message.piece, message.from}];
      continue;
    }
    const Sum sent = std::move(under_way[event / 2]);
    Sum& into = held[{message.piece, message.to}];
    if (!message.adds) into.clear();
    for (const auto& [member, times] : sent) into[member] += times;
  }
  for (std::uint32_t p = 0; p < steps.pieces.size(); ++p) {
    const Fragment& piece = steps.pieces[p];
    Sum wanted;
    for (std::uint32_t m = 0; m < members; ++m) {
      if (piece.from == kEverybody || piece.from == m) wanted[m] = 1;
    }
    for (std::uint32_t m = 0; m < members; ++m) {
      if ((piece.to == kEverybody || piece.to == m) && held[{p, m}] != wanted) return false;
    }
  }
  return true;
}

bool applies(const CollectiveKind& kind, const Group& group, const CollectiveTuning& tuning) {
  const GroupShape shape = shape_of(group);
  const bool in_switch = group.fabric.node().reduces_in_switch && tuning.nvls.has_value();
  if (kind.name == "nvls") return in_switch && shape.nodes == 1;
  if (kind.name == "nvls-tree") {
    return in_switch && shape.nodes > 1 && shape.ranks >= 2 * shape.nodes;
  }
  if (kind.name == "hierarchical") {
    return shape.nodes > 1 && shape.even && shape.ranks > shape.nodes;
  }
  if (kind.name == "pat") return shape.nodes == shape.ranks;
  return kind.name != "send" || shape.ranks == 2;
}

struct Shape {
  std::string cluster;
  std::uint32_t ranks;
};

std::vector<Shape> shapes() {
  std::vector<Shape> all;
  for (const std::uint32_t n : {2u, 3u, 4u, 5u, 7u, 8u, 12u, 16u, 31u, 33u, 64u}) {
    all.push_back({endpoints(64, "tiers: 2, radix: 16"), n});
  }
  for (const std::uint32_t n : {2u, 3u, 5u, 8u, 16u, 24u, 40u, 64u}) {
    all.push_back({servers(8, "tiers: 2, radix: 16, rails: 8"), n});
  }
  for (const std::string node : {"gh200-4", "mi300x-8", "dgx-1v"}) {
    const std::string cluster = "{nodes: 4, node: " + node +
                                ", fabric: {kind: clos, tiers: 2, radix: 64, link: {rate: 400Gbps, "
                                "latency: 600ns}}}";
    for (const std::uint32_t n : {2u, 3u, 4u, 8u, 16u}) all.push_back({cluster, n});
  }
  return all;
}

TEST_CASE("Whatever the order, messages leave each member with each contribution exactly once") {
  const CollectiveTuning tuning = hopper();
  Random random(1, "steps");
  int cases = 0;
  for (const Shape& shape : shapes()) {
    const Fabric f = fabric(shape.cluster);
    const std::vector<std::uint32_t> members = first(shape.ranks);
    const Group group = make_group(f, members);
    for (const CollectiveKind* kind : collective_kinds()) {
      if (!applies(*kind, group, tuning)) continue;
      for (std::size_t op = 0; op < kCollectiveNames.size(); ++op) {
        if (!kind->serves(static_cast<Collective>(op))) continue;
        CAPTURE(shape.cluster, shape.ranks, kind->name, kCollectiveNames[op]);
        for (const Lane& lane : kind->lay(group, tuning, 0)) {
          const StepRequest request{group, tuning, static_cast<Collective>(op),
                                    1_MiB, 6e5,    lane.channel};
          const Steps steps = kind->write_steps(request);
          REQUIRE(steps.messages.size() == kind->count_steps(request));
          REQUIRE(carries_out(steps, shape.ranks, random));
          ++cases;
        }
      }
    }
  }
  CHECK(cases > 400);
}

TEST_CASE("A replay finds a contribution that is missing, double, or overtaken") {
  const CollectiveTuning tuning = hopper();
  const Fabric f = fabric(endpoints(8, "tiers: 2, radix: 16"));
  const std::vector<std::uint32_t> members = first(5);
  const Group group = make_group(f, members);
  const CollectiveKind& ring = *collective_kinds()[0];
  const Steps right = ring.write_steps({group, tuning, Collective::kAllReduce, 1_MiB, 1e6, 0});
  Random random(1, "wrong");
  REQUIRE(carries_out(right, 5, random));
  Steps copied = right;
  copied.messages[3].adds = false;
  CHECK_FALSE(carries_out(copied, 5, random));
  Steps elsewhere = right;
  elsewhere.messages[7].piece = (right.messages[7].piece + 1) % 5;
  CHECK_FALSE(carries_out(elsewhere, 5, random));
  Steps early = right;
  early.waits = {};
  for (std::size_t m = 0; m < early.messages.size(); ++m) early.waits.add({});
  CHECK_FALSE(carries_out(early, 5, random));
}

struct Both {
  Plan coflows;
  Expansion messages;
  Traffic traffic;
};

CollectiveTuning only(const std::string& algorithm) {
  CollectiveTuning tuning = hopper();
  for (const CollectiveKind* kind : collective_kinds()) {
    if (kind->name != algorithm) {
      tuning.without.emplace_back(kind->name);
      continue;
    }
    for (std::size_t op = 0; op < kCollectiveNames.size(); ++op) {
      const auto served = static_cast<Collective>(op);
      if (kind->serves(served)) tuning.asked[served] = algorithm;
    }
  }
  return tuning;
}

// All accelerators of the cluster, one operation.
Both both_of(const std::string& cluster, const CollectiveTuning& tuning, Collective op, Bytes bytes,
             const std::function<void(Activity&)>& change = {}) {
  const Fabric f = fabric(cluster);
  const std::vector<Bytes> sizes = {bytes};
  const Workload w = one_after_another(f.accelerators(), op, sizes);
  const std::vector<std::uint32_t> places = first(f.accelerators());
  Both both;
  both.traffic = place(f, w, tuning, places);
  check_messages(f, w, tuning, both.traffic, places);
  both.coflows = lower(w, both.traffic, no_symmetry(both.traffic));
  for (Activity& a : both.coflows.activities) {
    if (change && a.kind == Activity::Kind::kTransfer) change(a);
  }
  both.messages = expand(both.coflows, f, w, tuning, both.traffic, places);
  return both;
}

std::vector<double> bytes_by_trunk(const Plan& plan) {
  std::vector<double> bytes(plan.capacity.size(), 0);
  for (const Activity& a : plan.activities) {
    if (a.kind != Activity::Kind::kTransfer) continue;
    for (const ClassUsage& u : plan.usage[a.coflow.value]) {
      bytes[u.trunk.value] += a.bytes * u.connections;
    }
  }
  return bytes;
}

struct Asked {
  std::string cluster, algorithm;
  Collective op;
};
std::vector<Asked> operations() {
  const std::string nics = endpoints(12, "tiers: 2, radix: 8", ", routing: {policy: ecmp-hash}");
  const std::string node = servers(1, "tiers: 2, radix: 16, rails: 8");
  const std::string nodes = servers(3, "tiers: 2, radix: 16, rails: 8");
  const std::string mesh =
      "{nodes: 3, node: gh200-4, fabric: {kind: clos, tiers: 2, radix: 64, rails: 4, link: {rate: "
      "200Gbps, latency: 600ns}}}";
  std::vector<Asked> all;
  for (const std::string& cluster : {nics, node, nodes, mesh}) {
    for (const Collective op :
         {Collective::kAllReduce, Collective::kAllGather, Collective::kReduceScatter}) {
      all.push_back({cluster, "ring", op});
    }
    all.push_back({cluster, "pairwise", Collective::kAllToAll});
    all.push_back({cluster, "ring-broadcast", Collective::kBroadcast});
    all.push_back({cluster, "ring-reduce", Collective::kReduce});
    all.push_back({cluster, "halving-doubling", Collective::kAllReduce});
    if (cluster != mesh) all.push_back({cluster, "tree", Collective::kAllReduce});
  }
  all.push_back({nodes, "hierarchical", Collective::kAllToAll});
  all.push_back({mesh, "hierarchical", Collective::kAllToAll});
  all.push_back({nics, "pat", Collective::kAllGather});
  all.push_back({nics, "pat", Collective::kReduceScatter});
  all.push_back({node, "nvls", Collective::kAllReduce});
  all.push_back({nodes, "nvls-tree", Collective::kAllReduce});
  return all;
}

TEST_CASE("Messages put on every trunk the bytes that their coflows do") {
  for (const Asked& asked : operations()) {
    CAPTURE(asked.cluster, asked.algorithm, name_of(asked.op));
    const Both both = both_of(asked.cluster, only(asked.algorithm), asked.op, 3_MiB);
    const auto coarse = bytes_by_trunk(both.coflows), fine = bytes_by_trunk(both.messages.plan);
    for (std::size_t t = 0; t < coarse.size(); ++t) {
      REQUIRE(fine[t] == Approx(coarse[t]).epsilon(1e-9).margin(1e-6));
    }
  }
}

Time makespan(const Plan& plan) { return simulate(plan, "fluid").makespan; }

TEST_CASE("A ring takes as long by messages as by its coflow on homogeneous networks") {
  const std::string flat = "tiers: 2, radix: 64";
  for (const std::string& cluster :
       {endpoints(2, flat), endpoints(7, flat), endpoints(32, flat),
        servers(1, "tiers: 2, radix: 16, rails: 8"), servers(2, "tiers: 2, radix: 64, rails: 8")}) {
    for (const Collective op :
         {Collective::kAllReduce, Collective::kAllGather, Collective::kReduceScatter}) {
      for (const Bytes bytes : {64_KiB, 256_MiB}) {
        for (const bool latency : {false, true}) {
          CAPTURE(cluster, name_of(op), bytes.count(), latency);
          const Both both = both_of(cluster, only("ring"), op, bytes, [&](Activity& a) {
            if (!latency) a.time = Time();
          });
          const Time whole = makespan(both.coflows), steps = makespan(both.messages.plan);
          // Each step rounds its latency and its end to a picosecond, at most 62 of them.
          CHECK(std::abs((whole - steps).s()) <= 1e-9 * whole.s() + 1e-10);
        }
      }
    }
  }
}

TEST_CASE("One partner at a time takes as long by messages as by its coflow") {
  const std::string flat = "tiers: 2, radix: 64";
  std::vector<Asked> all = {
      {servers(1, "tiers: 2, radix: 16, rails: 8"), "halving-doubling", Collective::kAllReduce}};
  for (const int n : {2, 3, 7, 8, 31}) {
    all.push_back({endpoints(n, flat), "halving-doubling", Collective::kAllReduce});
    all.push_back({endpoints(n, flat), "pat", Collective::kAllGather});
    all.push_back({endpoints(n, flat), "pat", Collective::kReduceScatter});
  }
  for (const Asked& asked : all) {
    for (const Bytes bytes : {64_KiB, 256_MiB}) {
      CAPTURE(asked.cluster, asked.algorithm, name_of(asked.op), bytes.count());
      const Both both = both_of(asked.cluster, only(asked.algorithm), asked.op, bytes);
      const Time whole = makespan(both.coflows), steps = makespan(both.messages.plan);
      CHECK(std::abs((whole - steps).s()) <= 1e-9 * whole.s() + 1e-10);
    }
  }
}

TEST_CASE("A broadcast of c pieces over n - 1 hops takes (c + n - 2) / c of its coflow") {
  // 8 GPUs in a chain, 24 channels laid as one: 64 MiB are ceil(2.67 MiB / 512 KiB) = 6 pieces.
  const std::string node = servers(1, "tiers: 2, radix: 16, rails: 8");
  for (const Collective op : {Collective::kBroadcast, Collective::kReduce}) {
    const std::string algorithm = fmt::format("ring-{}", name_of(op));
    const Both both = both_of(node, only(algorithm), op, 64_MiB, [](Activity& a) {
      a.time = Time();
      a.cap = 1_GBps;
    });
    CHECK(makespan(both.messages.plan).s() ==
          Approx(makespan(both.coflows).s() * (6 + 6) / 6.0).epsilon(1e-9));
  }
}

TEST_CASE("A tree of c pieces over l levels up and down takes (c + l - 1) / c of its coflow") {
  // 8 GPUs in a chain: 7 levels up, 7 down, l = 14. Held by its cap of 1 GB/s, far below the links,
  // each piece takes as long on each connection.
  const std::string node = servers(1, "tiers: 2, radix: 16, rails: 8");
  for (const Bytes bytes : {1_MiB, 64_MiB, 4_GiB}) {
    CAPTURE(bytes.count());
    double payload = 0;
    const Both both = both_of(node, only("tree"), Collective::kAllReduce, bytes, [&](Activity& a) {
      a.time = Time();
      a.cap = 1_GBps;
      payload = a.bytes;  // Of Simple; LL and LL128 send more.
    });
    std::uint64_t messages = 0;
    for (const Activity& a : both.messages.plan.activities) {
      messages += a.kind == Activity::Kind::kTransfer;
    }
    const double c = static_cast<double>(messages) / 14;  // 7 edges, each both ways.
    CHECK(makespan(both.messages.plan).s() ==
          Approx(makespan(both.coflows).s() * (c + 13) / c).epsilon(1e-9).margin(1e-12 * (c + 13)));
    CHECK(makespan(both.coflows).s() == Approx(payload / 1e9));
  }
}

TEST_CASE("Latency alone takes as long by messages as by coflows") {
  for (const Asked& asked : operations()) {
    CAPTURE(asked.cluster, asked.algorithm, name_of(asked.op));
    const Both both = both_of(asked.cluster, only(asked.algorithm), asked.op, 1_MiB,
                              [](Activity& a) { a.bytes = 0; });
    CHECK(std::abs((makespan(both.coflows) - makespan(both.messages.plan)).ps()) <= 100);
  }
}

TEST_CASE("Messages never beat the wires, and are late by no more than their longest chain") {
  for (const Asked& asked : operations()) {
    for (const Bytes bytes : {16_KiB, 8_MiB}) {
      CAPTURE(asked.cluster, asked.algorithm, name_of(asked.op), bytes.count());
      const Both both = both_of(asked.cluster, only(asked.algorithm), asked.op, bytes);
      const Time whole = makespan(both.coflows), steps = makespan(both.messages.plan);
      CHECK(steps >= wire_bound(both.traffic, SlotId()));
      // No message takes more of its coflow's time than its share of the bytes of its stream; where
      // members talk to one other at a time, a step may be held back by wires that others do not
      // use: than all of it.
      const bool in_turn = asked.algorithm == "pat" || asked.algorithm == "halving-doubling" ||
                           asked.algorithm == "hierarchical";
      std::vector<double> share(both.messages.plan.activities.size(), 0), late = share;
      double chain = 0;
      for (std::uint32_t a = 0; a < share.size(); ++a) {
        const Activity& activity = both.messages.plan.activities[a];
        if (activity.kind == Activity::Kind::kTransfer) {
          const Activity& whole_one = both.coflows.activities[0];
          share[a] = activity.bytes / whole_one.bytes;
          if (whole_one.cap.finite()) share[a] *= whole_one.cap.value() / activity.cap.value();
          if (in_turn) share[a] = 1;
        }
      }
      for (std::size_t round = 0, changed = 1; changed > 0 && round < share.size(); ++round) {
        changed = 0;
        for (std::uint32_t a = 0; a < share.size(); ++a) {
          const double end = late[a] + share[a];
          chain = std::max(chain, end);
          for (const ActivityId s : both.messages.plan.successors[a]) {
            if (late[s.value] >= end) continue;
            late[s.value] = end;
            changed = 1;
          }
        }
      }
      CHECK(steps.s() <= whole.s() * std::max(1.0, chain) * (1 + 1e-9) + 1e-9);
    }
  }
}

TEST_CASE("More messages than can be run are refused with both numbers and what to do") {
  // 4,096 NICs, ring: 2 x 4,095 steps of 4,096 messages on two equal channels laid as one.
  const std::string cluster = endpoints(4096, "tiers: 2, radix: 128");
  try {
    both_of(cluster, only("ring"), Collective::kAllReduce, 1_GiB);
    FAIL("accepted");
  } catch (const Error& e) {
    CHECK(e.exit_code() == 3);
    CHECK_THAT(e.what(), Catch::Contains("33546240 messages") && Catch::Contains("2000000") &&
                             Catch::Contains("engine.detail: coflow"));
  }
}

TEST_CASE("Messages are counted before they are written, sends and receives once") {
  Random random(1, "count");
  const Workload w = testing::random_grid({2, 3, 2}, random);
  const Fabric f = fabric(endpoints(static_cast<int>(w.ranks()), "tiers: 2, radix: 8"));
  const std::vector<std::uint32_t> places = first(f.accelerators());
  const Traffic t = place(f, w, hopper(), places);
  const Plan plan = lower(w, t, no_symmetry(t));
  std::uint64_t messages = 0;
  for (const Activity& a : expand(plan, f, w, hopper(), t, places).plan.activities) {
    messages += a.kind == Activity::Kind::kTransfer;
  }
  CHECK(count_messages(f, w, hopper(), t, places) == messages);
}

TEST_CASE("Routing that decides for groups has no steps") {
  const std::string cluster =
      "{node: endpoint, fabric: {kind: dragonfly, p: 2, a: 4, h: 2, link: {rate: 400Gbps, latency: "
      "600ns}, routing: {policy: ugal}}}";
  CHECK_THROWS_WITH(both_of(cluster, only("ring"), Collective::kAllGather, 1_MiB),
                    Catch::Contains("ugal") && Catch::Contains("minimal"));
}

TEST_CASE("Steps of a whole job keep its start, its end and its bytes") {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    Random random(seed, "jobs");
    const testing::GridShape grid{2, 2, static_cast<std::uint32_t>(random.between(1, 4))};
    const Workload w = testing::random_grid(grid, random);
    const Fabric f = fabric(endpoints(static_cast<int>(w.ranks()), "tiers: 2, radix: 8"));
    const std::vector<std::uint32_t> places = first(f.accelerators());
    const Traffic t = place(f, w, hopper(), places);
    const Plan plan = lower(w, t, no_symmetry(t));
    const Expansion messages = expand(plan, f, w, hopper(), t, places);
    const Timeline fine = simulate(messages.plan, "fluid");
    const Timeline whole = collapse(messages, fine);
    REQUIRE(whole.start.size() == plan.activities.size());
    REQUIRE(whole.makespan == fine.makespan);
    for (std::size_t a = 0; a < plan.activities.size(); ++a) {
      REQUIRE(whole.end[a] >= whole.start[a]);
      REQUIRE(whole.end[a] <= whole.makespan);
      for (const ActivityId s : plan.successors[a]) REQUIRE(whole.start[s.value] >= whole.end[a]);
    }
  }
}

}  // namespace
}  // namespace tenk
