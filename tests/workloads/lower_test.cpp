#include <catch2/catch.hpp>

#include <numeric>

#include "tests/support.h"
#include "tests/workloads/workload_maker.h"
#include "workloads/lower.h"
#include "workloads/place.h"

namespace tenk {
namespace {

using testing::call;

// Two roles of two ranks each on bare NICs; a group of all four, and pairs (0, 2), (1, 3).
Workload two_roles() {
  Workload w;
  Family all, pairs;
  all.name = "all";
  pairs.name = "pairs";
  pairs.directed = true;
  const std::array<RankId, 4> ranks = {RankId(0u), RankId(1u), RankId(2u), RankId(3u)};
  all.add(ranks);
  pairs.add(std::array<RankId, 2>{ranks[0], ranks[2]});
  pairs.add(std::array<RankId, 2>{ranks[1], ranks[3]});
  w.families = {all, pairs};
  w.slots = {{FamilyId(0u), Collective::kAllReduce, 1_MiB},
             {FamilyId(0u), Collective::kAllGather, 1_MiB},
             {FamilyId(1u), Collective::kSend, 1_MiB},
             {FamilyId(1u), Collective::kSend, 2_MiB}};
  w.role_of_rank = {RoleId(0u), RoleId(0u), RoleId(1u), RoleId(1u)};
  w.programs.resize(2);
  return w;
}

Plan plan_of(const Workload& w, bool fold = true) {
  const Fabric f = testing::fabric(testing::endpoints(4, "tiers: 2, radix: 8"));
  std::vector<std::uint32_t> places(4);
  std::iota(places.begin(), places.end(), 0u);
  const Traffic t = place(f, w, testing::hopper(), places);
  return lower(w, t, fold ? find_symmetry(t) : no_symmetry(t));
}

const auto kReduce = [] { return call(SlotId(0u), Category::kDp); };
const auto kGather = [] { return call(SlotId(1u), Category::kDp); };
const auto kSend = [] { return call(SlotId(2u), Category::kPp, Stream::kSendForward, true); };
const auto kReceive = [] { return call(SlotId(2u), Category::kPp, Stream::kReceiveForward); };

TEST_CASE("Ranks that send and receive alike meet, message by message") {
  Workload w = two_roles();
  for (int i = 0; i < 3; ++i) {
    w.programs[0].add(kSend());
    w.programs[1].add(kReceive());
  }
  CHECK(plan_of(w).activities.size() == 3);
}

// The same folded and unfolded, as it is before messages are made of it.
std::string refusal(const Workload& w) {
  std::vector<std::string> answers;
  for (const bool fold : {true, false}) {
    try {
      plan_of(w, fold);
    } catch (const Error& e) {
      CHECK(e.exit_code() == 5);
      answers.emplace_back(e.what());
    }
  }
  REQUIRE(answers.size() == 2);
  // Both name ranks and operations; folded, a rank stands for all that are like it.
  CHECK_THAT(answers[1],
             Catch::Contains("rank ") && (Catch::Contains("send") || Catch::Contains("all_")));
  return answers[0];
}

TEST_CASE("An unmatched send is an error that names the ranks and the operation") {
  Workload w = two_roles();
  w.programs[0].add(kSend());
  w.programs[0].add(kSend());
  w.programs[1].add(kReceive());
  CHECK_THAT(refusal(w), Catch::Contains("unmatched send of 1 MiB") && Catch::Contains("rank 0") &&
                             Catch::Contains("2"));
}

TEST_CASE("A message of another size than expected is an error, not a time") {
  Workload w = two_roles();
  w.programs[0].add(kSend());
  w.programs[1].add(call(SlotId(3u), Category::kPp, Stream::kReceiveForward));
  CHECK_THAT(refusal(w), Catch::Contains("different operations"));
}

TEST_CASE("Members that call different operations are an error that names both") {
  Workload w = two_roles();
  w.programs[0].add(kReduce());
  w.programs[1].add(kGather());
  CHECK_THAT(refusal(w), Catch::Contains("all_reduce") && Catch::Contains("all_gather"));
}

TEST_CASE("Ranks that wait for each other in a circle are a deadlock that names them") {
  Workload w = two_roles();
  // Role 0 reduces before it sends, role 1 receives before it reduces.
  const std::uint32_t reduced = w.programs[0].add(kReduce());
  w.programs[0].add(kSend(), {&reduced, 1});
  const std::uint32_t received = w.programs[1].add(kReceive());
  w.programs[1].add(kReduce(), {&received, 1});
  CHECK_THAT(refusal(w),
             Catch::Contains("deadlock") && Catch::Contains("rank 0") && Catch::Contains("send"));
}

}  // namespace
}  // namespace tenk
