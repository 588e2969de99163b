// What do repeated measurements say: the middle, and how far do they spread?
//
// Quantiles interpolate linearly between order statistics (Hyndman and Fan, "Sample Quantiles in
// Statistical Packages", 1996, type 7). Host-only C++17; no CUDA.
#pragma once
#include <cstdint>
#include <vector>

namespace tenk::probe {

struct Spread {
  double median = 0;
  double p10 = 0;
  double p90 = 0;
  std::int64_t repeats = 0;
};

// q from 0 to 1 of values, not empty, all finite. O(n log n).
double quantile(std::vector<double> values, double q);

// All zero for no values.
Spread summarize(const std::vector<double>& values);

// Each value times `factor` > 0; bytes over each value, where p10 and p90 change places.
Spread scaled(const Spread& spread, double factor);
Spread rate_of(double amount, const Spread& seconds);

}  // namespace tenk::probe
