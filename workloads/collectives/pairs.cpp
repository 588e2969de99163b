#include "workloads/collectives/pairs.h"

namespace tenk {

std::optional<Time> pair_latency(const Request& request, Protocol protocol, double each) {
  const PointToPoint& p = request.tuning->pairs;
  const bool inside = request.shape.nodes == 1;
  const bool low_latency = inside && each <= p.ll_most.value();
  if (protocol != (low_latency ? Protocol::kLL : Protocol::kSimple)) return std::nullopt;
  const Time base = Time::seconds(low_latency ? p.ll_base.value : p.base.value);
  return inside ? base : base + network_step(request, Algorithm::kRing, protocol);
}

}  // namespace tenk
