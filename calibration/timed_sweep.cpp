#include "calibration/timed_sweep.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "sim/base/error.h"
#include "sim/base/hash.h"
#include "workloads/benchmark.h"
#include "workloads/place.h"

namespace tenk {
namespace {

constexpr std::uint64_t kHeldOutOfTen = 3;

// For coflows that start together: connections each could have a second on its busiest trunk.
std::vector<double> link_rates(const Traffic& traffic, const std::vector<std::uint32_t>& coflows) {
  std::vector<double> load(traffic.trunks.size(), 0);
  for (const std::uint32_t c : coflows) {
    for (const Usage& u : traffic.usage[c]) load[u.trunk.value] += u.connections;
  }
  std::vector<double> rates;
  for (const std::uint32_t c : coflows) {
    double rate = Bandwidth::unlimited().value();
    for (const Usage& u : traffic.usage[c]) {
      rate = std::min(rate, traffic.trunks[u.trunk.value].capacity.value() / load[u.trunk.value]);
    }
    rates.push_back(rate);
  }
  return rates;
}

}  // namespace

bool held_out(Collective op, std::int64_t nodes, std::int64_t gpus, Bytes bytes) {
  Fingerprint shape;
  shape.add(static_cast<std::int64_t>(op));
  shape.add(nodes);
  shape.add(gpus);
  shape.add(bytes.value());
  return shape.value() % 10 < kHeldOutOfTen;
}

SweepModel::SweepModel(const TimedCollective& sweep)
    : without_(sweep.without),
      fabric_(std::make_shared<const Fabric>(build_fabric(sweep.cluster))),
      accelerators_(fabric_->accelerators()) {
  if (accelerators_.size() < 2) {
    throw Error(ErrorKind::kInvalid, "a collective needs at least two accelerators");
  }
  std::vector<Bytes> sizes;
  for (const SweptSize& size : sweep.sizes) sizes.push_back(size.bytes);
  workload_ = one_after_another(fabric_->accelerators(), sweep.op, sizes);
  std::iota(accelerators_.begin(), accelerators_.end(), 0u);
}

std::vector<double> SweepModel::seconds(CollectiveTuning tuning) const {
  tuning.without = without_;
  tuning.network_efficiency = tuning.nic.efficiency;
  const Traffic traffic = place(*fabric_, workload_, tuning, accelerators_);
  std::vector<std::vector<std::uint32_t>> coflows(workload_.slots.size());
  std::vector<std::vector<const Ask*>> asks(workload_.slots.size());
  for (std::uint32_t c = 0; c < traffic.coflows(); ++c) {
    for (const Ask& ask : traffic.asks[c]) {
      coflows[ask.slot.value].push_back(c);
      asks[ask.slot.value].push_back(&ask);
    }
  }
  std::map<std::vector<std::uint32_t>, std::vector<double>> rates;  // Sizes share their channels.
  std::vector<double> seconds(workload_.slots.size(), 0);
  for (std::size_t s = 0; s < seconds.size(); ++s) {
    const auto [at, fresh] = rates.try_emplace(coflows[s]);
    if (fresh) at->second = link_rates(traffic, coflows[s]);
    for (std::size_t i = 0; i < asks[s].size(); ++i) {
      const Ask& ask = *asks[s][i];
      const double rate = std::min(ask.cap.value(), at->second[i]);
      seconds[s] = std::max(seconds[s], ask.latency.s() + ask.bytes / rate);
    }
  }
  return seconds;
}

}  // namespace tenk
