// From sweeps of collectives to the numbers of a hardware generation and of a NIC.
#include "calibration/fit_tuning.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "calibration/calibrate_tunings.h"
#include "sim/base/error.h"
#include "sim/base/text_file.h"

using namespace tenk;

namespace {

std::string text_of(const std::string& path) {
  return read_text_file(std::string(TENK_SOURCE_DIR) + "/profiles/" + path + ".yaml");
}
CollectiveTuning hopper() {
  CollectiveTuning t = load_collective_tuning("nccl-hopper", "infiniband");
  return t;
}

ClusterSpec boxes(int nodes, int gpus) {
  Faults faults;
  const std::string text =
      "{nodes: " + std::to_string(nodes) +
      ", node: hgx-h100-8, gpus-per-node: " + std::to_string(gpus) +
      ", fabric: {kind: clos, tiers: 2, radix: 64, rails: " + std::to_string(gpus) +
      ", link: {rate: 400Gbps, latency: 600ns}}}";
  ClusterSpec spec = read_cluster(Section(Config::parse(text, "test"), "cluster", faults));
  faults.throw_if_any();
  return spec;
}

double noise(std::mt19937_64& random, double spread) {
  const auto uniform = [&] { return (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53; };
  const double radius = std::sqrt(-2 * std::log(uniform()));
  return std::exp(spread * radius * std::cos(2 * 3.14159265358979323846 * uniform()));
}

// Every operation on 2 to 8 cards of `nodes` servers, 1 KiB to 8 GiB, timed by the formulas.
std::vector<TimedCollective> sweeps_of(const CollectiveTuning& truth, int nodes,
                                       std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<TimedCollective> sweeps;
  for (const int gpus : {2, 4, 8}) {
    for (const Collective op : {Collective::kAllReduce, Collective::kAllGather,
                                Collective::kReduceScatter, Collective::kAllToAll}) {
      for (const bool rings : {false, true}) {
        if (rings && op != Collective::kAllReduce) continue;
        TimedCollective sweep{.cluster = boxes(nodes, gpus), .op = op, .source = "synthetic"};
        if (rings) sweep.without = {"tree", "nvls", "nvls-tree"};
        for (std::int64_t bytes = 1024; bytes <= std::int64_t{8} << 30; bytes *= 2) {
          sweep.sizes.push_back({Bytes(bytes), 1, held_out(op, nodes, gpus, Bytes(bytes))});
        }
        const std::vector<double> seconds = SweepModel(sweep).seconds(truth);
        for (std::size_t i = 0; i < seconds.size(); ++i) {
          sweep.sizes[i].seconds = seconds[i] * noise(random, 0.03);
        }
        sweeps.push_back(std::move(sweep));
      }
    }
  }
  return sweeps;
}

bool holds(const Known& fitted, const Known& truth) {
  UNSCOPED_INFO(fitted.value << " of " << truth.value << ", ci " << fitted.ci);
  return std::abs(fitted.value - truth.value) <= std::max(0.05, fitted.ci) * fitted.value;
}

}  // namespace

TEST_CASE("sweeps inside a server give the tuning that made them, through 3 % noise") {
  CollectiveTuning truth = hopper();
  truth.pace[0].base.value *= 1.4;
  truth.pace[0].step.value *= 0.7;
  truth.pace[2].step.value *= 1.3;
  truth.pairs.out.value *= 0.8;
  truth.nvlink_efficiency.value = 0.92;
  truth.nvls->rate.value *= 0.85;
  truth.nvls->start.value *= 1.5;
  const FitOptions options{.steps = 150, .samples = 50, .keep_unidentified = true};
  const TuningFit fit = fit_tuning(hopper(), sweeps_of(truth, 1, 4), options);
  for (const Unidentified& u : fit.unidentified) UNSCOPED_INFO(u.path);
  CHECK(fit.errors.median < 0.035);
  CHECK(fit.held_out.median < 0.035);
  CHECK(fit.held_out.rows > 60);
  CHECK(holds(fit.tuning.pace[0].base, truth.pace[0].base));
  CHECK(holds(fit.tuning.pace[0].step, truth.pace[0].step));
  CHECK(holds(fit.tuning.pace[2].step, truth.pace[2].step));
  CHECK(holds(fit.tuning.pairs.out, truth.pairs.out));
  CHECK(holds(fit.tuning.nvlink_efficiency, truth.nvlink_efficiency));
  CHECK(holds(fit.tuning.nvls->rate, truth.nvls->rate));
  CHECK(holds(fit.tuning.nvls->start, truth.nvls->start));
}

TEST_CASE("sweeps over several servers give the numbers of the NIC") {
  CollectiveTuning truth = hopper();
  truth.nic.efficiency.value = truth.network_efficiency.value = 0.8;
  truth.nic.pair_efficiency.value = 0.6;
  const FitOptions options{.steps = 100, .samples = 50, .keep_unidentified = true};
  const auto sweeps = sweeps_of(truth, 4, 7);
  NicTuning known = hopper().nic;
  known.efficiency.how = How::kAssumed;  // A measured one would stay.
  const NicFit fit = fit_nic(known, {{"nccl-hopper", hopper()}}, sweeps, options);
  CHECK(fit.held_out.median < 0.035);
  CHECK(holds(fit.nic.efficiency, truth.nic.efficiency));
  CHECK(holds(fit.nic.pair_efficiency, truth.nic.pair_efficiency));
  CHECK(fit.nic.hop.how == How::kDatasheet);  // Stays.
}

TEST_CASE("numbers that the sweeps do not touch keep their value and are named with what helps") {
  CalibrateOptions options;
  options.fit = {.steps = 60, .samples = 20};
  options.tunings["nccl-hopper"] = {"nccl-hopper", text_of("collectives/nccl-hopper")};
  options.nics["infiniband"] = {"infiniband", text_of("nics/infiniband")};
  options.sweeps_of = [](auto, auto&) {
    CollectiveTuning truth = hopper();
    truth.pace[0].base.value *= 1.5;
    std::vector<TimedCollective> sweeps = sweeps_of(truth, 1, 9);
    std::erase_if(sweeps, [](const TimedCollective& s) { return s.op == Collective::kAllToAll; });
    return sweeps;
  };
  Calibration c;
  calibrate_tunings({}, options, c);
  REQUIRE(c.profiles.size() == 1);
  CHECK(c.profiles[0].name == "collectives/nccl-hopper");
  const CollectiveTuning found =
      read_collective_tuning(Config::parse(c.profiles[0].yaml, "nccl-hopper.yaml"));
  CHECK(found.pairs.out.value == hopper().pairs.out.value);
  CHECK(found.pairs.out.source == hopper().pairs.out.source);
  CHECK(found.pace[0].base.source == "202 sizes of 12 sweeps: synthetic");
  bool named = false;
  for (const Refusal& refusal : c.refused) {
    named = named || (refusal.subject == "inside.pairs.out of nccl-hopper" &&
                      refusal.reason.find("add large all-to-alls") != std::string::npos);
  }
  CHECK(named);
  // Too few sizes for anything.
  std::vector<TimedCollective> one = sweeps_of(hopper(), 1, 9);
  one.resize(1);
  one[0].sizes.resize(10);
  CHECK_THROWS_AS(fit_tuning(hopper(), one), Error);
}
