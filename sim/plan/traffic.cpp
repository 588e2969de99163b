#include "sim/plan/traffic.h"

namespace tenk {

void Traffic::index_ranks() {
  Lists<Membership> lists;
  lists.offsets.assign(ranks() + 1, 0);
  for (const Member& m : members.items) ++lists.offsets[m.rank.value + 1];
  for (std::size_t r = 0; r < ranks(); ++r) lists.offsets[r + 1] += lists.offsets[r];
  lists.items.resize(members.items.size());
  std::vector<std::uint32_t> next(lists.offsets.begin(), lists.offsets.end() - 1);
  for (std::size_t c = 0; c < coflows(); ++c) {
    for (const Member& m : members[c]) {
      lists.items[next[m.rank.value]++] = {CoflowId(c), m.end};
    }
  }
  of_rank = std::move(lists);
}

}  // namespace tenk
