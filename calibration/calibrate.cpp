#include "calibration/calibrate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>
#include <utility>

#include "calibration/calibrate_kernels.h"
#include "calibration/calibrate_profile.h"
#include "calibration/calibrate_tunings.h"
#include "calibration/importers/nccl.h"
#include "calibration/measured_kernels.h"
#include "sim/base/units.h"

namespace tenk {
namespace {

constexpr double kMicro = 1e-6, kGiga = 1e9;

FittedConstant constant(const std::string& name, const std::string& unit, const Estimate& e,
                        double scale) {
  return {name, unit, e.value / scale, e.low / scale, e.high / scale, e.identified};
}

// A rate from its reciprocal; the interval turns round.
FittedConstant rate(const std::string& name, const Estimate& e) {
  if (!(e.value > 0)) return {name, "GB/s", 0, 0, 0, false};
  const double high = e.low > 0 ? 1 / e.low / kGiga : 0;
  return {name, "GB/s", 1 / e.value / kGiga, 1 / e.high / kGiga, high, e.identified};
}

void add_pieces(const LatencyCurve& curve, const std::string& start, FittedModel& model) {
  for (std::size_t i = 0; i < curve.pieces.size(); ++i) {
    const CurvePiece& piece = curve.pieces[i];
    const std::string sizes = fmt::format("{} to {}", to_text(Bytes(std::llround(piece.from))),
                                          to_text(Bytes(std::llround(piece.to))));
    model.constants.push_back(
        constant(fmt::format("{}, {}", start, sizes), "us", piece.latency, kMicro));
    model.constants.push_back(rate(fmt::format("bandwidth, {}", sizes), piece.seconds_per_byte));
    if (i < curve.switches.size()) {
      model.constants.push_back(constant("switch", "B", curve.switches[i], 1));
    }
  }
  model.errors = curve.errors;
  model.held_out = curve.held_out;
}

void add_residuals(const LatencyCurve& curve, const std::vector<TimedSize>& points,
                   FittedModel& model) {
  model.x = "bytes";
  for (const TimedSize& point : points) {
    model.residuals.push_back({point.bytes, curve.seconds(point.bytes) / point.seconds});
  }
}

void add_collectives(const Measurements& rows, const CalibrateOptions& options, Calibration& out) {
  if (rows.collectives.empty()) return;
  CollectiveFits fits = fit_collectives(rows.collectives, options.curve);
  for (const CollectiveFit& fit : fits.sweeps) {
    FittedModel model{.family = "collective",
                      .subject = fit.key.text(),
                      .picture = fmt::format("{} of {}", fit.key.collective, fit.key.gpu),
                      .source = fit.source};
    add_pieces(fit.curve, "latency", model);
    const auto factor = bus_factor(fit.key.collective, static_cast<double>(fit.key.gpus));
    if (factor && *factor > 0) {
      Estimate bus = fit.curve.pieces.back().seconds_per_byte;
      for (double* part : {&bus.value, &bus.low, &bus.high}) *part /= *factor;
      model.constants.push_back(rate("bus bandwidth at the largest sizes", bus));
    }
    add_residuals(fit.curve, fit.points, model);
    out.models.push_back(std::move(model));
  }
  for (const StepFit& fit : fits.steps) {
    FittedModel model{.family = "latency a step",
                      .subject = fmt::format("{} ({}), {} cards", fit.key.text(), fit.algorithm,
                                             fmt::join(fit.gpus, ", ")),
                      .source = fit.source};
    model.constants = {constant("base", "us", fit.line.base, kMicro),
                       constant("step", "us", fit.line.slope, kMicro)};
    if (fit.gpus.size() > 2) model.errors = fit.line.errors;  // Two points give any line.
    out.models.push_back(std::move(model));
  }
  out.refused.insert(out.refused.end(), fits.refused.begin(), fits.refused.end());
  if (!fits.sweeps.empty()) {
    out.profiles.push_back({"collectives", collectives_profile(fits).to_yaml()});
  }
}

void add_links(const Measurements& rows, const CalibrateOptions& options, Calibration& out) {
  if (rows.links.empty()) return;
  LinkFits fits = fit_links(rows.links, options.curve);
  for (const LinkFit& fit : fits.series) {
    FittedModel model{.family = "link",
                      .subject = fit.key.text(),
                      .picture = fit.key.device.empty() ? "links" : "links of " + fit.key.device,
                      .source = fit.source};
    add_pieces(fit.curve, fit.key.rate ? "gap between messages" : "latency", model);
    add_residuals(fit.curve, fit.points, model);
    out.models.push_back(std::move(model));
  }
  out.refused.insert(out.refused.end(), fits.refused.begin(), fits.refused.end());
  if (!fits.series.empty()) {
    out.profiles.push_back({"links", links_profile(fits).to_yaml()});
  }
}

// Rows of `rows` that are of nothing in `own`; `thing` is what a row is a measurement of.
template <class Row, class Thing>
std::size_t set_aside(const std::vector<Row>& own, std::vector<Row>& rows, Thing thing) {
  std::set<decltype(thing(std::declval<const Row&>()))> measured;
  for (const Row& row : own) measured.insert(thing(row));
  return std::erase_if(rows, [&](const Row& row) { return measured.contains(thing(row)); });
}

// Of which accelerator what was timed: equal for rows that measure the same thing.
std::tuple<std::string, std::string> kernel_thing(
    const KernelSample& row, const std::map<std::string, KnownPreset>& devices) {
  const auto device = devices.find(row.gpu);
  std::string name = device == devices.end() ? row.gpu : device->second.name;
  const KernelCase one = kernel_case(row);
  if (const auto* gemm = std::get_if<MeasuredGemm>(&one)) {
    return {name, fmt::format("{} products", name_of(gemm->precision))};
  }
  if (const auto* attention = std::get_if<MeasuredAttention>(&one)) {
    return {name, attention->backward ? "attention backward" : "attention"};
  }
  if (std::holds_alternative<MeasuredStream>(one)) return {name, "streams"};
  return {name, fmt::format("{} {} {}", row.kernel, row.dtype, row.direction)};
}

// Moves the rows that are marked as measured by ourselves.
template <class Row>
void take_measured(std::vector<Row>& from, std::vector<Row>& to) {
  const auto own = std::stable_partition(from.begin(), from.end(),
                                         [](const Row& row) { return row.how != "measured"; });
  to.insert(to.end(), std::make_move_iterator(own), std::make_move_iterator(from.end()));
  from.erase(own, from.end());
}

}  // namespace

FittedConstant shown_constant(const FittedNumber& number) {
  const bool time = number.unit == "s", rate = number.unit == "B/s";
  const double value = number.known.value / (time ? kMicro : rate ? kGiga : 1);
  const double half = number.known.ci * std::abs(value);
  return {number.path,
          time   ? "us"
          : rate ? "GB/s"
                 : number.unit,
          value, std::max(0.0, value - half), value + half};
}

Measurements unless_measured(const Measurements& own, Measurements published,
                             const std::map<std::string, KnownPreset>& devices,
                             std::vector<std::string>& remarks) {
  const std::size_t kernels =
      set_aside(own.kernels, published.kernels,
                [&](const KernelSample& row) { return kernel_thing(row, devices); });
  const std::size_t collectives =
      set_aside(own.collectives, published.collectives, [](const CollectiveSample& row) {
        return std::tuple(row.gpu, row.collective, row.nodes, row.gpus, row.algo_proto);
      });
  const std::size_t links = set_aside(own.links, published.links, [](const LinkSample& row) {
    return std::tuple(row.device, row.kind, row.endpoints, row.metric);
  });
  const auto remark = [&](std::size_t count, std::string_view what) {
    if (count > 0) {
      remarks.push_back(
          fmt::format("{} published rows of {} set aside: measured ourselves", count, what));
    }
  };
  remark(kernels, "kernels");
  remark(collectives, "collectives");
  remark(links, "links");
  return published;
}

Calibration calibrate(Measurements own, Measurements published, const CalibrateOptions& options) {
  Calibration out;
  take_measured(published.kernels, own.kernels);
  take_measured(published.collectives, own.collectives);
  take_measured(published.links, own.links);
  Measurements rows = unless_measured(own, std::move(published), options.devices, out.remarks);
  rows.append(std::move(own));
  calibrate_kernels(rows.kernels, options, out);
  calibrate_tunings(rows.collectives, options, out);
  add_collectives(rows, options, out);
  add_links(rows, options, out);
  return out;
}

}  // namespace tenk
