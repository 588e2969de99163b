#include "calibration/robust_fit.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "sim/base/error.h"

namespace tenk {
namespace {

using Point = std::vector<double>;  // Logit coordinates.

constexpr int kRestarts = 3;
constexpr double kFirstEdge = 0.4;

double to_value(const Parameter& p, double x) {
  return p.min + (p.max - p.min) / (1 + std::exp(-x));
}

double to_coordinate(const Parameter& p) { return std::log((p.start - p.min) / (p.max - p.start)); }

struct Vertex {
  Point at;
  double loss = 0;
};

// b + t (b - a), coordinate by coordinate.
Point extrapolate(const Point& a, const Point& b, double t) {
  Point result(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) result[i] = b[i] + t * (b[i] - a[i]);
  return result;
}

template <class Loss>
class Simplex {
 public:
  Simplex(const Point& start, const Loss& loss) : loss_(loss) {
    add(start);
    for (std::size_t i = 0; i < start.size(); ++i) {
      Point corner = start;
      corner[i] += kFirstEdge;
      add(std::move(corner));
    }
    sort();
  }

  void step() {
    const Point& worst = vertices_.back().at;
    const Point middle = centre();
    Vertex tried = at(extrapolate(worst, middle, 1));
    if (tried.loss < vertices_.front().loss) {
      Vertex further = at(extrapolate(worst, middle, 2));
      if (further.loss < tried.loss) tried = std::move(further);
    } else if (tried.loss >= vertices_[vertices_.size() - 2].loss) {
      const bool outside = tried.loss < vertices_.back().loss;
      tried = at(extrapolate(worst, middle, outside ? 0.5 : -0.5));
    }
    if (tried.loss < vertices_.back().loss) {
      vertices_.back() = std::move(tried);
    } else {
      shrink();
    }
    sort();
  }

  const Vertex& best() const { return vertices_.front(); }

 private:
  Vertex at(Point point) const {
    const double value = loss_(point);
    return {std::move(point), value};
  }
  void add(Point point) { vertices_.push_back(at(std::move(point))); }
  void sort() {
    std::stable_sort(vertices_.begin(), vertices_.end(),
                     [](const Vertex& a, const Vertex& b) { return a.loss < b.loss; });
  }
  void shrink() {
    const Point best = vertices_.front().at;
    for (std::size_t i = 1; i < vertices_.size(); ++i) {
      vertices_[i] = at(extrapolate(vertices_[i].at, best, -0.5));
    }
  }
  Point centre() const {  // Of all but the worst.
    Point sum(vertices_.front().at.size(), 0.0);
    for (std::size_t v = 0; v + 1 < vertices_.size(); ++v) {
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += vertices_[v].at[i];
    }
    for (double& x : sum) x /= static_cast<double>(vertices_.size() - 1);
    return sum;
  }

  const Loss& loss_;
  std::vector<Vertex> vertices_;
};

}  // namespace

std::vector<double> minimize(std::span<const Parameter> parameters,
                             const std::function<double(std::span<const double>)>& loss,
                             int steps) {
  std::vector<double> values(parameters.size());
  Point best(parameters.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Parameter& p = parameters[i];
    TENK_CHECK(p.min < p.start && p.start < p.max, "a fit starts inside its ranges");
    best[i] = to_coordinate(p);
  }
  const auto evaluate = [&](const Point& point) {
    for (std::size_t i = 0; i < point.size(); ++i) values[i] = to_value(parameters[i], point[i]);
    return loss(values);
  };
  for (int restart = 0; restart < kRestarts; ++restart) {
    Simplex simplex(best, evaluate);
    for (int i = 0; i < steps / kRestarts; ++i) simplex.step();
    best = simplex.best().at;
  }
  evaluate(best);
  return values;
}

std::vector<double> minimize(std::span<Known* const> constants, std::span<const Parameter> ranges,
                             const std::function<double()>& loss, int steps) {
  std::vector<Parameter> parameters(ranges.begin(), ranges.end());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    Parameter& p = parameters[i];
    const double margin = 1e-6 * (p.max - p.min);
    p.start = std::clamp(constants[i]->value, p.min + margin, p.max - margin);
  }
  const auto judge = [&](std::span<const double> values) {
    for (std::size_t i = 0; i < values.size(); ++i) constants[i]->value = values[i];
    return loss();
  };
  return minimize(parameters, judge, steps);
}

std::vector<std::size_t> resample(std::span<const std::size_t> groups, std::size_t count,
                                  std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::size_t> times(count, 0);
  for (std::size_t i = 0; i < count; ++i) ++times[random() % count];
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < groups.size(); ++i) rows.insert(rows.end(), times[groups[i]], i);
  return rows;
}

double quantile(std::vector<double> values, double share) {
  TENK_CHECK(!values.empty(), "a quantile needs values");
  std::sort(values.begin(), values.end());
  const double position = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return std::lerp(values[below], values[above], position - static_cast<double>(below));
}

double relative_interval(const std::vector<double>& samples, double value) {
  const double width = quantile(samples, 0.95) - quantile(samples, 0.05);
  return value == 0 ? 0 : width / 2 / std::abs(value);
}

FitErrors fit_errors(std::span<const double> predicted, std::span<const double> measured) {
  TENK_CHECK(predicted.size() == measured.size() && !predicted.empty(),
             "errors need pairs of predicted and measured");
  std::vector<double> sign(predicted.size());
  std::transform(predicted.begin(), predicted.end(), measured.begin(), sign.begin(),
                 [](double p, double m) { return p / m - 1; });
  std::vector<double> size(sign.size());
  std::transform(sign.begin(), sign.end(), size.begin(), [](double e) { return std::abs(e); });
  return {.rows = size.size(),
          .mean = std::accumulate(size.begin(), size.end(), 0.0) / static_cast<double>(size.size()),
          .median = quantile(size, 0.5),
          .p90 = quantile(size, 0.9),
          .bias = quantile(sign, 0.5)};
}

}  // namespace tenk
