// Broadcast along rings (chain.h).
#include "workloads/collectives/chain.h"

namespace tenk {
namespace {

bool serves_broadcast(Collective op) { return op == Collective::kBroadcast; }

std::vector<Lane> lay_broadcast(const Group& group, const CollectiveTuning& tuning, int way) {
  return lay_chain(group, tuning, way, ChainWay::kFromRoot);
}

Steps write_broadcast(const StepRequest& r) { return write_chain(r, ChainWay::kFromRoot); }

}  // namespace

extern const CollectiveKind kBroadcast{.name = "ring-broadcast",
                                       .summary = "from the first member along a ring on each rail",
                                       .serves = serves_broadcast,
                                       .terms = chain_terms,
                                       .lay = lay_broadcast,
                                       .count_steps = count_chain,
                                       .write_steps = write_broadcast};

}  // namespace tenk
