#include "calibration/latency_curve.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "sim/base/random.h"

using namespace tenk;

namespace {

struct Truth {
  double latency, per_byte, to;  // Seconds, seconds a byte, the last size.
};

double true_seconds(const std::vector<Truth>& pieces, double bytes) {
  std::size_t i = 0;
  while (i + 1 < pieces.size() && bytes > pieces[i].to) ++i;
  return pieces[i].latency + pieces[i].per_byte * bytes;
}

// Nearly normal, standard deviation 1.
double normal(Random& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += random.uniform();
  return sum;
}

std::vector<TimedSize> measured(const std::vector<Truth>& truth, double first, double last,
                                double noise, std::uint64_t seed) {
  Random random(seed, "measured");
  std::vector<TimedSize> points;
  for (double bytes = first; bytes <= last; bytes *= 2) {
    points.push_back({bytes, true_seconds(truth, bytes) * std::exp(noise * normal(random))});
  }
  return points;
}

bool inside(const Estimate& estimate, double value) {
  return estimate.low <= value && value <= estimate.high;
}

// Two protocols, as NCCL switches them: a fast start, then a high rate.
const std::vector<Truth> kTwo = {{6e-6, 1 / 8e9, 65536}, {14e-6, 1 / 200e9, 1e18}};

}  // namespace

TEST_CASE("a curve of one piece is recovered inside its intervals in 90 of 100 seeds") {
  const std::vector<Truth> one = {{2e-6, 1 / 48e9, 1e18}};
  int latency = 0, rate = 0, pieces = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const LatencyCurve curve = fit_latency_curve(measured(one, 8, 1 << 23, 0.03, seed));
    pieces += curve.pieces.size() == 1;
    latency += inside(curve.pieces[0].latency, 2e-6) && curve.pieces[0].latency.identified;
    rate += inside(curve.pieces.back().seconds_per_byte, 1 / 48e9);
  }
  CAPTURE(latency, rate, pieces);
  CHECK(pieces >= 90);
  CHECK(latency >= 90);
  CHECK(rate >= 90);
}

TEST_CASE("two pieces and their switch are recovered inside their intervals in 90 of 100 seeds") {
  int first_latency = 0, first_rate = 0, last_rate = 0, last_latency = 0, at = 0, pieces = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const LatencyCurve curve = fit_latency_curve(measured(kTwo, 8, 1 << 30, 0.03, seed));
    if (curve.pieces.size() != 2) continue;
    ++pieces;
    first_latency += inside(curve.pieces[0].latency, kTwo[0].latency);
    first_rate += inside(curve.pieces[0].seconds_per_byte, kTwo[0].per_byte);
    last_latency += inside(curve.pieces[1].latency, kTwo[1].latency);
    last_rate += inside(curve.pieces[1].seconds_per_byte, kTwo[1].per_byte);
    at += inside(curve.switches[0], 65536);
  }
  CAPTURE(pieces, first_latency, first_rate, last_latency, last_rate, at);
  CHECK(pieces >= 90);
  CHECK(first_latency >= 90);
  CHECK(first_rate >= 90);
  CHECK(last_latency >= 90);
  CHECK(last_rate >= 90);
  CHECK(at >= 90);
}

TEST_CASE("a few odd points move the constants by less than their intervals") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::vector<TimedSize> points = measured({{2e-6, 1 / 48e9, 1e18}}, 8, 1 << 23, 0.03, seed);
    points[2].seconds *= 5;
    points[15].seconds *= 3;
    const LatencyCurve curve = fit_latency_curve(points, {.most_pieces = 1});
    CHECK(std::abs(curve.pieces[0].latency.value / 2e-6 - 1) < 0.1);
    CHECK(std::abs(curve.pieces[0].seconds_per_byte.value * 48e9 - 1) < 0.1);
  }
}

TEST_CASE("without noise the constants come out exactly") {
  const LatencyCurve curve = fit_latency_curve(measured(kTwo, 8, 1 << 30, 0, 1));
  REQUIRE(curve.pieces.size() == 2);
  CHECK(curve.pieces[0].latency.value == Approx(6e-6).epsilon(1e-6));
  CHECK(curve.pieces[0].seconds_per_byte.value == Approx(1 / 8e9).epsilon(1e-6));
  CHECK(curve.pieces[1].latency.value == Approx(14e-6).epsilon(1e-6));
  CHECK(curve.pieces[1].seconds_per_byte.value == Approx(1 / 200e9).epsilon(1e-6));
  CHECK(curve.errors.p90 < 1e-6);
  CHECK(curve.seconds(1024) == Approx(6e-6 + 1024 / 8e9));
  CHECK(curve.seconds(1 << 20) == Approx(14e-6 + (1 << 20) / 200e9));
}

TEST_CASE("what the data do not tell is not identified") {
  // 16 B to 1 KiB at 48 GB/s and 2 us: the rate is at most 1 % of the time, the noise 3 %.
  int identified = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const LatencyCurve curve =
        fit_latency_curve(measured({{2e-6, 1 / 48e9, 1e18}}, 16, 1024, 0.03, seed));
    identified += curve.pieces[0].seconds_per_byte.identified;
    CHECK(curve.pieces[0].latency.identified);
  }
  CHECK(identified <= 4);
}

TEST_CASE("one size, and two sizes, are refused with the reason") {
  const std::vector<TimedSize> one(5, TimedSize{1024, 1e-5});
  CHECK(fit_latency_curve(one).refused.find("one size only") == 0);
  const std::vector<TimedSize> two = {{1024, 1e-5}, {2048, 1.1e-5}, {2048, 1.2e-5}};
  CHECK(fit_latency_curve(two).refused.find("2 sizes") == 0);
  CHECK(fit_latency_curve({}).refused.find("0 sizes") == 0);
}

TEST_CASE("latency grows with steps: base and slope are recovered in 90 of 100 seeds") {
  int base = 0, slope = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Random random(seed, "steps");
    std::vector<double> x, y, spread;
    for (const double ranks : {2, 4, 8, 16, 32, 64}) {
      x.push_back(2 * (ranks - 1));
      y.push_back((6.6e-6 + 0.6e-6 * x.back()) * std::exp(0.03 * normal(random)));
      spread.push_back(0);
    }
    const LineFit fit = fit_line(x, y, spread);
    base += inside(fit.base, 6.6e-6);
    slope += inside(fit.slope, 0.6e-6);
  }
  CAPTURE(base, slope);
  CHECK(base >= 90);
  CHECK(slope >= 90);
  const std::vector<double> same = {14, 14}, times = {1e-5, 1.1e-5}, none = {0, 0};
  CHECK(fit_line(same, times, none).refused.find("one value only") == 0);
}

TEST_CASE(
    "the same points give the same curve whatever their order, and the seed only its intervals") {
  std::vector<TimedSize> points = measured(kTwo, 8, 1 << 28, 0.03, 5);
  const LatencyCurve a = fit_latency_curve(points);
  std::reverse(points.begin(), points.end());
  const LatencyCurve b = fit_latency_curve(points);
  const LatencyCurve c = fit_latency_curve(points, {.seed = 2});
  CHECK(a.pieces[0].latency.low == b.pieces[0].latency.low);
  CHECK(a.pieces[0].latency.value == c.pieces[0].latency.value);
  CHECK(a.pieces[0].latency.low != c.pieces[0].latency.low);
}
