#include <catch2/catch.hpp>

#include "sim/base/error.h"
#include "sim/engine/engine.h"

namespace tenk {
namespace {

// A plan by hand: one rank class, a trunk class for each capacity.
struct Maker {
  Plan plan;
  std::vector<std::vector<ActivityId>> next;

  explicit Maker(std::vector<Bandwidth> capacity) {
    plan.capacity = std::move(capacity);
    plan.trunk_count.assign(plan.capacity.size(), 1);
    plan.rank_count = {1};
  }
  std::uint32_t compute(Time t) {
    Activity a;
    a.time = t;
    plan.activities.push_back(a);
    next.emplace_back();
    return static_cast<std::uint32_t>(next.size() - 1);
  }
  std::uint32_t transfer(double bytes, const std::vector<ClassUsage>& usage, Time latency = {}) {
    plan.usage.add(usage);
    plan.coflow_count.push_back(1);
    Activity a;
    a.kind = Activity::Kind::kTransfer;
    a.coflow = ClassId(plan.usage.size() - 1);
    a.bytes = bytes;
    a.time = latency;
    plan.activities.push_back(a);
    next.emplace_back();
    return static_cast<std::uint32_t>(next.size() - 1);
  }
  void order(std::uint32_t a, std::uint32_t b) { next[a].push_back(ActivityId(b)); }
  Timeline run() {
    plan.waits_for.assign(next.size(), 0);
    std::vector<ActivityId> mine;
    for (std::size_t a = 0; a < next.size(); ++a) {
      plan.successors.add(next[a]);
      for (const ActivityId s : next[a]) ++plan.waits_for[s.value];
      mine.push_back(ActivityId(a));
    }
    plan.of_rank_class.add(mine);
    Timeline t = engine_kinds()[0]->run(plan);
    check_bounds(plan, t);
    return t;
  }
};

TEST_CASE("Two transfers share a link until the shorter ends, then the longer has it alone") {
  // 1 GB/s. Both at 0.5 GB/s until the one of 1 GB ends at 2 s; the other has 2 GB left: 4 s.
  Maker m({1_GBps});
  const auto a = m.transfer(1e9, {{ClassId(), 1}}), b = m.transfer(3e9, {{ClassId(), 1}});
  const Timeline t = m.run();
  CHECK(t.end[a] == 2_s);
  CHECK(t.end[b] == 4_s);
  CHECK(t.loads[0].bytes == Approx(4e9));
  CHECK(t.loads[0].peak_utilisation == Approx(1));
}

TEST_CASE("A latency delays the bytes and shares nothing meanwhile") {
  Maker m({1_GBps});
  const auto a = m.transfer(1e9, {{ClassId(), 1}});
  const auto b = m.transfer(1e9, {{ClassId(), 1}}, 3_s);
  const Timeline t = m.run();
  CHECK(t.end[a] == 1_s);
  CHECK(t.start[b] == Time());
  CHECK(t.end[b] == 4_s);
}

TEST_CASE("What follows starts when all it waits for have ended") {
  Maker m({1_GBps});
  const auto a = m.compute(2_s), b = m.transfer(1e9, {{ClassId(), 1}}), c = m.compute(1_s);
  m.order(a, c);
  m.order(b, c);
  const Timeline t = m.run();
  CHECK(t.start[c] == 2_s);
  CHECK(t.makespan == 3_s);
  CHECK(t.events == 4);  // 0 (bytes flow), 1, 2 and 3 s.
}

TEST_CASE("A start elsewhere does not disturb transfers that share nothing with it") {
  Maker m({1_GBps, 2_GBps});
  const auto a = m.transfer(1e9, {{ClassId(0u), 1}});
  const auto b = m.transfer(1e9, {{ClassId(1u), 1}}, 500_ms);
  const Timeline t = m.run();
  CHECK(t.end[a] == 1_s);
  CHECK(t.end[b] == 1_s);
}

TEST_CASE("A coflow with k connections on a link takes k times as long") {
  Maker m({1_GBps});
  const auto a = m.transfer(1e9, {{ClassId(), 7}});
  CHECK(m.run().end[a] == 7_s);
}

TEST_CASE("Empty transfers and zero-length computations end where they start") {
  Maker m({1_GBps});
  const auto a = m.transfer(0, {{ClassId(), 1}}), b = m.compute({}), c = m.transfer(5, {});
  m.order(a, b);
  m.order(b, c);
  CHECK(m.run().makespan == Time());
}

TEST_CASE("The same plan gives the same fingerprint, another a different one") {
  const auto run = [](double bytes) {
    Maker m({1_GBps});
    m.transfer(bytes, {{ClassId(), 1}});
    m.transfer(3e9, {{ClassId(), 1}});
    return m.run().fingerprint();
  };
  CHECK(run(1e9) == run(1e9));
  CHECK(run(1e9) != run(1.1e9));
}

TEST_CASE("A timeline that breaks a bound is caught, not reported") {
  Maker m({1_GBps});
  m.transfer(1e9, {{ClassId(), 1}});
  Timeline t = m.run();
  Timeline early = t;
  early.makespan = 500_ms;
  CHECK_THROWS_AS(check_bounds(m.plan, early), BugError);
  Timeline lost = t;
  lost.loads[0].bytes = 0.9e9;
  CHECK_THROWS_AS(check_bounds(m.plan, lost), BugError);
  Timeline over = t;
  over.loads[0].peak_utilisation = 1.01;
  CHECK_THROWS_AS(check_bounds(m.plan, over), BugError);
}

}  // namespace
}  // namespace tenk
