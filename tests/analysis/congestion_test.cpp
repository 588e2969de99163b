// Corrections of max-min rates: laws, hand-computed cases, and what packets say.
#include "analysis/congestion/congestion.h"

#include <catch2/catch.hpp>

#include "analysis/flows.h"
#include "sim/base/error.h"
#include "sim/base/kinds.h"
#include "sim/base/random.h"
#include "tests/support.h"

namespace tenk {
namespace {

const CongestionKind& kind(std::string_view name) { return *find_kind(congestion_kinds(), name); }

using Path = std::vector<std::uint32_t>;

// Links of capacity 1 GB/s; flow i moves 1 GB over path i from time 0.
std::vector<double> seconds(std::string_view name, const std::vector<Path>& paths) {
  Lists<ClassUsage> usage;
  std::vector<OpenFlow> flows;
  std::uint32_t links = 0;
  for (const Path& path : paths) {
    std::vector<ClassUsage> row;
    for (const std::uint32_t l : path) {
      row.push_back({ClassId(l), 1});
      links = std::max(links, l + 1);
    }
    usage.add(row);
    flows.push_back({Time(), 1e9});
  }
  const std::vector<Bandwidth> capacity(links, 1_GBps);
  std::vector<double> all;
  for (const Time t : run_corrected(kind(name), capacity, flows, usage).end) all.push_back(t.s());
  return all;
}

TEST_CASE("Flows that share one link share it evenly whatever the transport") {
  for (const char* name : {"nscc", "pfc"}) {
    for (const double s : seconds(name, {{0}, {0}, {0}, {0}})) CHECK(s == Approx(4).epsilon(1e-3));
  }
}

TEST_CASE("nscc: a flow over two full links gets less than its half, as alpha-fairness says") {
  // The parking lot: flow 0 over links 0 and 1, flow 1 over 0, flow 2 over 1. Prices p each:
  // x0 = (2 p)^-4, x1 = p^-4 = 16 x0, and x0 + x1 = 1: x0 = 1/17. Flows 1 and 2 end at 17/16 s,
  // flow 0 then has 1 - 1/16 GB left at 1 GB/s: 2 s.
  const auto s = seconds("nscc", {{0, 1}, {0}, {1}});
  CHECK(s[1] == Approx(17.0 / 16).epsilon(2e-3));
  CHECK(s[2] == Approx(17.0 / 16).epsilon(2e-3));
  CHECK(s[0] == Approx(2).epsilon(2e-3));
}

TEST_CASE("pfc: who waits behind a congested flow goes at its pace, who is ahead of it does not") {
  // Link 1 takes flows 0, 1, 2: a third each. Flow 3 shares link 0 with flow 0, which waits there
  // for link 1: a third too, though link 0 has room. Flow 4 is beside flow 1 on link 2, behind link
  // 1, and goes on with the two thirds that are left. All of 0 to 3 end at 3 s, flow 4 at 1.5 s.
  const auto s = seconds("pfc", {{0, 1}, {1, 2}, {1}, {0}, {2}});
  for (int f = 0; f < 4; ++f) CHECK(s[static_cast<std::size_t>(f)] == Approx(3));
  CHECK(s[4] == Approx(1.5));
}

TEST_CASE(
    "A correction fills no link beyond capacity, and never ends all flows sooner than links can") {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed, "congestion");
    std::vector<Path> paths;
    std::vector<double> bytes(8, 0);
    for (std::uint64_t n = 2 + random.below(10); n > 0; --n) {
      Path path;
      for (std::uint32_t l = 0; l < 8; ++l) {
        if (random.below(3) == 0) path.push_back(l);
      }
      if (path.empty()) path.push_back(0);
      for (const std::uint32_t l : path) bytes[l] += 1;
      paths.push_back(path);
    }
    paths.push_back({7});  // All links are there.
    bytes[7] += 1;
    for (const char* name : {"nscc", "pfc"}) {
      const auto s = seconds(name, paths);  // Capacity is checked inside.
      CHECK(*std::max_element(s.begin(), s.end()) >=
            *std::max_element(bytes.begin(), bytes.end()) * (1 - 1e-6));
    }
  }
}

TEST_CASE("Flows on a cluster are corrected where asked, and refused where the model cannot") {
  const auto flows = [](const std::string& more, const std::string& routing) {
    const Config file = testing::yaml("{version: 1, cluster: " +
                                      testing::endpoints(8, "levels: [{down: 4, up: 2}, {down: 2}]",
                                                         ", routing: {policy: " + routing + "}") +
                                      ", engine: {" + more + "}}");
    std::vector<Flow> list;
    for (std::uint32_t i = 0; i < 4; ++i) list.push_back({i, i, i + 4, 1e8, 0});
    return predict_flows(read_scenario(file, ScenarioUse::kClusterOnly), list);
  };
  CHECK(flows("congestion: nscc", "spray").makespan_us ==
        Approx(flows("", "spray").makespan_us).epsilon(1e-3));
  CHECK(flows("congestion: pfc", "ecmp-hash").makespan_us >=
        flows("", "ecmp-hash").makespan_us * (1 - 1e-9));
  CHECK_THROWS_WITH(flows("congestion: pfc", "spray"), Catch::Contains("such as under"));
  CHECK_THROWS_WITH(flows("congestion: nscc, name: bound", "spray"), Catch::Contains("bound"));
  CHECK_THROWS_WITH(flows("congestion: nsc", "spray"), Catch::Contains("did you mean \"nscc\"?"));
}

}  // namespace
}  // namespace tenk
