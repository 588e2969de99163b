#include "calibration/constant_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include "sim/base/error.h"

namespace tenk {
namespace {

constexpr double kPriorUnits = 2;    // What a constant may be off by before any row is seen.
constexpr double kMostVariance = 1;  // Of an identified constant, in its units.
constexpr double kFelt = 0.05;       // Of a row's time, for a unit of the constant.
constexpr std::size_t kFewestFelt = 5;
constexpr double kLeastScatter = 0.01;
constexpr double kMostInterval = 10;  // As profiles allow.
// The model bends between samples, so that intervals of the linear one are too narrow: with this
// factor they hold the truth of synthetic rows for 90 of 100 seeds or more (tests/calibration).
constexpr double kWidening = 1.3;
constexpr double kMostAlike = 4;
constexpr double kNothing = 0.01;  // Of a scale.
constexpr double kNudge = 0.05;    // Of a unit, for derivatives.

using Rows = std::vector<std::size_t>;
using Matrix = std::vector<std::vector<double>>;

constexpr std::size_t kMostSearched = 2000;

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The constants to search: all but those held.
Constants free_constants(const FitProblem& problem, const FitOptions& options) {
  Constants constants = problem.constants;
  std::vector<std::string> names;
  for (const FittableConstant& constant : constants) names.push_back(constant.path);
  for (const std::string& path : options.hold) {
    if (contains(names, path)) continue;
    const std::string nearest = nearest_name(path, names);
    throw Error(ErrorKind::kInvalid,
                fmt::format("cannot hold \"{}\": no constant of this fit{}", path,
                            nearest.empty() ? fmt::format("; there are {}", fmt::join(names, ", "))
                                            : fmt::format("; did you mean \"{}\"?", nearest)));
  }
  std::erase_if(constants,
                [&](const FittableConstant& c) { return contains(options.hold, c.path); });
  return constants;
}

double unit_of(const FittableConstant& constant) {
  return std::max(std::abs(constant.known->value), constant.scale);
}

std::vector<double> values_of(const Constants& constants) {
  std::vector<double> values;
  for (const FittableConstant& constant : constants) values.push_back(constant.known->value);
  return values;
}

void set(const Constants& constants, const std::vector<double>& values) {
  for (std::size_t c = 0; c < constants.size(); ++c) constants[c].known->value = values[c];
}

// log(predicted / measured) of the rows.
std::vector<double> errors_of(const FitProblem& problem, const Rows& rows) {
  std::vector<double> errors(rows.size());
  problem.predict(rows, errors);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    errors[i] = std::log(errors[i] / problem.measured[rows[i]]);
  }
  return errors;
}

double loss_of(const FitProblem& problem, const Rows& rows) {
  const std::vector<double> errors = errors_of(problem, rows);
  double sum = 0;
  double weights = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    sum += problem.weights[rows[i]] * std::abs(errors[i]);
    weights += problem.weights[rows[i]];
  }
  return sum / weights;
}

// Moves the constants to the least loss that the simplex finds.
void search(const FitProblem& problem, const FitOptions& options, const Rows& all,
            const Constants& constants) {
  Rows rows;
  const std::size_t some = std::min(all.size(), kMostSearched);
  for (std::size_t i = 0; i < some; ++i) rows.push_back(all[i * all.size() / some]);
  std::vector<Known*> knowns;
  std::vector<Parameter> ranges;
  for (const FittableConstant& constant : constants) {
    knowns.push_back(constant.known);
    ranges.push_back(constant.range);
  }
  set(constants, minimize(
                     knowns, ranges, [&] { return loss_of(problem, rows); }, options.steps));
}

// The model made linear at a device: log(predicted / measured) by row, and how it changes with each
// constant, in units of the constant.
struct Linear {
  std::vector<double> errors;
  Matrix slopes;  // [constant][row]
  std::vector<double> units;
};

Linear linear_at(const FitProblem& problem, const Rows& all, const Constants& constants) {
  Linear linear;
  linear.errors = errors_of(problem, all);
  for (const FittableConstant& constant : constants) {
    Known& known = *constant.known;
    const double value = known.value;
    const double unit = unit_of(constant);
    const double up = std::min(value + kNudge * unit, constant.range.max);
    const double down = std::max(value - kNudge * unit, constant.range.min);
    known.value = up;
    std::vector<double> slope = errors_of(problem, all);
    known.value = down;
    const std::vector<double> less = errors_of(problem, all);
    known.value = value;
    for (std::size_t i = 0; i < slope.size(); ++i) {
      slope[i] = (slope[i] - less[i]) * unit / (up - down);
    }
    linear.slopes.push_back(std::move(slope));
    linear.units.push_back(unit);
  }
  return linear;
}

// Of a positive definite matrix, by Gauss and Jordan: no pivoting is needed.
Matrix inverse(Matrix a) {
  const std::size_t n = a.size();
  Matrix b(n, std::vector<double>(n));
  for (std::size_t i = 0; i < n; ++i) b[i][i] = 1;
  for (std::size_t i = 0; i < n; ++i) {
    const double pivot = a[i][i];
    for (std::size_t j = 0; j < n; ++j) {
      a[i][j] /= pivot;
      b[i][j] /= pivot;
    }
    for (std::size_t r = 0; r < n; ++r) {
      const double factor = a[r][i];
      if (r == i || factor == 0) continue;
      for (std::size_t j = 0; j < n; ++j) {
        a[r][j] -= factor * a[i][j];
        b[r][j] -= factor * b[i][j];
      }
    }
  }
  return b;
}

// sum of weights[i] slopes[i] slopes[i]' over the rows.
Matrix products_of(const Linear& linear, const std::vector<double>& weights) {
  const std::size_t count = linear.slopes.size();
  Matrix matrix(count, std::vector<double>(count));
  for (std::size_t a = 0; a < count; ++a) {
    for (std::size_t b = 0; b <= a; ++b) {
      double sum = 0;
      for (std::size_t i = 0; i < weights.size(); ++i) {
        sum += weights[i] * linear.slopes[a][i] * linear.slopes[b][i];
      }
      matrix[a][b] = matrix[b][a] = sum;
    }
  }
  return matrix;
}

// The change of the constants, in their units, with the least weighted sum of absolute errors.
std::vector<double> best_change(const Linear& linear, const std::vector<double>& weights) {
  constexpr int kRounds = 25;
  constexpr double kSmallestError = 1e-3;  // Below, an error counts by its square.
  constexpr double kRidge = 1e-6;
  const std::size_t count = linear.slopes.size();
  std::vector<double> change(count, 0.0);
  std::vector<double> pulls(weights.size());
  for (int round = 0; round < kRounds; ++round) {
    double total = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      double error = linear.errors[i];
      for (std::size_t c = 0; c < count; ++c) error += linear.slopes[c][i] * change[c];
      pulls[i] = weights[i] / std::max(std::abs(error), kSmallestError);
      total += pulls[i];
    }
    Matrix matrix = products_of(linear, pulls);
    for (std::size_t c = 0; c < count; ++c) matrix[c][c] += kRidge * total;
    const Matrix solver = inverse(std::move(matrix));
    std::vector<double> sums(count, 0.0);
    for (std::size_t c = 0; c < count; ++c) {
      for (std::size_t i = 0; i < weights.size(); ++i) {
        sums[c] -= pulls[i] * linear.slopes[c][i] * linear.errors[i];
      }
    }
    for (std::size_t a = 0; a < count; ++a) {
      change[a] = 0;
      for (std::size_t b = 0; b < count; ++b) change[a] += solver[a][b] * sums[b];
    }
  }
  return change;
}

// Each constant moved by `share` of its change, inside its range.
void move(const Constants& constants, const Linear& linear, const std::vector<double>& change,
          double share) {
  for (std::size_t c = 0; c < constants.size(); ++c) {
    const Parameter& range = constants[c].range;
    const double margin = 1e-9 * (range.max - range.min);
    constants[c].known->value =
        std::clamp(constants[c].known->value + share * change[c] * linear.units[c],
                   range.min + margin, range.max - margin);
  }
}

// Steps of the linear model while they make the loss smaller, halved up to kHalvings times.
void polish(const FitProblem& problem, const Rows& all, const Constants& constants) {
  constexpr int kSteps = 12;
  constexpr int kHalvings = 5;
  double loss = loss_of(problem, all);
  for (int step = 0; step < kSteps; ++step) {
    const Linear linear = linear_at(problem, all, constants);
    const std::vector<double> change = best_change(linear, problem.weights);
    const std::vector<double> from = values_of(constants);
    const double before = loss;
    double share = 1;
    for (int halving = 0; halving < kHalvings && loss >= before; ++halving, share /= 2) {
      move(constants, linear, change, share);
      const double less = loss_of(problem, all);
      if (less < before) {
        loss = less;
      } else {
        set(constants, from);
      }
    }
    if (loss > before * (1 - 1e-6)) return;
  }
}

std::size_t groups_of(const FitProblem& problem) {
  return 1 + *std::max_element(problem.groups.begin(), problem.groups.end());
}

// The variance of each constant, in its units. Where constants may be kept it is the prior's if so
// few rows feel one that an odd row would set it.
std::vector<double> variances(const FitProblem& problem, const FitOptions& options,
                              const ConstantFit& fit, const Linear& linear) {
  // Rows of one group err alike: four of them tell no more than one row on its own.
  const double alike =
      static_cast<double>(problem.measured.size()) / static_cast<double>(groups_of(problem));
  const double scatter =
      std::max(kLeastScatter, fit.errors.mean) * std::sqrt(std::min(alike, kMostAlike));
  Matrix information =
      products_of(linear, std::vector<double>(problem.measured.size(), 1 / (scatter * scatter)));
  for (std::size_t c = 0; c < information.size(); ++c) {
    information[c][c] += 1 / (kPriorUnits * kPriorUnits);
  }
  const Matrix covariance = inverse(std::move(information));
  std::vector<double> own;
  for (std::size_t c = 0; c < covariance.size(); ++c) {
    const std::vector<double>& slope = linear.slopes[c];
    const auto rows = static_cast<std::size_t>(
        std::count_if(slope.begin(), slope.end(), [](double s) { return std::abs(s) > kFelt; }));
    const bool few = options.keep_unidentified && rows < std::min(kFewestFelt, slope.size());
    own.push_back(few ? kPriorUnits * kPriorUnits : covariance[c][c]);
  }
  return own;
}

void refuse_unidentified(const Constants& constants, const std::vector<double>& variance) {
  std::vector<Fault> faults;
  for (std::size_t c = 0; c < constants.size(); ++c) {
    if (variance[c] <= kMostVariance) continue;
    faults.push_back({.message = fmt::format("the rows do not identify {}: hold it, or add {}",
                                             constants[c].path, constants[c].needs)});
  }
  if (!faults.empty()) throw Error(ErrorKind::kInvalid, faults);
}

// Those to keep before the fit is made again: all that the rows say nothing about, else the least
// certain one, as the others may be certain once it is kept.
std::vector<std::size_t> least_identified(const std::vector<double>& variance) {
  constexpr double kSaysNothing = 0.95 * kPriorUnits * kPriorUnits;
  std::vector<std::size_t> worst;
  for (std::size_t c = 0; c < variance.size(); ++c) {
    if (variance[c] >= kSaysNothing) worst.push_back(c);
  }
  const auto most = std::max_element(variance.begin(), variance.end());
  if (worst.empty() && most != variance.end() && *most > kMostVariance) {
    worst.push_back(static_cast<std::size_t>(most - variance.begin()));
  }
  return worst;
}

// Writes each constant's ci.
void add_intervals(const FitProblem& problem, const FitOptions& options, const Linear& linear,
                   const FitErrors& errors, const Constants& constants) {
  const std::size_t rows = problem.measured.size();
  const std::size_t groups = groups_of(problem);
  std::vector<std::vector<double>> samples(constants.size());
  for (int s = 0; s < options.samples; ++s) {
    std::vector<double> weights(rows, 0.0);
    for (const std::size_t i :
         resample(problem.groups, groups, options.seed + static_cast<unsigned>(s))) {
      weights[i] += problem.weights[i];
    }
    const std::vector<double> change = best_change(linear, weights);
    for (std::size_t c = 0; c < constants.size(); ++c) {
      const Parameter& range = constants[c].range;
      samples[c].push_back(std::clamp(constants[c].known->value + change[c] * linear.units[c],
                                      range.min, range.max));
    }
  }
  for (std::size_t c = 0; c < constants.size(); ++c) {
    Known& known = *constants[c].known;
    known.ci = kWidening * relative_interval(samples[c], known.value);
    if (constants[c].path == problem.efficiency_path) {
      known.ci = std::hypot(known.ci, errors.median);
    }
    known.ci = std::min(known.ci, kMostInterval);
    if (constants[c].range.min == 0 && known.value < kNothing * constants[c].scale) {
      known.value = known.ci = 0;  // None of it: an interval of a share of nothing says nothing.
    }
  }
}

// The constant whose interval is widest, if it is wider than a unit: the samples disagree on what
// the linear model took for certain.
std::vector<std::size_t> least_certain(const Constants& constants) {
  std::vector<std::size_t> worst;
  double most = 1;
  for (std::size_t c = 0; c < constants.size(); ++c) {
    const double half = constants[c].known->ci * constants[c].known->value / unit_of(constants[c]);
    if (half <= most) continue;
    most = half;
    worst = {c};
  }
  return worst;
}

}  // namespace

ConstantFit fit_constants(const FitProblem& problem, const FitOptions& options) {
  const std::size_t rows = problem.measured.size();
  TENK_CHECK(rows > 0 && problem.weights.size() == rows && problem.groups.size() == rows,
             "every row has a time, a weight and a group");
  Rows all(rows);
  std::iota(all.begin(), all.end(), std::size_t{0});
  ConstantFit fit;
  Constants constants = free_constants(problem, options);
  std::vector<Known> known;
  for (const FittableConstant& constant : constants) known.push_back(*constant.known);
  Linear linear;
  for (bool first = true;; first = false) {
    if (first) search(problem, options, all, constants);
    polish(problem, all, constants);
    std::vector<double> predicted(rows);
    problem.predict(all, predicted);
    fit.errors = fit_errors(predicted, problem.measured);
    linear = linear_at(problem, all, constants);
    const std::vector<double> variance = variances(problem, options, fit, linear);
    if (!options.keep_unidentified) {
      refuse_unidentified(constants, variance);
      break;
    }
    std::vector<std::size_t> keep = least_identified(variance);
    if (keep.empty() && options.samples > 0) {
      add_intervals(problem, options, linear, fit.errors, constants);
      keep = least_certain(constants);
    }
    if (keep.empty()) break;
    for (auto c = keep.rbegin(); c != keep.rend(); ++c) {
      const auto at = static_cast<std::ptrdiff_t>(*c);
      *constants[*c].known = known[*c];
      fit.unidentified.push_back({constants[*c].path, constants[*c].needs});
      constants.erase(constants.begin() + at);
      known.erase(known.begin() + at);
    }
  }
  for (const FittableConstant& constant : constants) {
    Known& fitted = *constant.known;
    fitted = {.value = fitted.value, .how = How::kFitted, .ci = 0, .source = options.source};
  }
  if (options.samples > 0) add_intervals(problem, options, linear, fit.errors, constants);
  for (const FittableConstant& c : constants) fit.numbers.push_back({c.path, c.unit, *c.known});
  return fit;
}

std::function<void(std::span<const std::size_t>, std::span<double>)> by_row(
    std::function<double(std::size_t row)> predict) {
  return [predict = std::move(predict)](std::span<const std::size_t> rows, std::span<double> out) {
    for (std::size_t i = 0; i < rows.size(); ++i) out[i] = predict(rows[i]);
  };
}

std::vector<std::size_t> number_groups(std::span<const std::uint64_t> keys) {
  std::map<std::uint64_t, std::size_t> numbers;
  std::vector<std::size_t> groups;
  groups.reserve(keys.size());
  for (const std::uint64_t key : keys) {
    groups.push_back(numbers.emplace(key, numbers.size()).first->second);
  }
  return groups;
}

}  // namespace tenk
