#include <catch2/catch.hpp>

#include "sim/base/random.h"
#include "sim/engine/max_min.h"

namespace tenk {
namespace {

ClassUsage on(std::uint32_t link, double connections = 1) { return {ClassId(link), connections}; }

std::vector<double> values(const std::vector<Bandwidth>& rates) {
  std::vector<double> v;
  for (const Bandwidth r : rates) v.push_back(r.value());
  return v;
}

TEST_CASE("Three flows on two links share as in Bertsekas and Gallager's example") {
  // Link 0 (capacity 1) carries flows 0 and 1, link 1 (capacity 2) flows 1 and 2:
  // link 0 fills at 1/2, which leaves 3/2 of link 1 to flow 2.
  const std::vector<ClassUsage> a = {on(0)}, b = {on(0), on(1)}, c = {on(1)};
  const std::vector<Bandwidth> capacity = {Bandwidth::per_second(1), Bandwidth::per_second(2)};
  const std::vector<Demand> demands = {{a}, {b}, {c}};
  CHECK(values(max_min_rates(capacity, demands)) == std::vector<double>{0.5, 0.5, 1.5});
}

TEST_CASE("A cap frees its share for the others, and a flow on no link goes at its cap") {
  const std::vector<ClassUsage> a = {on(0)};
  const std::vector<Bandwidth> capacity = {Bandwidth::per_second(10)};
  const std::vector<Demand> demands = {
      {a, Bandwidth::per_second(2)}, {a}, {{}, Bandwidth::per_second(7)}};
  CHECK(values(max_min_rates(capacity, demands)) == std::vector<double>{2, 8, 7});
}

TEST_CASE(
    "A coflow that crosses a link k times gets a k-th of what one that crosses it once "
    "could") {
  const std::vector<ClassUsage> a = {on(0, 4)}, b = {on(0, 1)};
  const std::vector<Bandwidth> capacity = {Bandwidth::per_second(10)};
  const std::vector<Demand> demands = {{a}, {b}};
  CHECK(values(max_min_rates(capacity, demands)) == std::vector<double>{2, 2});  // 4x + x = 10
}

struct Case {
  std::vector<Bandwidth> capacity;
  std::vector<std::vector<ClassUsage>> usage;
  std::vector<Demand> demands;
};

Case random_case(std::uint64_t seed) {
  Random random(seed, "max-min");
  Case c;
  const auto links = 1 + random.below(12), flows = 1 + random.below(30);
  for (std::uint64_t l = 0; l < links; ++l) {
    c.capacity.push_back(Bandwidth::per_second(1 + 99 * random.uniform()));
  }
  for (std::uint64_t f = 0; f < flows; ++f) {
    std::vector<ClassUsage> u;
    for (std::uint32_t l = 0; l < links; ++l) {
      if (random.uniform() < 0.3)
        u.push_back(on(l, random.uniform() < 0.5 ? 1 : 0.1 + random.uniform()));
    }
    if (u.empty()) u.push_back(on(0));
    c.usage.push_back(u);
  }
  for (const auto& u : c.usage) {
    const Bandwidth cap = random.uniform() < 0.3
                              ? Bandwidth::per_second(0.5 + 20 * random.uniform())
                              : Bandwidth::unlimited();
    c.demands.push_back({u, cap});
  }
  return c;
}

TEST_CASE(
    "No link is above capacity, and every flow is at its cap or at a full link on which "
    "nobody is faster") {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    CAPTURE(seed);
    const Case c = random_case(seed);
    const std::vector<double> rate = values(max_min_rates(c.capacity, c.demands));
    std::vector<double> used(c.capacity.size(), 0), fastest(c.capacity.size(), 0);
    for (std::size_t f = 0; f < rate.size(); ++f) {
      for (const ClassUsage& u : c.usage[f]) {
        used[u.trunk.value] += u.connections * rate[f];
        fastest[u.trunk.value] = std::max(fastest[u.trunk.value], rate[f]);
      }
    }
    for (std::size_t l = 0; l < used.size(); ++l) {
      REQUIRE(used[l] <= c.capacity[l].value() * (1 + 1e-12));
    }
    for (std::size_t f = 0; f < rate.size(); ++f) {
      bool held = rate[f] >= c.demands[f].cap.value() * (1 - 1e-12);
      for (const ClassUsage& u : c.usage[f]) {
        const std::size_t l = u.trunk.value;
        held = held || (used[l] >= c.capacity[l].value() * (1 - 1e-9) &&
                        rate[f] >= fastest[l] * (1 - 1e-9));
      }
      REQUIRE(held);
    }
  }
}

TEST_CASE("Rates do not depend on the order of the flows") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Case c = random_case(seed);
    const std::vector<double> forward = values(max_min_rates(c.capacity, c.demands));
    std::reverse(c.demands.begin(), c.demands.end());
    std::vector<double> backward = values(max_min_rates(c.capacity, c.demands));
    std::reverse(backward.begin(), backward.end());
    for (std::size_t f = 0; f < forward.size(); ++f) {
      REQUIRE(forward[f] == Approx(backward[f]).epsilon(1e-12));
    }
  }
}

}  // namespace
}  // namespace tenk
