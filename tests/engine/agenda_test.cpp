#include "sim/engine/agenda.h"

#include <catch2/catch.hpp>

#include <map>
#include <vector>

#include "sim/base/random.h"

namespace tenk {
namespace {

TEST_CASE("Events come by time, those of one time in the order in which they were put there") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed, "agenda");
    Agenda agenda;
    std::map<std::pair<Time, int>, std::uint64_t> expected;  // By time and order: what.
    std::map<std::uint64_t, std::pair<std::uint32_t, std::pair<Time, int>>> here;  // By what.
    int order = 0;
    std::uint64_t what = 0;
    for (int i = 0; i < 3000; ++i) {
      const Time time = Time::picoseconds(random.between(0, 50));
      const std::uint64_t choice = random.below(3);
      if (choice == 0 || here.empty()) {
        const std::pair key(time, order++);
        here[what] = {agenda.add(time, what), key};
        expected[key] = what++;
      } else if (choice == 1) {
        const auto at = std::next(here.begin(), static_cast<long>(random.below(here.size())));
        expected.erase(at->second.second);
        at->second.second = {time, order++};
        expected[at->second.second] = at->first;
        agenda.move(at->second.first, time);
      } else {
        REQUIRE(agenda.next() == expected.begin()->first.first);
        const std::uint64_t first = agenda.pop();
        REQUIRE(first == expected.begin()->second);
        expected.erase(expected.begin());
        here.erase(first);
      }
      REQUIRE(agenda.empty() == expected.empty());
    }
  }
}

}  // namespace
}  // namespace tenk
