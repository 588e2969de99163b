#include "workloads/experts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "sim/base/random.h"
#include "workloads/shard.h"

namespace tenk {
namespace {

constexpr double kMostSkew = 5;
constexpr std::int64_t kMostLoad = 1'000'000'000'000;
constexpr std::int64_t kLayersDrawn = 256;  // More would not move the mean.

// The busiest of `ranks` neighbouring shares of the experts' load, over their mean.
double busiest_share(const std::vector<double>& load, std::int64_t ranks) {
  const double all = std::accumulate(load.begin(), load.end(), 0.0);
  const auto held = static_cast<std::ptrdiff_t>(load.size()) / ranks;
  double most = 0;
  for (auto first = load.begin(); load.end() - first >= held; first += held) {
    most = std::max(most, std::accumulate(first, first + held, 0.0));
  }
  return all > 0 ? most * static_cast<double>(ranks) / all : 1;
}

// Box and Muller; the second of each pair is left.
double normal(Random& random) {
  const double radius = std::sqrt(-2 * std::log(1 - random.uniform()));
  return radius * std::cos(2 * std::numbers::pi * random.uniform());
}

double drawn_busiest(const TransformerSpec& m, std::int64_t ep, double skew, std::uint64_t seed) {
  Random random(seed, "experts");
  const auto layers = std::min<std::int64_t>(
      std::count_if(m.kinds.begin(), m.kinds.end(), [](const LayerKind& k) { return k.experts; }),
      kLayersDrawn);
  double sum = 0;
  std::vector<double> load(static_cast<std::size_t>(m.experts.routed));
  for (std::int64_t l = 0; l < layers; ++l) {
    for (double& popularity : load) popularity = std::exp(skew * normal(random));
    sum += busiest_share(load, ep);
  }
  return layers > 0 ? sum / static_cast<double>(layers) : 1;
}

}  // namespace

ExpertWork expert_work(const TrainingSpec& t) {
  const Shard shard = shard_of(t);
  const RouterSpec& router = t.router;
  const double most =
      router.capacity > 0 ? std::min(router.capacity, router.busiest) : router.busiest;
  ExpertWork work;
  work.held = std::max<std::int64_t>(shard.experts, 1);
  work.ffn = std::max<std::int64_t>(shard.expert_ffn, 1);
  work.sent = shard.whole_tokens * t.model.experts.top_k;
  work.received = std::max<std::int64_t>(1, std::llround(static_cast<double>(work.sent) * most));
  const auto top_k = static_cast<double>(t.model.experts.top_k);
  const double share = router.copies > 0 ? std::min(router.copies / top_k, 1.0) : 1;
  work.exchanged =
      std::max<std::int64_t>(1, std::llround(static_cast<double>(work.received) * share));
  work.rows = work.received * t.layout.etp;
  return work;
}

RouterSpec read_router(Section section, const TransformerSpec& m, std::int64_t ep) {
  RouterSpec router;
  router.capacity = section.number("capacity-factor", {0.01, 1000}, 0);
  router.copies = section.number("copies", {1, 1000}, 0);
  const auto counts = section.integers("load", {0, kMostLoad});
  const bool skewed = section.has("skew");
  const double skew = section.number("skew", {0, kMostSkew}, 0);
  const auto seed = static_cast<std::uint64_t>(section.integer("seed", {0}, 42));
  section.finish();
  const std::int64_t routed = m.experts.routed;
  if (routed == 0 && (router.capacity > 0 || router.copies > 0 || skewed || !counts.empty())) {
    section.fail(section.what() + " needs a model with experts");
  } else if (!counts.empty() && skewed) {
    section.fail("skew", fmt::format("{0}.skew and {0}.load both say how busy experts are; give "
                                     "one of them",
                                     section.what()));
  } else if (!counts.empty() && static_cast<std::int64_t>(counts.size()) != routed) {
    section.fail("load", fmt::format("{}.load has {} numbers, but the model has {} routed experts",
                                     section.what(), counts.size(), routed));
  } else if (routed % ep == 0 && !counts.empty()) {
    router.busiest = busiest_share({counts.begin(), counts.end()}, ep);
  } else if (routed % ep == 0 && skew > 0) {
    router.busiest = drawn_busiest(m, ep, skew, seed);
  }
  return router;
}

}  // namespace tenk
