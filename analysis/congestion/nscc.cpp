// How does a window of the Ultra Ethernet kind (NSCC) share links?
//
// Every congested hop marks or delays packets of a flow, and each costs it: a flow over several
// full links gets less than max-min sharing would give it, and those it leaves room for get more.
// That is alpha-fair sharing (Mo and Walrand, IEEE/ACM ToN 2000): rates that maximise the sum of
// x^(1 - a) / (1 - a) within the links' capacity, where a flow goes at (sum of its links'
// prices)^(-1/a); a = infinity is max-min fair. With a = 1/4 a hashed permutation of 128 flows in
// htsim is met to 6.7 % a flow, 0.1 % in the mean and 1.9 % at the end (max-min: 24.3 %, 16.5 %,
// 1.9 %); fitted to that case, a in {1/10, 1/4, 1/2, 1, 2}. An all-to-all of 992 flows, not fitted
// to, is met to 0.4 % either way. Starts and the last round trips of a window are not in it.
#include <algorithm>
#include <cmath>

#include "analysis/congestion/congestion.h"

namespace tenk {
namespace {

constexpr double kAlpha = 0.25;
constexpr double kStep = 0.9 * kAlpha;  // A single link's price is right after one step of kAlpha.
constexpr int kMostSteps = 400;
constexpr double kPrecise = 1e-3;
constexpr double kLeastPrice = 1e-12;

struct Market {
  std::span<const Bandwidth> capacity;
  std::span<const Sharing> flows;
  std::span<double> prices;
  std::vector<std::uint32_t> links;  // In use.
  std::vector<double> load;          // By link.
  double unit = 0;                   // Rates are in this, so that prices are near 1.

  void sell(std::span<double> rates);
  double adjust();
};

// Each flow takes what it wants at these prices.
void Market::sell(std::span<double> rates) {
  for (const std::uint32_t l : links) load[l] = 0;
  for (std::size_t f = 0; f < flows.size(); ++f) {
    double price = 0;
    for (const ClassUsage& u : flows[f].usage) price += u.connections * prices[u.trunk.value];
    const double wanted = unit * std::pow(price, -1 / kAlpha);
    rates[f] = std::min(wanted, flows[f].cap.value());
    for (const ClassUsage& u : flows[f].usage) load[u.trunk.value] += u.connections * rates[f];
  }
}

// Dearer where more is wanted than there is, cheaper where less; returns the worst excess.
double Market::adjust() {
  double worst = 0;
  for (const std::uint32_t l : links) {
    const double asked = load[l] / capacity[l].value();
    // A link with room must be cheap.
    worst = std::max(worst, asked > 1 ? asked - 1 : (1 - asked) * std::min(prices[l], 1.0));
    prices[l] *= std::pow(std::clamp(asked, 0.1, 10.0), kStep);
    prices[l] = std::max(prices[l], kLeastPrice);
  }
  return worst;
}

void correct_nscc(std::span<const Bandwidth> capacity, std::span<const Sharing> flows,
                  std::span<double> prices, std::span<double> rates) {
  Market market{capacity, flows, prices, {}, std::vector<double>(capacity.size(), 0), 0};
  std::vector<bool> seen(capacity.size(), false);
  for (const Sharing& flow : flows) {
    for (const ClassUsage& u : flow.usage) {
      market.unit = std::max(market.unit, capacity[u.trunk.value].value());
      if (seen[u.trunk.value]) continue;
      seen[u.trunk.value] = true;
      market.links.push_back(u.trunk.value);
      // A link that was idle starts like a new one.
      if (prices[u.trunk.value] < 1e-3) prices[u.trunk.value] = 1;
    }
  }
  for (int i = 0; i < kMostSteps; ++i) {
    market.sell(rates);
    if (market.adjust() < kPrecise) break;
  }
  market.sell(rates);
  for (std::size_t f = 0; f < flows.size();
       ++f) {  // What is left of the error stays below capacity.
    double over = 1;
    for (const ClassUsage& u : flows[f].usage) {
      over = std::max(over, market.load[u.trunk.value] / capacity[u.trunk.value].value());
    }
    rates[f] /= over;
  }
}

}  // namespace

extern const CongestionKind kNscc{
    .name = "nscc",
    .summary = "a window that every congested hop shrinks (Ultra Ethernet): alpha-fair, alpha 1/4",
    .correct = correct_nscc};

}  // namespace tenk
