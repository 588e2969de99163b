#include "sim/base/random.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "sim/base/hash.h"

namespace tenk {

TEST_CASE("mix is SplitMix64") {
  // The first outputs for seed 1234567, as the reference implementation prints them.
  std::uint64_t state = 1234567;
  for (const std::uint64_t expected :
       {6457827717110365317u, 3203168211198807973u, 9817491932198370423u, 4593380528125082431u}) {
    CHECK(mix(state) == expected);
    state += 0x9e3779b97f4a7c15;
  }
}

TEST_CASE("streams give the same draws on every machine and version") {
  // From a second implementation, in Python.
  Random a(42, "ecmp");
  const std::uint64_t first = a.bits(), second = a.bits();
  CHECK(first == 846388770925758977u);
  CHECK(second == 5410549580407023989u);
  CHECK(a.uniform() == 0x1.e1aa290f2b958p-3);
  CHECK(a.below(1000) == 642);
  CHECK(Random(42, "ecmp").bits() == first);
  CHECK(Random(42, "bootstrap").bits() != first);
  CHECK(Random(43, "ecmp").bits() != first);
}

TEST_CASE("bounded draws stay in bounds and are uniform") {
  Random random(3, "bounds");
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) ++counts[random.below(7)];
  for (const int count : counts) CHECK(std::abs(count - 10000) < 400);  // Over 4 sigma.
  double sum = 0;
  for (int i = 0; i < 10000; ++i) {
    const double u = random.uniform();
    REQUIRE((u >= 0 && u < 1));
    const std::int64_t b = random.between(-3, 3);
    REQUIRE((b >= -3 && b <= 3));
    const double v = random.uniform(5, 6);
    REQUIRE((v >= 5 && v <= 6));
    sum += u;
  }
  CHECK(std::abs(sum / 10000 - 0.5) < 0.012);  // 4 sigma.
  CHECK(random.below(1) == 0);
  CHECK(random.between(9, 9) == 9);
  random.between(std::numeric_limits<std::int64_t>::min(),
                 std::numeric_limits<std::int64_t>::max());
  CHECK(random.below(std::uint64_t{1} << 63) < std::uint64_t{1} << 63);
}

TEST_CASE("a shuffle is a permutation, and every one of them comes") {
  Random random(5, "shuffle");
  std::vector<int> seen(6);
  for (int i = 0; i < 6000; ++i) {
    std::vector<int> v{0, 1, 2};
    random.shuffle(std::span(v));
    CHECK(std::is_permutation(v.begin(), v.end(), std::vector<int>{0, 1, 2}.begin()));
    ++seen[static_cast<std::size_t>(v[0] * 2 + (v[1] > v[2] ? 1 : 0))];
  }
  for (const int count : seen) CHECK(std::abs(count - 1000) < 130);
}

TEST_CASE("a fingerprint depends on values, their order and where texts end") {
  const auto of = [](auto... values) {
    Fingerprint f;
    (f.add(values), ...);
    return f.hex();
  };
  using U = std::uint64_t;
  CHECK(of(U{1}, U{2}) == "0c863cfd0f67ee40");
  CHECK(of(U{1}, U{2}) != of(U{2}, U{1}));
  CHECK(of(std::string_view("ab"), std::string_view("c")) !=
        of(std::string_view("a"), std::string_view("bc")));
  CHECK(of(1.0) != of(1.0 + 1e-15));
  CHECK(of().size() == 16);
}

}  // namespace tenk
