#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

#include "sim/base/error.h"
#include "tests/support.h"
#include "workloads/allocation.h"

namespace tenk {
namespace {

AllocationSpec read(const std::string& text) {
  Faults faults;
  Section section(testing::yaml(text), "placement", faults);
  const AllocationSpec spec = read_allocation(section);
  section.finish();
  faults.throw_if_any();
  return spec;
}

// 6 nodes of 2 accelerators, 3 nodes below a leaf.
std::vector<std::uint32_t> places(const std::string& text, std::size_t ranks) {
  Room room(6, 2, 3);
  return allocate(read(text), ranks, room);
}

using List = std::vector<std::uint32_t>;

TEST_CASE("Packed takes nodes in order, striped one of each leaf in turn, a list those it names") {
  CHECK(places("{}", 5) == List{0, 1, 2, 3, 4});
  CHECK(places("{policy: packed}", 4) == List{0, 1, 2, 3});
  // Nodes 0 3 1 4 2 5: the first below each leaf, then the second.
  CHECK(places("{policy: striped}", 6) == List{0, 1, 6, 7, 2, 3});
  CHECK(places("{policy: list, nodes: [5, 2]}", 4) == List{10, 11, 4, 5});
}

TEST_CASE("Random placement is the seed's alone and keeps nodes, or leaves, together") {
  const auto at = [](const std::string& by, int seed) {
    return places("{policy: random, by: " + by + ", seed: " + std::to_string(seed) + "}", 12);
  };
  std::set<List> by_node, by_leaf, single;
  for (int seed = 0; seed < 200; ++seed) {
    const List n = at("node", seed), l = at("leaf", seed), a = at("accelerator", seed);
    CHECK(n == at("node", seed));
    for (List all : {n, l, a}) {
      std::sort(all.begin(), all.end());
      CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
    }
    for (std::size_t i = 0; i < 12; i += 2) CHECK((n[i] % 2 == 0 && n[i + 1] == n[i] + 1));
    for (std::size_t i = 0; i < 6; ++i) CHECK(l[i] / 6 == l[0] / 6);
    by_node.insert(n);
    by_leaf.insert(l);
    single.insert(a);
  }
  CHECK(by_leaf.size() == 2);   // 2 leaves have 2 orders,
  CHECK(by_node.size() > 140);  // 6 nodes 720,
  CHECK(single.size() == 200);  // 12 accelerators more than 10^8.
}

TEST_CASE("Jobs take what is left, in whole nodes") {
  Room room(6, 2, 3);
  CHECK(allocate(read("{}"), 3, room) == List{0, 1, 2});  // Accelerator 3 stays idle.
  CHECK(allocate(read("{policy: striped}"), 4, room) == List{6, 7, 8, 9});
  CHECK(allocate(read("{policy: random, by: accelerator}"), 4, room).size() == 4);
  CHECK_THROWS_WITH(allocate(read("{}"), 2, room), Catch::Contains("finds 0 accelerators"));
}

TEST_CASE("A placement that cannot be is refused with what is wrong") {
  CHECK_THROWS_WITH(places("{}", 13), Catch::Contains("a job of 13 ranks finds 12 accelerators"));
  CHECK_THROWS_WITH(places("{policy: list, nodes: [6]}", 2), Catch::Contains("nodes 0 to 5"));
  CHECK_THROWS_WITH(places("{policy: list, nodes: [1, 1]}", 2), Catch::Contains("node 1 is taken"));
  CHECK_THROWS_WITH(read("{policy: list}"), Catch::Contains("needs nodes: [0, 1, ...]"));
  CHECK_THROWS_WITH(read("{nodes: [1]}"), Catch::Contains("of policy list; found policy packed"));
  CHECK_THROWS_WITH(read("{policy: striped, seed: 3}"), Catch::Contains("of policy random"));
  CHECK_THROWS_WITH(read("{policy: stripd}"), Catch::Contains("did you mean \"striped\"?"));
}

}  // namespace
}  // namespace tenk
