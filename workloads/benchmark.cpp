#include "workloads/benchmark.h"

#include <numeric>

namespace tenk {

Workload one_after_another(std::uint32_t ranks, Collective op, std::span<const Bytes> sizes) {
  Workload w;
  w.role_of_rank.assign(ranks, RoleId());
  Family world;
  world.name = "world";
  world.category = Category::kDp;
  std::vector<RankId> all;
  for (std::uint32_t r = 0; r < ranks; ++r) all.push_back(RankId(r));
  world.add(all);
  w.families.push_back(std::move(world));
  Program program;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    w.slots.push_back({FamilyId(), op, sizes[i]});
    Op call;
    call.kind = Op::Kind::kCommunicate;
    call.stream = Stream::kDp;
    call.category = Category::kDp;
    call.slot = SlotId(i);
    program.add(call);
  }
  w.programs.push_back(std::move(program));
  return w;
}

double bus_factor(Collective op, std::uint32_t ranks) {
  const double share = (ranks - 1.0) / ranks;
  switch (op) {
    case Collective::kAllReduce:
      return 2 * share;
    case Collective::kAllGather:
    case Collective::kReduceScatter:
    case Collective::kAllToAll:
      return share;
    default:
      return 1;
  }
}

}  // namespace tenk
