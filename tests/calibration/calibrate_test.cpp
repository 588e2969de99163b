#include "calibration/calibrate.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "calibration/calibrate_profile.h"
#include "calibration/importers/nccl.h"
#include "sim/base/error.h"
#include "sim/base/random.h"

using namespace tenk;

namespace {

double normal(Random& random) {  // Nearly, standard deviation 1.
  double sum = -6;
  for (int i = 0; i < 12; ++i) sum += random.uniform();
  return sum;
}

// A ring that starts in base + step x steps and moves its bytes at the bus bandwidth.
struct RingTruth {
  double base = 6.6e-6, step = 0.9e-6, bus = 380e9;
  double seconds(double bytes, double n) const {
    return base + step * 2 * (n - 1) + bytes * 2 * (n - 1) / n / bus;
  }
};

std::vector<CollectiveSample> ring_rows(const RingTruth& truth, std::vector<std::int64_t> counts,
                                        double noise, std::uint64_t seed) {
  Random random(seed, "ring");
  std::vector<CollectiveSample> rows;
  for (const std::int64_t n : counts) {
    for (double bytes = 512; bytes <= 1 << 30; bytes *= 4) {
      CollectiveSample row;
      row.sweep_id = "s" + std::to_string(n);
      row.gpu = "card";
      row.nodes = 1;
      row.gpus = n;
      row.collective = "allreduce";
      row.algo_proto = "NCCL_ALGO=Ring";
      row.bytes = bytes;
      row.time_us =
          truth.seconds(bytes, static_cast<double>(n)) * 1e6 * std::exp(noise * normal(random));
      row.source = "synthetic";
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

LinkSample link_row(double bytes, double value, const std::string& unit, const std::string& test) {
  LinkSample row;
  row.id = "l";
  row.kind = "InfiniBand";
  row.endpoints = "host-host";
  row.metric = unit == "us" ? "latency" : "bandwidth";
  row.value = std::to_string(value);
  row.unit = unit;
  row.conditions = std::to_string(static_cast<std::int64_t>(bytes)) + " B, " + test;
  row.source = "synthetic";
  return row;
}

bool inside(const Estimate& estimate, double value) {
  return estimate.low <= value && value <= estimate.high;
}

bool refused_with(const std::vector<Refusal>& refused, const std::string& reason) {
  for (const Refusal& refusal : refused) {
    if (refusal.reason.find(reason) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("a ring's start, step and bus bandwidth come back inside their intervals in 90 of 100") {
  const RingTruth truth;
  int base = 0, step = 0, bus = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    const auto rows = ring_rows(truth, {2, 4, 8, 16, 32}, 0.03, seed);
    const CollectiveFits fits = fit_collectives(rows, {.samples = 100});
    REQUIRE(fits.sweeps.size() == 5);
    REQUIRE(fits.steps.size() == 1);
    base += inside(fits.steps[0].line.base, truth.base);
    step += inside(fits.steps[0].line.slope, truth.step);
    const Estimate& last = fits.sweeps.back().curve.pieces.back().seconds_per_byte;
    const double n = static_cast<double>(fits.sweeps.back().key.gpus);
    bus += inside(last, 2 * (n - 1) / n / truth.bus);
  }
  CAPTURE(base, step, bus);
  CHECK(base >= 90);
  CHECK(step >= 90);
  CHECK(bus >= 90);
}

TEST_CASE("a link's latency and bandwidth come back inside their intervals in 90 of 100 seeds") {
  int latency = 0, rate = 0, gap = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Random random(seed, "link");
    std::vector<LinkSample> rows;
    for (double bytes = 64; bytes <= 1 << 23; bytes *= 2) {
      const double time = (1.2e-6 + bytes / 48e9) * std::exp(0.03 * normal(random));
      rows.push_back(link_row(bytes, time * 1e6, "us", "RDMA_Write Latency Test"));
      const double busy = (0.2e-6 + bytes / 49e9) * std::exp(0.03 * normal(random));
      rows.push_back(link_row(bytes, bytes / busy * 8e-9, "Gb/s", "RDMA_Write BW Test"));
    }
    const LinkFits fits = fit_links(rows, {.samples = 100});
    REQUIRE(fits.series.size() == 2);
    const LinkFit& times = fits.series[fits.series[0].key.rate ? 1 : 0];
    const LinkFit& rates = fits.series[fits.series[0].key.rate ? 0 : 1];
    latency += inside(times.curve.pieces.front().latency, 1.2e-6);
    rate += inside(times.curve.pieces.back().seconds_per_byte, 1 / 48e9);
    gap += inside(rates.curve.pieces.front().latency, 0.2e-6);
  }
  CAPTURE(latency, rate, gap);
  CHECK(latency >= 90);
  CHECK(rate >= 90);
  CHECK(gap >= 90);
}

TEST_CASE("what cannot be told is refused with the reason") {
  const RingTruth truth;
  CHECK(refused_with(fit_collectives(ring_rows(truth, {8}, 0.03, 1)).refused,
                     "one device count only (8)"));
  auto nameless = ring_rows(truth, {4, 8}, 0.03, 1);
  for (CollectiveSample& row : nameless) row.algo_proto = "NCCL default";
  CHECK(refused_with(fit_collectives(nameless).refused, "the algorithm is not named"));
  auto one = ring_rows(truth, {8}, 0.03, 1);
  one.resize(1);
  CHECK(refused_with(fit_collectives(one).refused, "one size only"));
  one[0].notes = "SUSPECT: above the wire";
  CHECK(refused_with(fit_collectives(one).refused, "marked SUSPECT"));
  one[0].notes.clear();
  one[0].gpus.reset();
  CHECK(refused_with(fit_collectives(one).refused, "number of cards"));
  const std::vector<LinkSample> single = {link_row(65536, 390, "Gb/s", "t")};
  CHECK(refused_with(fit_links(single).refused, "one size only"));
  auto sizeless = single;
  sizeless[0].conditions = "nvbandwidth";
  CHECK(refused_with(fit_links(sizeless).refused, "no size"));
  sizeless[0].how = "recalled";
  CHECK(refused_with(fit_links(sizeless).refused, "recalled"));
}

TEST_CASE("steps follow each other as the algorithms have them") {
  SweepKey key;
  key.collective = "allreduce";
  key.nodes = 4;
  key.gpus = 32;
  key.choice = "NCCL_ALGO=Ring";
  CHECK(steps_of(key) == 62.0);  // 2 x 31.
  key.choice = "NCCL_ALGO=Tree";
  CHECK(steps_of(key) == 18.0);  // 2 x (7 + 2).
  key.choice = "NVLS";
  CHECK_FALSE(steps_of(key).has_value());
  key.collective = "allgather";
  key.choice = "Ring";
  CHECK(steps_of(key) == 31.0);
}

TEST_CASE("a profile of fitted curves reads back as it was written") {
  const RingTruth truth;
  const CollectiveFits fits = fit_collectives(ring_rows(truth, {2, 8, 32}, 0.03, 3));
  const Config tree = collectives_profile(fits);
  const Config again = Config::parse(tree.to_yaml(), "collectives.yaml");
  CHECK(is_fitted_profile(again));
  const std::vector<ProfileCurve> curves = read_fitted_curves(again);
  REQUIRE(curves.size() == 3);
  const CurvePiece& fitted = fits.sweeps[0].curve.pieces[0];
  REQUIRE(curves[0].pieces[0].latency.has_value());
  CHECK(curves[0].pieces[0].latency->value == Approx(fitted.latency.value).epsilon(1e-4));
  CHECK(curves[0].pieces[0].latency->how == How::kFitted);
  CHECK(curves[0].pieces[0].latency->source == "synthetic");
  CHECK(curves[0].name == fits.sweeps[0].key.text());
  CHECK_THROWS_AS(read_fitted_curves(Config::parse("fitted-links: [{pieces: []}]", "l.yaml")),
                  Error);
}

TEST_CASE("published rows of what we measured ourselves are set aside with a remark") {
  const RingTruth truth;
  Measurements own, published;
  own.collectives = ring_rows(truth, {8}, 0.03, 1);
  published.collectives = ring_rows(truth, {4, 8}, 0.03, 2);
  std::vector<std::string> remarks;
  const Measurements left = unless_measured(own, published, {}, remarks);
  CHECK(left.collectives.size() == published.collectives.size() / 2);
  REQUIRE(remarks.size() == 1);
  CHECK(remarks[0].find("published rows of collectives set aside") != std::string::npos);
  const Calibration both = calibrate(own, published, {});
  CHECK(both.profiles.size() == 1);
  CHECK(both.models.size() == 3);  // Two sweeps and the latency a step.
}

TEST_CASE("times may stand in any of the columns") {
  const RingTruth truth;
  auto rows = ring_rows(truth, {8}, 0, 1);
  const LatencyCurve whole = fit_collectives(rows).sweeps[0].curve;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    set_bandwidths(rows[i]);
    rows[i].time_us.reset();
    if (i % 2 == 0) rows[i].algbw_GBps.reset();
  }
  const LatencyCurve same = fit_collectives(rows).sweeps[0].curve;
  CHECK(same.pieces[0].latency.value == Approx(whole.pieces[0].latency.value).epsilon(1e-6));
}
