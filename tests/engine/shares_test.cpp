#include <catch2/catch.hpp>

#include <algorithm>

#include "sim/base/random.h"
#include "sim/engine/shares.h"

namespace tenk {
namespace {

// Flows that come and go on random links, and what a solve from scratch says of those there.
struct Crowd {
  std::vector<Bandwidth> capacity;
  std::vector<std::vector<ClassUsage>> usage;
  std::vector<Bandwidth> caps;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> here;  // Flow, number in Shares.
  Random random;
  Shares shares;

  Crowd(std::uint64_t seed, std::uint32_t links, std::uint32_t flows, std::uint32_t hops,
        bool fractions)
      : random(seed, "crowd"), shares(draw_links(links)) {
    for (std::uint32_t f = 0; f < flows; ++f) {
      std::vector<ClassUsage> u;
      for (std::uint32_t h = 0; h < hops; ++h) {
        const ClassId link(static_cast<std::uint32_t>(random.below(links)));
        const bool twice =
            std::any_of(u.begin(), u.end(), [&](const ClassUsage& x) { return x.trunk == link; });
        if (!twice) u.push_back({link, fractions ? 0.1 + random.uniform() : 1});
      }
      usage.push_back(std::move(u));
      caps.push_back(random.below(8) == 0 ? Bandwidth::per_second(1 + 10 * random.uniform())
                                          : Bandwidth::unlimited());
    }
  }
  std::span<const Bandwidth> draw_links(std::uint32_t links) {
    const bool equal = random.below(2) == 0;
    for (std::uint32_t l = 0; l < links; ++l) {
      capacity.push_back(Bandwidth::per_second(equal ? 50 : 1 + 99 * random.uniform()));
    }
    return capacity;
  }
  void come(std::uint32_t flow) { here.emplace_back(flow, shares.add({usage[flow], caps[flow]})); }
  std::uint32_t go(std::size_t at) {
    const auto [flow, number] = here[at];
    shares.remove(number);
    here.erase(here.begin() + static_cast<std::ptrdiff_t>(at));
    return flow;
  }
  // The largest relative difference to a solve from scratch.
  double worst() const {
    std::vector<Demand> demands;
    for (const auto& [flow, number] : here) demands.push_back({usage[flow], caps[flow]});
    const std::vector<Bandwidth> rates = max_min_rates(capacity, demands);
    double worst = 0;
    for (std::size_t i = 0; i < here.size(); ++i) {
      const double right = rates[i].value();
      worst = std::max(worst, std::abs(shares.rate(here[i].second) - right) / right);
    }
    return worst;
  }
};

TEST_CASE("Rates kept up to date are those of a solve from scratch, after any coming and going") {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    const auto links = static_cast<std::uint32_t>(200 + 400 * (seed % 4));
    Crowd crowd(seed, links, 1500, 1 + static_cast<std::uint32_t>(seed % 6), seed % 3 == 0);
    for (std::uint32_t f = 0; f < 1000; ++f) crowd.come(f);
    crowd.shares.solve();
    REQUIRE(crowd.worst() < 1e-9);
    std::vector<std::uint32_t> away;
    for (std::uint32_t f = 1000; f < 1500; ++f) away.push_back(f);
    for (int event = 0; event < 60; ++event) {
      for (std::uint64_t i = 0; i <= crowd.random.below(3); ++i) {
        if (crowd.random.below(2) == 0) {
          away.push_back(crowd.go(crowd.random.below(crowd.here.size())));
        } else {
          const std::size_t at = crowd.random.below(away.size());
          crowd.come(away[at]);
          away.erase(away.begin() + static_cast<std::ptrdiff_t>(at));
        }
      }
      crowd.shares.solve();
      REQUIRE(crowd.worst() < 1e-9);
    }
  }
}

TEST_CASE("A flow that comes and goes before anyone solves changes nothing") {
  Crowd crowd(3, 400, 1001, 3, false);
  for (std::uint32_t f = 0; f < 1000; ++f) crowd.come(f);
  crowd.shares.solve();
  CHECK(!crowd.shares.dirty());
  crowd.come(1000);
  CHECK(crowd.shares.dirty());
  crowd.go(1000);
  crowd.shares.solve();
  CHECK(!crowd.shares.dirty());
  CHECK(crowd.worst() < 1e-9);
}

TEST_CASE("Flows that meet nobody have their own rates, also when they come with others") {
  // Links of 1 GB/s. Flow 0 has links 0 and 1 to itself, twice on 1; flows 1 and 2 meet on link 2.
  const std::vector<Bandwidth> capacity(1000, 1_GBps);
  const std::vector<ClassUsage> own = {{ClassId(0u), 1}, {ClassId(1u), 2}},
                                shared = {{ClassId(2u), 1}};
  Shares shares(capacity);
  const std::uint32_t capped = shares.add({own, 1_GBps * 0.1});
  shares.solve();
  CHECK(shares.rate(capped) == 1e8);
  shares.remove(capped);
  const std::uint32_t first = shares.add({own}), one = shares.add({shared});
  const std::uint32_t two = shares.add({shared});
  shares.solve();
  CHECK(shares.rate(first) == 0.5e9);
  CHECK(shares.rate(one) == 0.5e9);
  CHECK(shares.rate(two) == 0.5e9);
  CHECK(shares.solved().size() == 3);
  CHECK(shares.used(0) == 0.5e9);
  CHECK(shares.used(1) == 1e9);
  shares.remove(first);
  shares.remove(two);
  shares.solve();
  CHECK(shares.rate(one) == 1e9);
  CHECK(shares.used(0) == 0);
  CHECK(shares.used(2) == 1e9);
}

TEST_CASE("A change far away touches nobody here") {
  // 1,000 pairs of flows, each pair on a link of its own.
  std::vector<Bandwidth> capacity(1000, 1_GBps);
  std::vector<ClassUsage> usage;
  for (std::uint32_t l = 0; l < 1000; ++l) usage.push_back({ClassId(l), 1});
  Shares shares(capacity);
  for (std::uint32_t f = 0; f < 2000; ++f) shares.add({{&usage[f / 2], 1}});
  shares.solve();
  shares.remove(7);
  shares.solve();
  CHECK(std::vector<std::uint32_t>(shares.solved().begin(), shares.solved().end()) ==
        std::vector<std::uint32_t>{6});
  CHECK(shares.rate(6) == 1e9);
  CHECK(shares.rate(8) == 0.5e9);
}

}  // namespace
}  // namespace tenk
