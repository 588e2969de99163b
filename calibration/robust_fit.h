// Which constants make a model agree best with measurements, and how far off is it then?
//
// The loss of a fit is the mean of |log(predicted / measured)|: a factor too slow costs as much as
// a factor too fast, and a few odd rows do not steer it. It is minimised by the simplex of Nelder
// and Mead (Computer Journal 7, 1965) in logit coordinates of each parameter's range, restarted;
// deterministic. Intervals come from a bootstrap (Efron 1979) over groups of rows, seeded.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "sim/plan/device_profile.h"

namespace tenk {

struct Parameter {
  double start = 0;  // Inside (min, max).
  double min = 0;
  double max = 1;
};

// Parameter values at the least loss found, never worse than at the start. `steps`: simplex steps
// in all. `loss` must be finite inside the ranges.
std::vector<double> minimize(std::span<const Parameter> parameters,
                             const std::function<double(std::span<const double>)>& loss, int steps);

// The same over constants of a profile, which start where they are (or just inside their range) and
// hold the values to judge whenever `loss` is called.
std::vector<double> minimize(std::span<Known* const> constants, std::span<const Parameter> ranges,
                             const std::function<double()>& loss, int steps);

// Row indices of one bootstrap sample: whole groups drawn with replacement, as many as there are.
// `groups[i]` is row i's group, 0 to count - 1. Depends on nothing but the arguments.
std::vector<std::size_t> resample(std::span<const std::size_t> groups, std::size_t count,
                                  std::uint64_t seed);

// Half the width of the middle 90 % of `samples`, over |value|.
double relative_interval(const std::vector<double>& samples, double value);

// Linear interpolation between order statistics, `share` 0 to 1; not empty.
double quantile(std::vector<double> values, double share);

// Of |predicted / measured - 1|; bias is the median of predicted / measured - 1.
struct FitErrors {
  std::size_t rows = 0;
  double mean = 0;
  double median = 0;
  double p90 = 0;
  double bias = 0;
};
FitErrors fit_errors(std::span<const double> predicted, std::span<const double> measured);

}  // namespace tenk
