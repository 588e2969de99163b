// Reduce along rings (chain.h).
#include "workloads/collectives/chain.h"

namespace tenk {
namespace {

bool serves_reduce(Collective op) { return op == Collective::kReduce; }

std::vector<Lane> lay_reduce(const Group& group, const CollectiveTuning& tuning, int way) {
  return lay_chain(group, tuning, way, ChainWay::kToRoot);
}

Steps write_reduce(const StepRequest& r) { return write_chain(r, ChainWay::kToRoot); }

}  // namespace

extern const CollectiveKind kReduce{.name = "ring-reduce",
                                    .summary = "along a ring on each rail to the first member",
                                    .serves = serves_reduce,
                                    .terms = chain_terms,
                                    .lay = lay_reduce,
                                    .count_steps = count_chain,
                                    .write_steps = write_reduce};

}  // namespace tenk
