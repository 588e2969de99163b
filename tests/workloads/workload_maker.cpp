#include "tests/workloads/workload_maker.h"

#include <array>

namespace tenk::testing {
namespace {

struct Grid {
  GridShape shape;
  RankId rank(std::uint32_t t, std::uint32_t p, std::uint32_t d) const {
    return RankId(shape.tp_first ? t + shape.tp * (p + shape.pp * d)
                                 : d + shape.dp * (p + shape.pp * t));
  }
};

Family family(const std::string& name, Category category, bool directed = false) {
  Family f;
  f.name = name;
  f.category = category;
  f.directed = directed;
  return f;
}

// tp, dp, "again" (the ranks of dp once more), pp.
void add_families(const Grid& g, Workload& w) {
  w.families = {family("tp", Category::kTp), family("dp", Category::kDp),
                family("again", Category::kEp), family("pp", Category::kPp, true)};
  const GridShape& s = g.shape;
  std::vector<RankId> group;
  for (std::uint32_t p = 0; p < s.pp; ++p) {
    for (std::uint32_t d = 0; s.tp > 1 && d < s.dp; ++d) {
      group.clear();
      for (std::uint32_t t = 0; t < s.tp; ++t) group.push_back(g.rank(t, p, d));
      w.families[0].add(group);
    }
    for (std::uint32_t t = 0; s.dp > 1 && t < s.tp; ++t) {
      group.clear();
      for (std::uint32_t d = 0; d < s.dp; ++d) group.push_back(g.rank(t, p, d));
      w.families[1].add(group);
      w.families[2].add(group);
    }
  }
  const std::uint32_t links = s.pp < 2 ? 0 : s.pp - 1 + (s.ring && s.pp > 2);
  for (std::uint32_t p = 0; p < links; ++p) {
    for (std::uint32_t i = 0; i < s.tp * s.dp; ++i) {
      const std::array<RankId, 2> pair = {g.rank(i % s.tp, p, i / s.tp),
                                          g.rank(i % s.tp, (p + 1) % s.pp, i / s.tp)};
      w.families[3].add(pair);
    }
  }
}

struct Round {
  SlotId tp, dp, again, pp;
  std::array<Time, 8> compute;  // By stage, modulo.
};

Round draw_round(Workload& w, Random& random) {
  constexpr std::array kOps = {Collective::kAllReduce, Collective::kAllGather,
                               Collective::kReduceScatter, Collective::kAllToAll};
  const auto slot = [&](std::uint32_t f, Collective op) {
    const auto bytes = Bytes(std::int64_t{1} << random.between(8, 27));
    w.slots.push_back({FamilyId(f), op, bytes});
    return SlotId(w.slots.size() - 1);
  };
  Round r;
  r.tp = slot(0, kOps[random.below(4)]);
  r.dp = slot(1, kOps[random.below(4)]);
  r.again = slot(2, kOps[random.below(4)]);
  r.pp = slot(3, Collective::kSend);
  for (Time& t : r.compute) t = Time::picoseconds(random.between(0, 2'000'000'000));
  return r;
}

Program stage_program(const GridShape& s, std::uint32_t stage, const std::vector<Round>& rounds) {
  Program p;
  const bool ring = s.ring && s.pp > 2;
  const bool receives = s.pp > 1 && (stage > 0 || ring);
  const bool sends = s.pp > 1 && (stage + 1 < s.pp || ring);
  for (std::size_t i = 0; i < rounds.size(); ++i) {
    const Round& r = rounds[i];
    std::vector<std::uint32_t> wait;
    // On a ring stage 0 starts each round, so it receives what the last stage sent in the one
    // before, and the very first receive is left to the end.
    if (receives && !(ring && stage == 0 && i == 0)) {
      wait.push_back(p.add(call(r.pp, Category::kPp, Stream::kReceiveForward)));
    }
    std::uint32_t last = p.add(compute(r.compute[stage % r.compute.size()]), wait);
    if (s.tp > 1) last = p.add(call(r.tp, Category::kTp));
    if (sends) p.add(call(r.pp, Category::kPp, Stream::kSendForward, true), {&last, 1});
    if (s.dp > 1) p.add(call(r.dp, Category::kDp, Stream::kDp), {&last, 1});
    if (s.dp > 1) p.add(call(r.again, Category::kEp, Stream::kEp), {&last, 1});
  }
  if (ring && stage == 0) p.add(call(rounds.back().pp, Category::kPp, Stream::kReceiveForward));
  return p;
}

}  // namespace

CollectiveTuning hopper() { return load_collective_tuning("nccl-hopper", "infiniband"); }

Workload random_grid(const GridShape& shape, Random& random) {
  Workload w;
  const Grid grid{shape};
  add_families(grid, w);
  if (random.below(2) == 1) w.units = 40;
  w.role_of_rank.resize(shape.ranks());
  for (std::uint32_t p = 0; p < shape.pp; ++p) {
    for (std::uint32_t i = 0; i < shape.tp * shape.dp; ++i) {
      w.role_of_rank[grid.rank(i % shape.tp, p, i / shape.tp).value] = RoleId(p);
    }
  }
  std::vector<Round> rounds;
  for (std::uint64_t n = 1 + random.below(3); n > 0; --n) rounds.push_back(draw_round(w, random));
  if (shape.ring) {  // The n-th message around a ring is the same for everybody.
    for (Round& r : rounds) r.pp = rounds.front().pp;
  }
  for (std::uint32_t p = 0; p < shape.pp; ++p)
    w.programs.push_back(stage_program(shape, p, rounds));
  return w;
}

Workload senders(std::uint32_t ranks, std::uint32_t senders, std::uint32_t distance, Bytes bytes) {
  Workload w;
  w.families = {family("pairs", Category::kPp, true)};
  w.slots = {{FamilyId(), Collective::kSend, bytes}};
  w.programs.resize(4);  // Role: 1 sends, 2 receives, 3 both, 0 neither.
  std::vector<std::uint32_t> role(ranks, 0);
  for (std::uint32_t i = 0; i < senders; ++i) {
    const std::array<RankId, 2> pair = {RankId(i), RankId((i + distance) % ranks)};
    w.families[0].add(pair);
    role[i] |= 1;
    role[pair[1].value] |= 2;
  }
  for (const std::uint32_t r : role) w.role_of_rank.push_back(RoleId(r));
  for (std::uint32_t r = 0; r < 4; ++r) {
    if (r & 1) w.programs[r].add(call(SlotId(), Category::kPp, Stream::kSendForward, true));
    if (r & 2) w.programs[r].add(call(SlotId(), Category::kPp, Stream::kReceiveForward));
  }
  return w;
}

}  // namespace tenk::testing
