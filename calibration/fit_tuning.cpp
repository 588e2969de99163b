#include "calibration/fit_tuning.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sim/base/error.h"
#include "sim/base/hash.h"

namespace tenk {
namespace {

constexpr std::size_t kFewestRows = 20;
constexpr Parameter kLatency{0, 1e-8, 1e-2};  // Seconds.
constexpr Parameter kRate{0, 1e8, 1e14};      // Bytes/s.
constexpr Parameter kShare{0, 0.05, 1};
constexpr double kMicro = 1e-6;
constexpr double kAlike = 16;  // Sizes of one sweep within this factor share their faults.

// `scale` 0: the value itself.
void add_pace(Constants& constants, const std::string& name, RingPace& pace, bool simple) {
  const std::string small = simple ? "messages that take Simple, on several numbers of cards"
                                   : "small messages on several numbers of cards";
  constants.push_back({"inside." + name + ".base", &pace.base, kLatency, 2 * kMicro, "s", small});
  constants.push_back({"inside." + name + ".step", &pace.step, kLatency, kMicro, "s", small});
  if (simple) {
    constants.push_back({"inside.simple.floor", &pace.floor, kLatency, 2 * kMicro, "s",
                         "messages of 1 to 16 MiB by rings"});
  } else {
    constants.push_back({"inside." + name + ".rate", &pace.rate, kRate, 0, "B/s",
                         "the largest messages that take that protocol"});
  }
}

Constants constants_of(CollectiveTuning& t) {
  Constants constants = {{"nvlink-efficiency", &t.nvlink_efficiency, kShare, 0, "1",
                          "rings of large messages over NVLink"}};
  add_pace(constants, "ll", t.pace[0], false);
  add_pace(constants, "ll128", t.pace[1], false);
  add_pace(constants, "simple", t.pace[2], true);
  constants.push_back({"inside.own-copy", &t.own_copy, kRate, 0, "B/s",
                       "large all-gathers on 2 and on more cards"});
  PointToPoint& p = t.pairs;
  const std::string pairs = "inside.pairs.";
  constants.push_back(
      {pairs + "ll-base", &p.ll_base, kLatency, 2 * kMicro, "s", "small all-to-alls"});
  constants.push_back({pairs + "base", &p.base, kLatency, 2 * kMicro, "s", "all-to-alls of 1 MiB"});
  constants.push_back(
      {pairs + "ll-rate", &p.ll_rate, kRate, 0, "B/s", "all-to-alls of up to 16 KiB a peer"});
  constants.push_back({pairs + "out", &p.out, kRate, 0, "B/s", "large all-to-alls on many cards"});
  constants.push_back({pairs + "all", &p.all, kRate, 0, "B/s", "large all-to-alls on 2 cards"});
  if (t.nvls) {
    constants.push_back(
        {"nvls.start", &t.nvls->start, kLatency, 5 * kMicro, "s", "all-reduces that take NVLS"});
    constants.push_back(
        {"nvls.rate", &t.nvls->rate, kRate, 0, "B/s", "all-reduces of 1 GiB and more by NVLS"});
    constants.push_back({"nvls.chunk-overhead",
                         &t.nvls->chunk_overhead,
                         {0, 0, 20},
                         0.5,
                         "1",
                         "all-reduces by NVLS from 2 MiB to 1 GiB"});
  }
  return constants;
}

Constants constants_of(NicTuning& n) {
  Constants constants = {
      {"efficiency", &n.efficiency, kShare, 0, "1", "rings of large messages"},
      {"tree-efficiency", &n.tree_efficiency, kShare, 0, "1",
       "all-reduces by trees over 3 and more servers"},
      {"pair-efficiency", &n.pair_efficiency, kShare, 0, "1", "large all-to-alls"},
      {"ring-step", &n.ring_step, kLatency, 5 * kMicro, "s", "rings of 1 to 64 MiB"},
      {"hop", &n.hop, kLatency, 5 * kMicro, "s", "trees of Simple"},
      {"ll-hop", &n.ll_hop, kLatency, 5 * kMicro, "s", "small messages"},
      {"fill-per-mib", &n.fill, kLatency, 5 * kMicro, "s", "trees of 1 to 16 MiB"},
      {"fill-most", &n.fill_most, kLatency, 2e-5, "s", "trees of 64 MiB and more"},
      {"long-ll", &n.long_ll, kLatency, 5 * kMicro, "s", "trees of LL"},
      {"ll-rate", &n.ll_rate, kRate, 0, "B/s", "rings of LL"}};
  return constants;
}

// The sizes of several sweeps as rows; whole sweeps are predicted at once.
struct Rows {
  std::vector<SweepModel> models;
  struct Row {
    std::size_t sweep = 0, size = 0;
    double bytes = 0, seconds = 0;
  };
  std::vector<Row> fitted, judged;

  explicit Rows(std::span<const TimedCollective> sweeps) {
    for (std::size_t s = 0; s < sweeps.size(); ++s) {
      models.emplace_back(sweeps[s]);
      for (std::size_t i = 0; i < sweeps[s].sizes.size(); ++i) {
        const SweptSize& size = sweeps[s].sizes[i];
        (size.held_out ? judged : fitted).push_back({s, i, size.bytes.value(), size.seconds});
      }
    }
    if (fitted.size() >= kFewestRows) return;
    throw Error(ErrorKind::kInvalid, fmt::format("a fit of collectives needs at least {} timed "
                                                 "sizes; found {}",
                                                 kFewestRows, fitted.size()));
  }
};

// `tuning_of(sweep)` is the tuning as its constants stand.
template <class TuningOf>
std::vector<double> predicted(const Rows& rows, const std::vector<Rows::Row>& some,
                              const TuningOf& tuning_of) {
  std::vector<std::vector<double>> by_sweep(rows.models.size());
  std::vector<double> seconds;
  for (const Rows::Row& row : some) {
    std::vector<double>& sweep = by_sweep[row.sweep];
    if (sweep.empty()) sweep = rows.models[row.sweep].seconds(tuning_of(row.sweep));
    seconds.push_back(sweep[row.size]);
  }
  return seconds;
}

template <class TuningOf>
FitProblem problem_of(const Rows& rows, Constants constants, const TuningOf& tuning_of) {
  std::erase_if(constants, [](const FittableConstant& c) {
    const Known& known = *c.known;
    return known.ci == 0 || known.how == How::kDatasheet || known.how == How::kMeasured;
  });
  FitProblem problem;
  problem.constants = std::move(constants);
  std::vector<std::uint64_t> alike;
  for (const Rows::Row& row : rows.fitted) {
    problem.measured.push_back(row.seconds);
    problem.weights.push_back(1);
    const auto band = static_cast<std::uint64_t>(std::log(row.bytes) / std::log(kAlike));
    alike.push_back(combine(row.sweep, band));
  }
  problem.groups = number_groups(alike);
  problem.predict = [&](std::span<const std::size_t> wanted, std::span<double> out) {
    std::vector<Rows::Row> some;
    for (const std::size_t i : wanted) some.push_back(rows.fitted[i]);
    const std::vector<double> seconds = predicted(rows, some, tuning_of);
    std::copy(seconds.begin(), seconds.end(), out.begin());
  };
  return problem;
}

template <class TuningOf>
double held_out_loss(const Rows& rows, const TuningOf& tuning_of) {
  const std::vector<double> seconds = predicted(rows, rows.judged, tuning_of);
  double sum = 0;
  for (std::size_t i = 0; i < seconds.size(); ++i) {
    sum += std::abs(std::log(seconds[i] / rows.judged[i].seconds));
  }
  return seconds.empty() ? 0 : sum / static_cast<double>(seconds.size());
}

template <class TuningOf>
void judge(const Rows& rows, const TuningOf& tuning_of, SweepFit& fit) {
  fit.rows = rows.fitted.size();
  for (const std::vector<Rows::Row>* part : {&rows.fitted, &rows.judged}) {
    const std::vector<double> seconds = predicted(rows, *part, tuning_of);
    std::vector<double> measured;
    for (std::size_t i = 0; i < part->size(); ++i) {
      const Rows::Row& row = (*part)[i];
      fit.residuals.push_back({row.bytes, seconds[i] / row.seconds, part == &rows.judged});
      measured.push_back(row.seconds);
    }
    if (part == &rows.judged && !part->empty()) fit.held_out = fit_errors(seconds, measured);
  }
  fit.loss = held_out_loss(rows, tuning_of);
}

}  // namespace

TuningFit fit_tuning(const CollectiveTuning& known, std::span<const TimedCollective> sweeps,
                     const FitOptions& options) {
  const Rows rows(sweeps);
  TuningFit fit;
  fit.tuning = known;
  const auto tuning_of = [&](std::size_t) { return fit.tuning; };
  fit.loss_before = held_out_loss(rows, tuning_of);
  static_cast<ConstantFit&>(fit) =
      fit_constants(problem_of(rows, constants_of(fit.tuning), tuning_of), options);
  judge(rows, tuning_of, fit);
  return fit;
}

NicFit fit_nic(const NicTuning& known, const std::map<std::string, CollectiveTuning>& tunings,
               std::span<const TimedCollective> sweeps, const FitOptions& options) {
  const Rows rows(sweeps);
  NicFit fit;
  fit.nic = known;
  const auto tuning_of = [&](std::size_t sweep) {
    CollectiveTuning tuning = tunings.at(sweeps[sweep].cluster.node.collectives);
    tuning.nic = fit.nic;
    return tuning;
  };
  fit.loss_before = held_out_loss(rows, tuning_of);
  static_cast<ConstantFit&>(fit) =
      fit_constants(problem_of(rows, constants_of(fit.nic), tuning_of), options);
  judge(rows, tuning_of, fit);
  return fit;
}

}  // namespace tenk
