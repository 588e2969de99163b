// The claim that everything rests on: the folded problem has exactly the unfolded solution.
#include <catch2/catch.hpp>

#include <map>
#include <numeric>
#include <set>

#include "analysis/pipeline.h"
#include "sim/engine/engine.h"
#include "tests/support.h"
#include "tests/workloads/workload_maker.h"
#include "workloads/benchmark.h"
#include "workloads/lower.h"
#include "workloads/merge.h"
#include "workloads/place.h"

namespace tenk {
namespace {

using testing::endpoints;
using testing::fabric;
using testing::hopper;
using testing::servers;

ClusterSpec cluster_of(const std::string& text) {
  Faults faults;
  const ClusterSpec spec = read_cluster(Section(testing::yaml(text), "cluster", faults));
  faults.throw_if_any();
  return spec;
}

struct Outcome {
  Symmetry symmetry;
  Timeline timeline;
};

Outcome simulate(const Workload& w, const Traffic& traffic, const Symmetry& symmetry) {
  const Plan plan = lower(w, traffic, symmetry);
  Outcome o{symmetry, engine_kinds()[0]->run(plan)};
  check_bounds(plan, o.timeline);
  return o;
}

Traffic traffic_of(const Fabric& f, const Workload& w, std::vector<std::uint32_t> places = {}) {
  if (places.empty()) {
    places.resize(w.ranks());
    std::iota(places.begin(), places.end(), 0u);
  }
  return place(f, w, hopper(), places);
}

void check_same(const Outcome& folded, const Outcome& whole) {
  const Timeline &a = folded.timeline, &b = whole.timeline;
  const double slack = 1e-9 * b.makespan.s() + static_cast<double>(b.events) * 1e-12;
  REQUIRE(std::abs((a.makespan - b.makespan).s()) <= slack);
  for (std::size_t t = 0; t < folded.symmetry.trunks.class_of.size(); ++t) {
    const TrunkLoad& one = a.loads[folded.symmetry.trunks.class_of[t].value];
    REQUIRE(one.bytes == Approx(b.loads[t].bytes).epsilon(1e-9).margin(1e-6));
    REQUIRE(one.peak_utilisation == Approx(b.loads[t].peak_utilisation).epsilon(1e-6));
  }
}

// What may break the symmetry of a case.
enum Breaker {
  kHash,
  kFlowlets,
  kAdaptive,
  kSlowLink,
  kDeadLink,
  kSlowSwitch,
  kDeadSwitch,
  kSlowNode,
  kStraggler,
  kSlowServer,
  kSpread,
  kStriped,
  kRandomNodes,
  kShuffled,
  kTwoJobs,
  kBreakers
};

struct RandomCase {
  std::string cluster;
  testing::GridShape grid;
  std::set<Breaker> broken;
  bool has(Breaker b) const { return broken.count(b) > 0; }
};

std::string draw_routing(RandomCase& c, Random& random) {
  const std::string seed = ", seed: " + std::to_string(random.below(1000));
  switch (random.below(8)) {
    case 0:
      c.broken.insert(kHash);
      return ", routing: {policy: ecmp-hash" + seed + "}";
    case 1:
      c.broken.insert(kFlowlets);
      return ", routing: {policy: flowlets, pieces: 3" + seed + "}";
    case 2:
      c.broken.insert(kAdaptive);
      return ", routing: {policy: adaptive}";
    default:
      return "";
  }
}

// Links, switches and nodes that are slow or dead. Hashed paths do not care for dead ones: skipped.
void draw_degrade(RandomCase& c, Random& random) {
  static const std::array<std::pair<Breaker, const char*>, 5> kKinds = {
      {{kSlowLink, "link: \"leaf0:spine0#0\", rate: 90Gbps"},
       {kDeadLink, "link: \"leaf0:spine0#0\", rate: 0Gbps"},
       {kSlowSwitch, "switch: spine1, rate: 150Gbps"},
       {kDeadSwitch, "switch: spine1, rate: 0Gbps"},
       {kSlowNode, "node: 0, rate: 100Gbps"}}};
  const auto& [breaker, text] = kKinds[random.below(kKinds.size())];
  c.broken.insert(breaker);
  c.cluster.insert(c.cluster.size() - 1, ", degrade: [{" + std::string(text) + "}]");
}

void draw_stragglers(RandomCase& c, Random& random) {
  static const std::array<std::pair<Breaker, const char*>, 3> kKinds = {
      {{kStraggler, "accelerator: 1, speed: 0.8"},
       {kSlowServer, "node: 0, speed: 0.7"},
       {kSpread, "spread: 0.05, seed: 3"}}};
  const auto& [breaker, text] = kKinds[random.below(kKinds.size())];
  c.broken.insert(breaker);
  c.cluster.insert(c.cluster.size() - 1, ", stragglers: [{" + std::string(text) + "}]");
}

RandomCase draw_case(Random& random) {
  static const std::array<std::string, 5> kNetworks = {
      "tiers: 2, radix: 8", "tiers: 3, radix: 4",
      "levels: [{down: 3, up: 2}, {down: 2, oversubscription: 1.5}]",
      "levels: [{down: 4, up: 2}, {down: 3, up: 1}]", "levels: [{down: 2, oversubscription: 3}]"};
  RandomCase c;
  c.grid.tp = static_cast<std::uint32_t>(random.between(1, 4));
  c.grid.pp = static_cast<std::uint32_t>(random.between(1, 4));
  c.grid.dp = static_cast<std::uint32_t>(random.between(1, 8));
  c.grid.tp_first = random.below(3) > 0;
  c.grid.ring = random.below(2) == 1;
  static const std::array<Breaker, 8> kPlaces = {kBreakers, kBreakers,    kBreakers, kBreakers,
                                                 kStriped,  kRandomNodes, kShuffled, kTwoJobs};
  c.broken.insert(kPlaces[random.below(kPlaces.size())]);
  const std::uint32_t jobs = c.has(kTwoJobs) ? 2 : 1;
  const std::string routing = draw_routing(c, random);
  if (random.below(2) == 1) {
    const int nodes = static_cast<int>(jobs * ((c.grid.ranks() + 7) / 8) + random.below(3));
    c.cluster = servers(nodes,
                        random.below(2) == 1 ? "tiers: 2, radix: 8, rails: 8"
                                             : "levels: [{down: 8, up: 4}, {down: 2, up: 2}]",
                        routing);
  } else {
    const int nodes = static_cast<int>(jobs * c.grid.ranks() + random.below(6));
    c.cluster = endpoints(nodes, kNetworks[random.below(kNetworks.size())], routing);
  }
  if (random.below(2) == 1) draw_degrade(c, random);
  if (random.below(3) == 0) draw_stragglers(c, random);
  return c;
}

// One job, or two of which each knows nothing of the other.
Workload draw_workload(const RandomCase& c, Random& random) {
  std::vector<Workload> jobs = {testing::random_grid(c.grid, random)};
  if (!c.has(kTwoJobs)) return jobs.front();
  jobs.push_back(testing::random_grid(c.grid, random));
  jobs.back().units = jobs.front().units;
  return merge(jobs);
}

std::vector<std::uint32_t> draw_places(const RandomCase& c, const Fabric& f, std::size_t ranks,
                                       Random& random) {
  AllocationSpec spec;
  spec.seed = random.bits();
  if (c.has(kStriped)) spec.policy = AllocationPolicy::kStriped;
  if (c.has(kRandomNodes) || c.has(kShuffled)) spec.policy = AllocationPolicy::kRandom;
  if (c.has(kShuffled)) spec.by = AllocationUnit::kAccelerator;
  Room room = room_of(f);
  if (!c.has(kTwoJobs)) return allocate(spec, ranks, room);
  std::vector<std::uint32_t> places = allocate(spec, ranks / 2, room);
  const auto second = allocate(spec, ranks / 2, room);
  places.insert(places.end(), second.begin(), second.end());
  return places;
}

TEST_CASE("Folded and unfolded agree on 500 random cases with everything that breaks symmetry") {
  int folded_cases = 0;
  std::array<int, kBreakers + 1> seen{};
  for (std::uint64_t seed = 0, cases = 0; cases < 500; ++seed) {
    Random random(seed, "folding");
    const RandomCase c = draw_case(random);
    if (c.grid.ranks() < 2) continue;
    CAPTURE(seed, c.cluster, c.grid.tp, c.grid.pp, c.grid.dp, c.grid.tp_first, c.has(kTwoJobs));
    const Workload w = draw_workload(c, random);
    Traffic traffic;
    try {
      const ClusterSpec cluster = cluster_of(c.cluster);
      const Fabric f = build_fabric(cluster);
      const Seats seats = seats_on(cluster, draw_places(c, f, w.ranks(), random));
      traffic = traffic_of(f, w, seats.accelerator_of_rank);
      traffic.speed_of_rank = seats.speed_of_rank;
    } catch (const Error&) {
      continue;  // The one uplink of a leaf was cut, or there is no such switch.
    }
    ++cases;
    for (const Breaker b : c.broken) ++seen[b];
    const Symmetry symmetry = find_symmetry(traffic);
    folded_cases += symmetry.ranks.classes() < w.ranks();
    check_same(simulate(w, traffic, symmetry), simulate(w, traffic, no_symmetry(traffic)));
  }
  CHECK(folded_cases > 200);  // The test would say nothing if nothing folded,
  for (int b = 0; b < kBreakers; ++b) {
    CAPTURE(b);
    CHECK(seen[b] >= 8);  // and little of what was hardly ever there.
  }
}

TEST_CASE("Colours that collide are caught by the verification, and the result stays exact") {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed, "collide");
    const testing::GridShape grid{2, 3, 3, true, false};
    const Workload w = testing::random_grid(grid, random);
    const Fabric f = fabric(endpoints(20, "levels: [{down: 3, up: 2}, {down: 2, up: 3}]"));
    Traffic traffic = traffic_of(f, w);
    if (seed % 2 == 1) {  // Two slow ranks: a colour that loses their speed must not fold them.
      traffic.speed_of_rank.assign(traffic.ranks(), 1);
      traffic.speed_of_rank[seed % 18] = traffic.speed_of_rank[7] = 0.75;
    }
    const Symmetry honest = find_symmetry(traffic);
    const Symmetry blurred = find_symmetry(traffic, {.colour_bits = 1});
    CHECK(blurred.ranks.classes() >= honest.ranks.classes());
    CHECK(blurred.coflows.classes() >= honest.coflows.classes());
    check_same(simulate(w, traffic, blurred), simulate(w, traffic, no_symmetry(traffic)));
  }
}

struct Extra {
  std::size_t ranks, coflows, trunks;
  bool operator==(const Extra&) const = default;
};
std::ostream& operator<<(std::ostream& o, const Extra& e) {
  return o << e.ranks << " ranks, " << e.coflows << " coflows, " << e.trunks << " trunks";
}

Extra extra_classes(const std::string& cluster, const std::string& degrade, const Workload& w) {
  const Symmetry whole = find_symmetry(traffic_of(fabric(cluster), w));
  std::string broken = cluster;
  broken.insert(broken.size() - 1, ", degrade: [" + degrade + "]");
  const Symmetry hurt = find_symmetry(traffic_of(fabric(broken), w));
  return {hurt.ranks.classes() - whole.ranks.classes(),
          hurt.coflows.classes() - whole.coflows.classes(),
          hurt.trunks.classes() - whole.trunks.classes()};
}

TEST_CASE("A slow uplink refines what it touches and nothing else") {
  // Leaf i sends to leaf i + L/2, every host one message. Slow: one of the U cables of leaf 0.
  // Coflows: those of leaf 0 (+1). Ranks: its hosts (+1), their peers (+1). Trunks: the slow cable
  // up (+1) and its U - 1 fellows (+1), the same down, where nothing flows (+2), the host uplinks
  // of leaf 0 (+1), the host downlinks of the peers (+1) and their leaf's downlinks (+1): 7. With
  // U = 1 a slow cable has no fellows: 5.
  int cases = 0;
  for (const std::uint32_t leaves : {4u, 6u, 10u}) {
    for (const std::uint32_t down : {2u, 3u}) {
      for (const std::uint32_t up : {1u, 2u}) {
        const std::string network = "levels: [{down: " + std::to_string(down) +
                                    ", up: " + std::to_string(up) +
                                    "}, {down: " + std::to_string(leaves) + "}]";
        const std::uint32_t hosts = leaves * down;
        const Workload w = testing::senders(hosts, hosts / 2, hosts / 2, 1_MiB);
        CAPTURE(network);
        CHECK(extra_classes(endpoints(static_cast<int>(hosts), network),
                            "{link: \"leaf0:spine0#0\", rate: 100Gbps}",
                            w) == Extra{2, 1, up == 1 ? 5u : 7u});
        ++cases;
      }
    }
  }
  CHECK(cases == 12);
}

TEST_CASE("A slow NIC makes its rail a class of its own and leaves the others folded") {
  // Nodes of 8: a tp group in each node, a dp ring on each rail. Slow: NIC 0 of node 0. Ranks:
  // those of rail 0 (+1). Coflows: the ring of rail 0 (+1); tp groups stay alike, each has one
  // member on rail 0. Trunks: the slow cable up and down (+2); on rail 0 elsewhere the host links
  // (+2) and the four PCIe directions between GPU and NIC (+4). NVLinks carry tp only: none.
  for (const int nodes : {2, 3, 4, 5, 6, 7, 8, 12}) {
    Workload w;
    Random random(1, "rails");
    w = testing::random_grid({8, 1, static_cast<std::uint32_t>(nodes)}, random);
    for (Slot& s : w.slots) s = {s.family, Collective::kAllGather, 64_MiB};
    CAPTURE(nodes);
    CHECK(extra_classes(servers(nodes, "tiers: 2, radix: 32, rails: 8"),
                        "{link: \"node0.nic0:leaf0\", rate: 100Gbps}", w) == Extra{1, 2, 8});
  }
}

TEST_CASE("A world-wide collective folds to one rank class however many ranks there are") {
  for (const int nodes : {4, 32, 128}) {
    const Fabric f = fabric(servers(nodes, "tiers: 2, radix: 64, rails: 8"));
    const std::vector<Bytes> sizes = {1_MiB, 1_GiB};
    for (const Collective op : {Collective::kAllGather, Collective::kAllToAll}) {
      const Symmetry s =
          find_symmetry(traffic_of(f, one_after_another(f.accelerators(), op, sizes)));
      CHECK(s.ranks.classes() == 1);
    }
  }
}

}  // namespace
}  // namespace tenk
