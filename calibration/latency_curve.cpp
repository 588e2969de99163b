#include "calibration/latency_curve.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "sim/base/error.h"
#include "sim/base/random.h"

namespace tenk {
namespace {

constexpr std::size_t kLeastSizes = 3;   // Of a fit, and of a piece.
constexpr double kLeastScale = 0.002;    // Of residuals: what printed digits hide.
constexpr double kHuber = 1.345;         // In scales: 95 % efficient for normal errors.
constexpr int kRounds = 12;              // Of reweighting.
constexpr double kNormalMad = 1.4826;    // Standard deviation over median absolute deviation.
constexpr double kNormal975 = 1.959964;  // Quantile of the normal distribution.

struct Line {
  double base = 0, slope = 0;
  double at(double x) const { return base + slope * x; }
};

// Sums of a weighted least squares of u + v x' = y, x' = x / unit.
struct Sums {
  double aa = 0, ab = 0, bb = 0, ay = 0, by = 0;
  void add(double a, double b, double y, double weight) {
    aa += weight * a * a;
    ab += weight * a * b;
    bb += weight * b * b;
    ay += weight * a * y;
    by += weight * b * y;
  }
  // The best u, v >= 0.
  Line solve() const {
    const double determinant = aa * bb - ab * ab;
    if (determinant > 1e-12 * aa * bb) {
      const Line line{(ay * bb - by * ab) / determinant, (by * aa - ay * ab) / determinant};
      if (line.base >= 0 && line.slope >= 0) return line;
    }
    const Line flat{aa > 0 ? std::max(0.0, ay / aa) : 0, 0};
    const Line steep{0, bb > 0 ? std::max(0.0, by / bb) : 0};
    // The gain of each over nothing; the better one wins.
    const double gain_flat = flat.base * (2 * ay - flat.base * aa);
    const double gain_steep = steep.slope * (2 * by - steep.slope * bb);
    return gain_flat >= gain_steep ? flat : steep;
  }
};

double median(std::vector<double> values) { return quantile(std::move(values), 0.5); }

// Points sorted by x; y > 0.
struct Points {
  std::vector<double> x, y;
  std::size_t size() const { return x.size(); }
};

// First approximation: least squares of (prediction / y - 1).
Line rough_line(const Points& p, std::size_t begin, std::size_t end, double unit) {
  Sums sums;
  for (std::size_t i = begin; i < end; ++i) {
    sums.add(1 / p.y[i], p.x[i] / unit / p.y[i], 1, 1);
  }
  const Line line = sums.solve();
  return {line.base, line.slope / unit};
}

// Huber's estimate in the logarithm, by Gauss and Newton's steps.
Line robust_line(const Points& p, std::size_t begin, std::size_t end) {
  const double unit = std::max(p.x[end - 1], std::numeric_limits<double>::min());
  Line line = rough_line(p, begin, end, unit);
  std::vector<double> residuals(end - begin);
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = begin; i < end; ++i) {
      const double predicted = line.at(p.x[i]);
      if (!(predicted > 0)) return line;
      residuals[i - begin] = std::log(p.y[i] / predicted);
    }
    std::vector<double> sizes(residuals.size());
    std::transform(residuals.begin(), residuals.end(), sizes.begin(),
                   [](double r) { return std::abs(r); });
    const double scale = std::max(kLeastScale, kNormalMad * median(std::move(sizes)));
    Sums sums;
    for (std::size_t i = begin; i < end; ++i) {
      const double predicted = line.at(p.x[i]);
      const double r = residuals[i - begin];
      const double weight = std::min(1.0, kHuber * scale / std::max(std::abs(r), 1e-300));
      // Far residuals would overshoot: a step of at most a factor e.
      const double aim = 1 + std::clamp(r, -1.0, 1.0);
      sums.add(1 / predicted, p.x[i] / unit / predicted, std::max(aim, 0.05), weight);
    }
    const Line next = sums.solve();
    line = {next.base, next.slope / unit};
  }
  return line;
}

double deviation(const Points& p, std::size_t begin, std::size_t end, const Line& line) {
  double sum = 0;
  for (std::size_t i = begin; i < end; ++i) sum += std::abs(std::log(p.y[i] / line.at(p.x[i])));
  return sum;
}

struct Cut {
  std::vector<std::size_t> ends;  // Of the pieces; the last is the number of points.
  double deviation = 0;           // Sum of |log residual|.
};

// Places where a piece may begin or end: never between points of the same size.
bool is_border(const Points& p, std::size_t i) {
  return i == 0 || i == p.size() || p.x[i] > p.x[i - 1];
}

std::size_t sizes_in(const Points& p, std::size_t begin, std::size_t end) {
  std::size_t sizes = 0;
  for (std::size_t i = begin; i < end; ++i) sizes += i == begin || p.x[i] > p.x[i - 1] ? 1 : 0;
  return sizes;
}

// Where pieces may begin and end: of many sizes only as many, evenly taken.
std::vector<std::size_t> borders_of(const Points& p) {
  constexpr std::size_t kMost = 64;
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i <= p.size(); ++i) {
    if (is_border(p, i)) all.push_back(i);
  }
  if (all.size() <= kMost) return all;
  std::vector<std::size_t> some;
  for (std::size_t i = 0; i < kMost; ++i) some.push_back(all[i * (all.size() - 1) / (kMost - 1)]);
  return some;
}

// The best cut into 1, 2, ... `most` pieces (fewer where there are too few sizes).
std::vector<Cut> best_cuts(const Points& p, std::size_t most) {
  const std::vector<std::size_t> at = borders_of(p);
  const std::size_t last = at.size() - 1;
  constexpr double kNever = std::numeric_limits<double>::infinity();
  const double unit = p.x.back();
  std::vector<std::vector<double>> cost(last + 1, std::vector<double>(last + 1, kNever));
  for (std::size_t a = 0; a < last; ++a) {
    for (std::size_t b = a + 1; b <= last; ++b) {
      if (sizes_in(p, at[a], at[b]) < kLeastSizes) continue;
      cost[a][b] = deviation(p, at[a], at[b], rough_line(p, at[a], at[b], unit));
    }
  }
  std::vector<Cut> cuts;
  std::vector<std::vector<double>> best(most + 1, std::vector<double>(last + 1, kNever));
  std::vector<std::vector<std::size_t>> from(most + 1, std::vector<std::size_t>(last + 1, 0));
  best[0][0] = 0;
  for (std::size_t k = 1; k <= most; ++k) {
    for (std::size_t b = 1; b <= last; ++b) {
      for (std::size_t a = 0; a < b; ++a) {
        const double total = best[k - 1][a] + cost[a][b];
        if (total >= best[k][b]) continue;
        best[k][b] = total;
        from[k][b] = a;
      }
    }
    if (best[k][last] == kNever) break;
    Cut cut{.ends = std::vector<std::size_t>(k), .deviation = best[k][last]};
    std::size_t b = last;
    for (std::size_t piece = k; piece > 0; --piece) {
      cut.ends[piece - 1] = at[b];
      b = from[piece][b];
    }
    cuts.push_back(std::move(cut));
  }
  return cuts;
}

struct Pieces {
  std::vector<std::size_t> ends;
  std::vector<Line> lines;
};

Pieces fit_pieces(const Points& p, const Cut& cut) {
  Pieces pieces{.ends = cut.ends, .lines = {}};
  std::size_t begin = 0;
  for (const std::size_t end : cut.ends) {
    pieces.lines.push_back(robust_line(p, begin, end));
    begin = end;
  }
  return pieces;
}

// Schwarz's criterion with Laplace's distribution. Where a piece ends is searched for, so it costs
// more than one constant: assumed four, at which noise alone seldom makes a piece (see the tests).
std::size_t choose(const std::vector<Cut>& cuts, std::size_t points) {
  const auto n = static_cast<double>(points);
  std::size_t chosen = 0;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    const auto constants = static_cast<double>(6 * (i + 1));
    const double scale = std::max(kLeastScale, cuts[i].deviation / n);
    const double criterion = 2 * n * std::log(scale) + constants * std::log(n);
    if (criterion < least) {
      least = criterion;
      chosen = i;
    }
  }
  return chosen;
}

Points sorted(std::span<const TimedSize> points) {
  std::vector<TimedSize> order(points.begin(), points.end());
  std::sort(order.begin(), order.end(), [](const TimedSize& a, const TimedSize& b) {
    return a.bytes != b.bytes ? a.bytes < b.bytes : a.seconds < b.seconds;
  });
  Points p;
  for (const TimedSize& point : order) {
    p.x.push_back(point.bytes);
    p.y.push_back(point.seconds);
  }
  return p;
}

// Of Student's distribution with `freedom` degrees over the normal one, at 97.5 %.
double student_factor(std::size_t freedom) {
  constexpr std::array<double, 11> kTable = {12.706, 12.706, 4.303, 3.182, 2.776, 2.571,
                                             2.447,  2.365,  2.306, 2.262, 2.228};
  if (freedom < kTable.size()) return kTable[freedom] / kNormal975;
  const double z = kNormal975;
  return 1 + (z * z + 1) / (4 * static_cast<double>(freedom));
}

// Points less constants: two a piece, and where it ends.
std::size_t freedom(std::size_t points, std::size_t pieces) {
  const std::size_t constants = 3 * pieces - 1;
  return points > constants ? points - constants : 1;
}

// From what the constant was in the bootstrap's samples.
Estimate estimate(double value, std::vector<double> samples, double factor) {
  if (samples.empty()) return {value, value, value, value > 0};
  const double between = (quantile(samples, 0.975) - quantile(samples, 0.025)) / 2;
  const auto n = static_cast<double>(samples.size());
  const double mean = std::accumulate(samples.begin(), samples.end(), 0.0) / n;
  double squares = 0;
  for (const double sample : samples) squares += (sample - mean) * (sample - mean);
  const double half = factor * std::max(between, kNormal975 * std::sqrt(squares / n));
  return {value, value - half, value + half, value > 0 && half < value};
}

double predicted(const Pieces& pieces, const Points& p, std::size_t i) {
  const auto piece = std::upper_bound(pieces.ends.begin(), pieces.ends.end(), i);
  return pieces.lines[static_cast<std::size_t>(piece - pieces.ends.begin())].at(p.x[i]);
}

double border(const Points& p, std::size_t end) { return std::sqrt(p.x[end - 1] * p.x[end]); }

// What each constant was in each sample.
struct Samples {
  std::vector<std::vector<double>> base, slope, border;  // By piece.
};

Samples bootstrap(const Points& p, const Pieces& fit, const CurveOptions& options) {
  const std::size_t n = p.size(), k = fit.ends.size();
  std::vector<double> residuals(n), at(n);
  for (std::size_t i = 0; i < n; ++i) {
    at[i] = predicted(fit, p, i);
    residuals[i] = std::log(p.y[i] / at[i]);
  }
  const double middle = median(residuals);
  const double widen = std::sqrt(static_cast<double>(n) / static_cast<double>(freedom(n, k)));
  Random random(options.seed, "latency-curve");
  Samples samples{.base = std::vector<std::vector<double>>(k),
                  .slope = std::vector<std::vector<double>>(k),
                  .border = std::vector<std::vector<double>>(k - 1)};
  Points drawn{.x = p.x, .y = std::vector<double>(n)};
  for (int sample = 0; sample < options.samples; ++sample) {
    for (std::size_t i = 0; i < n; ++i) {
      drawn.y[i] = at[i] * std::exp(widen * (residuals[random.below(n)] - middle));
    }
    Cut cut{.ends = fit.ends};
    if (k > 1) cut = best_cuts(drawn, k).back();
    if (cut.ends.size() != k) continue;
    const Pieces again = fit_pieces(drawn, cut);
    for (std::size_t i = 0; i < k; ++i) {
      samples.base[i].push_back(again.lines[i].base);
      samples.slope[i].push_back(again.lines[i].slope);
      if (i + 1 < k) samples.border[i].push_back(border(p, again.ends[i]));
    }
  }
  return samples;
}

// Each point predicted by a fit that did not see it: every folds-th point is left out in turn.
FitErrors leave_out(const Points& p, std::size_t pieces, int folds) {
  std::vector<double> guess, truth;
  for (std::size_t fold = 0; fold < static_cast<std::size_t>(folds); ++fold) {
    Points rest, left;
    for (std::size_t i = 0; i < p.size(); ++i) {
      Points& to = i % static_cast<std::size_t>(folds) == fold ? left : rest;
      to.x.push_back(p.x[i]);
      to.y.push_back(p.y[i]);
    }
    if (left.size() == 0 || rest.size() == 0 || sizes_in(rest, 0, rest.size()) < kLeastSizes) {
      continue;
    }
    const Pieces fit = fit_pieces(rest, best_cuts(rest, pieces).back());
    for (std::size_t i = 0; i < left.size(); ++i) {
      std::size_t piece = 0;
      while (piece + 1 < fit.ends.size() && left.x[i] > border(rest, fit.ends[piece])) ++piece;
      guess.push_back(fit.lines[piece].at(left.x[i]));
      truth.push_back(left.y[i]);
    }
  }
  return guess.empty() ? FitErrors{} : fit_errors(guess, truth);
}

// What a line's constants were in samples, and by how much more they may spread than there.
struct LineSamples {
  std::vector<double> bases, slopes;
  double factor = 1;
};

double normal_draw(Random& random) {  // Twelve uniform draws: nearly normal, variance 1.
  double sum = -6;
  for (int draw = 0; draw < 12; ++draw) sum += random.uniform();
  return sum;
}

// Draws within the points' own deviations, widened by as much as the points miss the line by more
// than those allow (Birge's ratio, Physical Review 40, 1932); points without deviations: residuals.
LineSamples line_samples(const Points& p, const std::vector<double>& guess,
                         const std::vector<double>& own, const CurveOptions& options) {
  const std::size_t n = p.size(), left = n > 2 ? n - 2 : 0;
  const bool has_own = std::all_of(own.begin(), own.end(), [](double s) { return s > 0; });
  double squares = 0;
  for (std::size_t i = 0; has_own && i < n; ++i) {
    squares += (p.y[i] - guess[i]) * (p.y[i] - guess[i]) / (own[i] * own[i]);
  }
  const double birge =
      left > 0 ? std::max(1.0, std::sqrt(squares / static_cast<double>(left))) : 1.0;
  const double widen = left > 0 ? std::sqrt(static_cast<double>(n) / static_cast<double>(left)) : 0;
  LineSamples samples;
  if (!has_own) samples.factor = student_factor(left);
  Random random(options.seed, "line");
  for (int sample = 0; sample < options.samples; ++sample) {
    Points drawn = p;
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t from = random.below(n);
      const double residual = std::log(p.y[from] / guess[from]);
      const double y = has_own ? guess[i] + birge * own[i] * normal_draw(random)
                               : guess[i] * std::exp(widen * residual);
      drawn.y[i] = std::max(y, 1e-3 * p.y[i]);
    }
    const Line again = robust_line(drawn, 0, n);
    samples.bases.push_back(again.base);
    samples.slopes.push_back(again.slope);
  }
  return samples;
}

}  // namespace

double LatencyCurve::seconds(double bytes) const {
  TENK_CHECK(!pieces.empty(), "a refused curve predicts nothing");
  std::size_t piece = 0;
  while (piece < switches.size() && bytes > switches[piece].value) ++piece;
  return pieces[piece].latency.value + pieces[piece].seconds_per_byte.value * bytes;
}

LatencyCurve fit_latency_curve(std::span<const TimedSize> points, const CurveOptions& options) {
  for (const TimedSize& point : points) {
    TENK_CHECK(point.bytes > 0 && point.seconds > 0, "sizes and times are above 0");
  }
  LatencyCurve curve;
  const Points p = sorted(points);
  const std::size_t sizes = sizes_in(p, 0, p.size());
  if (sizes < kLeastSizes) {
    curve.refused = sizes == 1
                        ? "one size only: latency and bandwidth cannot be told apart"
                        : fmt::format("{} sizes: three at least leave an error to judge by", sizes);
    return curve;
  }
  const std::vector<Cut> cuts = best_cuts(p, options.most_pieces);
  const Pieces fit = fit_pieces(p, cuts[choose(cuts, p.size())]);
  const std::size_t k = fit.ends.size();
  Samples samples{.base = std::vector<std::vector<double>>(k),
                  .slope = std::vector<std::vector<double>>(k),
                  .border = std::vector<std::vector<double>>(k - 1)};
  if (options.samples > 0) samples = bootstrap(p, fit, options);
  const double factor = student_factor(freedom(p.size(), k));
  std::size_t begin = 0;
  for (std::size_t i = 0; i < k; ++i) {
    const std::size_t end = fit.ends[i];
    curve.pieces.push_back(
        {.from = p.x[begin],
         .to = p.x[end - 1],
         .points = end - begin,
         .latency = estimate(fit.lines[i].base, samples.base[i], factor),
         .seconds_per_byte = estimate(fit.lines[i].slope, samples.slope[i], factor)});
    if (i + 1 < k) {  // Somewhere between two sizes, at best.
      Estimate at{border(p, end), p.x[end - 1], p.x[end], true};
      if (!samples.border[i].empty()) {
        at.low = std::min(at.low, quantile(samples.border[i], 0.025));
        at.high = std::max(at.high, quantile(samples.border[i], 0.975));
      }
      curve.switches.push_back(at);
    }
    begin = end;
  }
  std::vector<double> guess(p.size());
  for (std::size_t i = 0; i < p.size(); ++i) guess[i] = predicted(fit, p, i);
  curve.errors = fit_errors(guess, p.y);
  curve.held_out = leave_out(p, k, options.folds);
  return curve;
}

LineFit fit_line(std::span<const double> x, std::span<const double> y,
                 std::span<const double> spread, const CurveOptions& options) {
  TENK_CHECK(x.size() == y.size() && y.size() == spread.size(), "a line needs pairs");
  LineFit fit;
  std::vector<std::size_t> order(x.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return x[a] < x[b]; });
  Points p;
  std::vector<double> own;  // Standard deviations.
  for (const std::size_t i : order) {
    p.x.push_back(x[i]);
    p.y.push_back(y[i]);
    own.push_back(spread[i] / kNormal975);
  }
  if (x.empty() || p.x.front() == p.x.back()) {
    fit.refused = "one value only: the constant part and the slope cannot be told apart";
    return fit;
  }
  const Line line = robust_line(p, 0, p.size());
  std::vector<double> guess;
  for (const double at : p.x) guess.push_back(line.at(at));
  fit.errors = fit_errors(guess, p.y);
  const LineSamples samples = line_samples(p, guess, own, options);
  fit.base = estimate(line.base, samples.bases, samples.factor);
  fit.slope = estimate(line.slope, samples.slopes, samples.factor);
  return fit;
}

}  // namespace tenk
