// Adaptive routing, from the fabric to the time that a whole load takes.
#include <catch2/catch.hpp>
#include <numeric>

#include "sim/engine/engine.h"
#include "tests/support.h"
#include "tests/workloads/workload_maker.h"
#include "workloads/benchmark.h"
#include "workloads/lower.h"
#include "workloads/place.h"

namespace tenk {
namespace {

// Seconds that `w` takes on the balanced dragonfly of 72 hosts (p 2, a 4, h 2).
double seconds_on_dragonfly(const std::string& policy, const Workload& w) {
  const Fabric f = testing::fabric(
      "{nodes: 72, node: endpoint, fabric: {kind: dragonfly, p: 2, a: 4, h: 2, routing: {policy: " +
      policy + "}, link: {rate: 400Gbps, latency: 500ns}}}");
  std::vector<std::uint32_t> places(w.ranks());
  std::iota(places.begin(), places.end(), 0u);
  const Traffic t = place(f, w, testing::hopper(), places);
  const Plan plan = lower(w, t, find_symmetry(t));
  const Timeline timeline = engine_kinds()[0]->run(plan);
  check_bounds(plan, timeline);
  return timeline.makespan.s();
}

TEST_CASE(
    "Minimal routes of neighbouring groups share one cable; a detour frees them; ugal is as "
    "good as the better of both") {
  // Group g sends to group g + 1: 8 hosts on one global cable.
  const Workload shift = testing::senders(72, 72, 8, 64_MiB);
  const double alone = (64_MiB).value() / (50e9 * 0.94);
  const double minimal = seconds_on_dragonfly("minimal", shift);
  const double valiant = seconds_on_dragonfly("valiant", shift);
  const double ugal = seconds_on_dragonfly("ugal", shift);
  CHECK(minimal == Approx(8 * alone).epsilon(0.02));
  CHECK(valiant < 0.4 * minimal);
  CHECK(ugal <= 1.001 * std::min(minimal, valiant));
}

TEST_CASE("Under a uniform load minimal routes are best, and ugal takes them") {
  const std::vector<Bytes> sizes = {64_MiB};
  const Workload all = one_after_another(72, Collective::kAllToAll, sizes);
  const double minimal = seconds_on_dragonfly("minimal", all);
  CHECK(seconds_on_dragonfly("valiant", all) > 1.2 * minimal);
  CHECK(seconds_on_dragonfly("ugal", all) <= 1.001 * minimal);
}

TEST_CASE("On a full mesh every pair has its own cable, and NVLink does not suffer from it") {
  const auto seconds = [](const std::string& network, std::uint32_t ranks) {
    const Fabric f = testing::fabric("{nodes: 4, node: hgx-h100-8, fabric: {" + network +
                                     ", link: {rate: 100Gbps, latency: 500ns}}}");
    const std::vector<Bytes> sizes = {1_GiB};
    const Workload w = one_after_another(ranks, Collective::kAllGather, sizes);
    std::vector<std::uint32_t> places(ranks);
    std::iota(places.begin(), places.end(), 0u);
    const Traffic t = place(f, w, testing::hopper(), places);
    return engine_kinds()[0]->run(lower(w, t, find_symmetry(t))).makespan.s();
  };
  const std::string mesh = "kind: full-mesh", clos = "kind: clos, tiers: 2, radix: 64, rails: 8";
  CHECK(seconds(mesh, 8) == seconds(clos, 8));  // One node.
  // Between nodes a ring uses one cable of each pair, at 100 Gb/s like a NIC of the CLOS.
  CHECK(seconds(mesh, 32) == Approx(seconds(clos, 32)).epsilon(0.02));
}

}  // namespace
}  // namespace tenk
