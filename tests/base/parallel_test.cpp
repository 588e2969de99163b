#include "sim/base/parallel.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace tenk {
namespace {

TEST_CASE("Every task runs once, also within tasks and where there are none") {
  std::vector<int> runs(1000, 0);
  in_parallel(
      10, [&](std::size_t i) { in_parallel(100, [&](std::size_t j) { ++runs[100 * i + j]; }); });
  in_parallel(0, [&](std::size_t) { runs.clear(); });
  CHECK(runs == std::vector<int>(1000, 1));
}

TEST_CASE("Of several tasks that fail the first by number is told, whoever ran it") {
  for (int again = 0; again < 50; ++again) {
    std::atomic<int> ran{0};
    const auto fail = [&](std::size_t i) {
      ++ran;
      if (i >= 3) throw std::runtime_error(std::to_string(i));
    };
    CHECK_THROWS_WITH(in_parallel(1000, fail), "3");
    CHECK(ran < 1000);
  }
}

}  // namespace
}  // namespace tenk
