#include "workloads/collectives/ring_pace.h"

namespace tenk {

Time ring_latency(const Request& r, Protocol protocol, RingSteps steps) {
  const RingPace& pace = r.tuning->pace[static_cast<std::size_t>(protocol)];
  Time inner = Time::seconds(pace.step.value);
  if (steps.between > 0) {
    inner = std::max(inner, r.tuning->network_overhead * (protocol == Protocol::kSimple ? 3 : 1));
  }
  const bool alone = r.shape.nodes == r.shape.ranks;  // One GPU a node.
  const Time outer = network_step(r, alone ? Algorithm::kTree : Algorithm::kRing, protocol);
  return Time::seconds(pace.base.value) + inner * (steps.all - steps.between) +
         outer * steps.between;
}

Bandwidth ring_rate(const Request& r, Protocol protocol) {
  const CollectiveTuning& t = *r.tuning;
  const RingPace& pace = t.pace[static_cast<std::size_t>(protocol)];
  Bandwidth rate = Bandwidth::unlimited();
  if (pace.rate.value > 0) rate = Bandwidth::per_second(pace.rate.value);
  if (r.shape.nodes > 1 && protocol == Protocol::kLL) {
    rate = std::min(rate, Bandwidth::per_second(t.nic.ll_rate.value * r.shape.rails));
  }
  if (r.shape.nodes > 1 && protocol == Protocol::kLL128) {
    rate = std::min(rate, t.ring_ll128[r.node_class()] * r.channels());
  }
  return rate;
}

Time ring_floor(const Request& r, Protocol protocol, RingSteps steps, Time latency) {
  if (protocol != Protocol::kSimple) return {};
  const double inside = r.tuning->pace[2].floor.value;
  const bool between = r.shape.nodes > 1;
  const double step = between ? std::max(inside, r.tuning->nic.ring_step.value) : inside;
  const Time floor = Time::seconds(step * static_cast<double>(steps.all));
  return between ? std::max(Time(), floor - latency) : floor;
}

Bandwidth planned_ring_bus(const Request& r, Protocol protocol) {
  const CollectiveTuning& t = *r.tuning;
  const Bandwidth bus = r.planned_bus();
  if (protocol == Protocol::kLL) return std::min(t.ll_total[r.node_class()], bus * 0.5);
  if (protocol == Protocol::kSimple) return bus;
  return std::min(bus * 0.92, t.ring_ll128[r.node_class()] * r.channels());
}

}  // namespace tenk
