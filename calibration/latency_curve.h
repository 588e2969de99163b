// How long does moving a message take, as a function of its size, and how sure are we?
//
// time(bytes) = latency + bytes / bandwidth, piece by piece: where software changes its protocol or
// algorithm, both constants change. Each piece is fitted to the logarithm of the time, so that a
// microsecond and a second weigh alike, with Huber's weights (Annals of Mathematical Statistics 35,
// 1964): odd points do not steer it. Where pieces end comes from all ways to cut the sizes
// (Bellman's dynamic programming); how many there are from Schwarz's criterion for absolute
// deviations (Annals of Statistics 6, 1978). Intervals are 95 %, from a bootstrap of residuals
// (Efron 1979) that cuts anew each time, widened by Student's factor for few points.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "calibration/robust_fit.h"

namespace tenk {

struct TimedSize {
  double bytes = 0;    // > 0
  double seconds = 0;  // > 0
};

// A constant with its interval. Not identified: the interval reaches zero, so that the data do not
// tell the constant from none at all; then nobody should use it.
struct Estimate {
  double value = 0;
  double low = 0, high = 0;
  bool identified = false;
  double relative() const { return value > 0 ? (high - low) / 2 / value : 0; }
};

struct CurvePiece {
  double from = 0, to = 0;  // The least and the greatest size in it, bytes.
  std::size_t points = 0;
  Estimate latency;           // Seconds.
  Estimate seconds_per_byte;  // 1 / bandwidth.
};

struct LatencyCurve {
  std::vector<CurvePiece> pieces;  // By size; not empty unless refused.
  std::vector<Estimate> switches;  // Bytes, between neighbouring sizes; one less than pieces.
  FitErrors errors;                // On the points fitted.
  FitErrors held_out;              // On points left out in turn; rows 0: too few to leave any out.
  std::string refused = {};        // Why there is no fit; empty: there is one.

  double seconds(double bytes) const;  // By the piece whose sizes it lies in or next to.
};

struct CurveOptions {
  std::size_t most_pieces = 4;
  int samples = 200;  // Of the bootstrap; 0: intervals are the values themselves.
  int folds = 5;
  std::uint64_t seed = 1;
};

// Refuses fewer than three sizes. Points may come in any order, and several of one size.
// O(samples x points x borders^2), at most 64 borders.
LatencyCurve fit_latency_curve(std::span<const TimedSize> points, const CurveOptions& options = {});

// A straight line y = base + slope x through points with x >= 0, y > 0, robust in the logarithm as
// above; slope and base are at least 0. `spread[i]` is the half-width of y[i]'s own 95 % interval.
struct LineFit {
  Estimate base, slope;
  FitErrors errors;
  std::string refused = {};
};
// Refuses fewer than two different x.
LineFit fit_line(std::span<const double> x, std::span<const double> y,
                 std::span<const double> spread, const CurveOptions& options = {});

}  // namespace tenk
