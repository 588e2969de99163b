#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "analysis/congestion/congestion.h"
#include "sim/base/error.h"
#include "sim/engine/clock.h"
#include "sim/engine/max_min.h"

namespace tenk {
namespace {

class Correction {
 public:
  Correction(const CongestionKind& kind, std::span<const Bandwidth> capacity,
             std::span<const OpenFlow> flows, const Lists<ClassUsage>& usage)
      : kind_(kind),
        capacity_(capacity),
        flows_(flows),
        usage_(usage),
        max_min_(capacity),
        prices_(capacity.size(), 0),
        order_(flows.size()) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::stable_sort(order_.begin(), order_.end(),
                     [&](std::size_t a, std::size_t b) { return flows[a].opens < flows[b].opens; });
    for (const OpenFlow& flow : flows) left_.push_back(flow.bytes);
    result_.end.resize(flows.size());
  }

  Corrected run() {
    while (next_ < order_.size() || !active_.empty()) {
      ++result_.events;
      if (active_.empty()) now_ = std::max(now_, flows_[order_[next_]].opens);
      while (next_ < order_.size() && flows_[order_[next_]].opens <= now_) {
        active_.push_back(order_[next_++]);
      }
      share();
      advance();
    }
    return std::move(result_);
  }

 private:
  void share();
  void check_capacity() const;
  void advance();

  const CongestionKind& kind_;
  std::span<const Bandwidth> capacity_;
  std::span<const OpenFlow> flows_;
  const Lists<ClassUsage>& usage_;
  MaxMin max_min_;
  std::vector<double> prices_;
  std::vector<std::size_t> order_;  // Flows by when they open.
  std::size_t next_ = 0;            // Into order_.
  std::vector<std::size_t> active_;
  std::vector<double> left_, rates_;  // Bytes by flow; bytes/s by place in active_.
  Time now_;
  Corrected result_;
};

void Correction::share() {
  std::vector<Demand> demands;
  for (const std::size_t f : active_) demands.push_back({usage_[f], flows_[f].cap});
  const std::span<const double> fair = max_min_.solve(demands);
  std::vector<Sharing> flows;
  for (std::size_t i = 0; i < active_.size(); ++i) {
    flows.push_back({usage_[active_[i]], flows_[active_[i]].cap, fair[i]});
  }
  rates_.assign(active_.size(), 0);
  kind_.correct(capacity_, flows, prices_, rates_);
  check_capacity();
}

void Correction::check_capacity() const {
  std::vector<double> load(capacity_.size(), 0);
  for (std::size_t i = 0; i < active_.size(); ++i) {
    TENK_CHECK(rates_[i] > 0, "a flow moves");
    for (const ClassUsage& u : usage_[active_[i]]) load[u.trunk.value] += u.connections * rates_[i];
  }
  for (std::size_t l = 0; l < load.size(); ++l) {
    TENK_CHECK(load[l] <= capacity_[l].value() * (1 + 1e-9), "no link is above capacity");
  }
}

// To the next end or start; flows that end on one picosecond end together.
void Correction::advance() {
  Time until = next_ < order_.size() ? flows_[order_[next_]].opens : Time::max();
  for (std::size_t i = 0; i < active_.size(); ++i) {
    until = std::min(until, after(now_, left_[active_[i]] / rates_[i]));
  }
  if (until == Time::max()) refuse_endless();
  const double seconds = (until - now_).s();
  std::vector<std::size_t> still;
  for (std::size_t i = 0; i < active_.size(); ++i) {
    const std::size_t f = active_[i];
    left_[f] -= rates_[i] * seconds;
    if (left_[f] <= rates_[i] * 1e-12) {
      result_.end[f] = until;
    } else {
      still.push_back(f);
    }
  }
  active_ = std::move(still);
  now_ = until;
}

}  // namespace

Corrected run_corrected(const CongestionKind& kind, std::span<const Bandwidth> capacity,
                        std::span<const OpenFlow> flows, const Lists<ClassUsage>& usage) {
  TENK_CHECK(kind.correct != nullptr, "the ideal is the engine's");
  if (flows.size() > kMostCorrected) {
    throw Error(ErrorKind::kInvalid,
                fmt::format("engine.congestion {}: found {} flows, at most {} can be corrected",
                            kind.name, flows.size(), kMostCorrected));
  }
  return Correction(kind, capacity, flows, usage).run();
}

}  // namespace tenk
