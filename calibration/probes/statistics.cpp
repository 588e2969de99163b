#include "calibration/probes/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace tenk::probe {

double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  const double place = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(place));
  const std::size_t above = std::min(below + 1, values.size() - 1);
  const double part = place - std::floor(place);
  return values[below] + part * (values[above] - values[below]);
}

Spread summarize(const std::vector<double>& values) {
  if (values.empty()) return {};
  return {quantile(values, 0.5), quantile(values, 0.1), quantile(values, 0.9),
          static_cast<std::int64_t>(values.size())};
}

Spread scaled(const Spread& spread, double factor) {
  return {spread.median * factor, spread.p10 * factor, spread.p90 * factor, spread.repeats};
}

Spread rate_of(double amount, const Spread& seconds) {
  const auto rate = [&](double time) { return time > 0 ? amount / time : 0; };
  return {rate(seconds.median), rate(seconds.p90), rate(seconds.p10), seconds.repeats};
}

}  // namespace tenk::probe
