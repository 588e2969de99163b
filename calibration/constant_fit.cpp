#include "calibration/constant_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include "sim/base/error.h"

namespace tenk {
namespace {

constexpr double kPriorUnits = 2;  // What a constant may be off by before any row is seen.
constexpr double kLeastScatter = 0.01;
constexpr double kMostInterval = 10;  // As profiles allow.
// The model bends between samples, so that intervals of the linear one are too narrow: with this
// factor they hold the truth of synthetic rows for 90 of 100 seeds or more (tests/calibration).
constexpr double kWidening = 1.3;
constexpr double kMostAlike = 4;
constexpr double kNudge = 0.05;  // Of a unit, for derivatives.

using Rows = std::vector<std::size_t>;
using Matrix = std::vector<std::vector<double>>;

bool is_held(const FitOptions& options, const std::string& path) {
  return std::find(options.hold.begin(), options.hold.end(), path) != options.hold.end();
}

// The constants to search: all but those held.
Constants free_constants(const FitProblem& problem, DeviceProfile& device,
                         const FitOptions& options) {
  Constants constants = problem.constants(device);
  std::vector<std::string> names;
  for (const FittableConstant& constant : constants) names.push_back(constant.path);
  for (const std::string& path : options.hold) {
    if (std::find(names.begin(), names.end(), path) != names.end()) continue;
    const std::string nearest = nearest_name(path, names);
    throw Error(ErrorKind::kInvalid,
                fmt::format("cannot hold \"{}\": no constant of this fit{}", path,
                            nearest.empty() ? fmt::format("; there are {}", fmt::join(names, ", "))
                                            : fmt::format("; did you mean \"{}\"?", nearest)));
  }
  std::erase_if(constants, [&](const FittableConstant& c) { return is_held(options, c.path); });
  return constants;
}

double unit_of(const FittableConstant& constant) {
  return std::max(std::abs(constant.known->value), constant.scale);
}

double loss_of(const FitProblem& problem, const DeviceProfile& device, const Rows& rows) {
  double sum = 0;
  double weights = 0;
  for (const std::size_t i : rows) {
    const double error = std::log(problem.predict(device, i) / problem.measured[i]);
    sum += problem.weights[i] * std::abs(error);
    weights += problem.weights[i];
  }
  return sum / weights;
}

// Moves the constants to the least loss that the simplex finds.
void search(const FitProblem& problem, const FitOptions& options, const Rows& rows,
            DeviceProfile& device) {
  const Constants constants = free_constants(problem, device, options);
  std::vector<Known*> knowns;
  std::vector<Parameter> ranges;
  for (const FittableConstant& constant : constants) {
    knowns.push_back(constant.known);
    ranges.push_back(constant.range);
  }
  const auto values = minimize(
      knowns, ranges, [&] { return loss_of(problem, device, rows); }, options.steps);
  for (std::size_t c = 0; c < knowns.size(); ++c) knowns[c]->value = values[c];
}

// The model made linear at a device: log(predicted / measured) by row, and how it changes with each
// constant, in units of the constant.
struct Linear {
  std::vector<double> errors;
  Matrix slopes;  // [constant][row]
  std::vector<double> units;
};

Linear linear_at(const FitProblem& problem, const DeviceProfile& at, const FitOptions& options) {
  DeviceProfile device = at;
  const Constants constants = free_constants(problem, device, options);
  const std::size_t rows = problem.measured.size();
  Linear linear;
  for (std::size_t i = 0; i < rows; ++i) {
    linear.errors.push_back(std::log(problem.predict(device, i) / problem.measured[i]));
  }
  for (const FittableConstant& constant : constants) {
    Known& known = *constant.known;
    const double value = known.value;
    const double unit = unit_of(constant);
    const double up = std::min(value + kNudge * unit, constant.range.max);
    const double down = std::max(value - kNudge * unit, constant.range.min);
    std::vector<double>& slope = linear.slopes.emplace_back(rows);
    for (std::size_t i = 0; i < rows; ++i) {
      known.value = up;
      const double more = problem.predict(device, i);
      known.value = down;
      slope[i] = std::log(more / problem.predict(device, i)) * unit / (up - down);
    }
    known.value = value;
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
void polish(const FitProblem& problem, const FitOptions& options, const Rows& all,
            DeviceProfile& device) {
  constexpr int kSteps = 12;
  constexpr int kHalvings = 5;
  double loss = loss_of(problem, device, all);
  for (int step = 0; step < kSteps; ++step) {
    const Linear linear = linear_at(problem, device, options);
    const std::vector<double> change = best_change(linear, problem.weights);
    const double before = loss;
    double share = 1;
    for (int halving = 0; halving < kHalvings && loss >= before; ++halving, share /= 2) {
      DeviceProfile tried = device;
      move(free_constants(problem, tried, options), linear, change, share);
      const double less = loss_of(problem, tried, all);
      if (less >= before) continue;
      loss = less;
      device = std::move(tried);
    }
    if (loss > before * (1 - 1e-6)) return;
  }
}

std::size_t groups_of(const FitProblem& problem) {
  return 1 + *std::max_element(problem.groups.begin(), problem.groups.end());
}

void refuse_unidentified(const FitProblem& problem, const ConstantFit& fit, const Linear& linear,
                         const FitOptions& options) {
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
  DeviceProfile device = fit.device;
  const Constants constants = free_constants(problem, device, options);
  std::vector<Fault> faults;
  for (std::size_t c = 0; c < constants.size(); ++c) {
    if (covariance[c][c] <= 1) continue;
    faults.push_back({.message = fmt::format("the rows do not identify {}: hold it, or add {}",
                                             constants[c].path, constants[c].needs)});
  }
  if (!faults.empty()) throw Error(ErrorKind::kInvalid, faults);
}

// Writes each constant's ci.
void add_intervals(const FitProblem& problem, const FitOptions& options, const Linear& linear,
                   ConstantFit& fit) {
  const std::size_t rows = problem.measured.size();
  const std::size_t groups = groups_of(problem);
  const Constants constants = free_constants(problem, fit.device, options);
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
      known.ci = std::hypot(known.ci, fit.errors.median);
    }
    known.ci = std::min(known.ci, kMostInterval);
  }
}

}  // namespace

ConstantFit fit_constants(const FitProblem& problem, const FitOptions& options) {
  const std::size_t rows = problem.measured.size();
  TENK_CHECK(rows > 0 && problem.weights.size() == rows && problem.groups.size() == rows,
             "every row has a time, a weight and a group");
  Rows all(rows);
  for (std::size_t i = 0; i < rows; ++i) all[i] = i;
  ConstantFit fit{.device = problem.known, .numbers = {}, .errors = {}};
  search(problem, options, all, fit.device);
  polish(problem, options, all, fit.device);
  const Constants constants = free_constants(problem, fit.device, options);
  for (const FittableConstant& constant : constants) {
    Known& known = *constant.known;
    known = {.value = known.value, .how = How::kFitted, .ci = 0, .source = options.source};
  }
  std::vector<double> predicted;
  for (std::size_t i = 0; i < rows; ++i) predicted.push_back(problem.predict(fit.device, i));
  fit.errors = fit_errors(predicted, problem.measured);
  const Linear linear = linear_at(problem, fit.device, options);
  refuse_unidentified(problem, fit, linear, options);
  if (options.samples > 0) add_intervals(problem, options, linear, fit);
  for (const FittableConstant& c : constants) fit.numbers.push_back({c.path, c.unit, *c.known});
  return fit;
}

Config with_numbers(const Config& profile, std::span<const FittedNumber> numbers) {
  constexpr std::array<std::string_view, 4> kHows = {"measured", "fitted", "datasheet", "assumed"};
  Config tree = profile;
  for (const FittedNumber& number : numbers) {
    const Known& known = number.known;
    const auto text = [](const std::string& words, bool quoted = false) {
      return Config::scalar(words, {}, quoted);
    };
    tree = tree.with(
        number.path,
        Config::map({{"value", {}, text(fmt::format("{:.4g}", known.value))},
                     {"unit", {}, text(number.unit, true)},
                     {"how", {}, text(std::string(kHows[static_cast<std::size_t>(known.how)]))},
                     {"ci", {}, text(fmt::format("{:.2g}", known.ci))},
                     {"source", {}, text(known.source, true)}}));
  }
  return tree;
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
