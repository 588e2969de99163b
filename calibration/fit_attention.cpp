#include "calibration/fit_attention.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

namespace tenk {
namespace {

constexpr std::size_t kConstants = 3;
constexpr std::size_t kFewestRows = 20;
constexpr std::array<Parameter, kConstants> kRanges = {{{0, 0.01, 1}, {0, 1e-7, 1e-3}, {0, 1, 50}}};

std::array<Known*, kConstants> fitted_constants(DeviceProfile& device) {
  return {&device.attention.efficiency, &device.attention.latency, &device.attention.passes};
}

std::vector<double> search(DeviceProfile device, std::span<const MeasuredAttention> rows,
                           std::span<const std::size_t> used, int steps) {
  const auto constants = fitted_constants(device);
  const auto loss = [&] {
    double sum = 0;
    for (const std::size_t i : used) {
      const double seconds = attention_forward_time(device, rows[i].shape).s();
      sum += std::abs(std::log(seconds / rows[i].seconds));
    }
    return sum / static_cast<double>(used.size());
  };
  return minimize(constants, kRanges, loss, steps);
}

}  // namespace

FitErrors attention_errors(const DeviceProfile& device, std::span<const MeasuredAttention> rows) {
  std::vector<double> predicted;
  std::vector<double> measured;
  for (const MeasuredAttention& row : rows) {
    predicted.push_back(attention_forward_time(device, row.shape).s());
    measured.push_back(row.seconds);
  }
  return fit_errors(predicted, measured);
}

AttentionFit fit_attention(const DeviceProfile& known, std::span<const MeasuredAttention> rows,
                           const FitOptions& options) {
  if (rows.size() < kFewestRows) {
    throw Error(ErrorKind::kInvalid, "a fit of attention needs at least 20 timed rows");
  }
  std::vector<std::size_t> all(rows.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  AttentionFit fit{.device = known, .errors = {}};
  const std::vector<double> values = search(known, rows, all, options.steps);
  const auto constants = fitted_constants(fit.device);
  for (std::size_t i = 0; i < kConstants; ++i) {
    *constants[i] = {.value = values[i], .how = How::kFitted, .ci = 0, .source = options.source};
  }
  fit.errors = attention_errors(fit.device, rows);
  if (options.samples < 1) return fit;
  std::array<std::vector<double>, kConstants> samples;
  for (int s = 0; s < options.samples; ++s) {
    const auto drawn = resample(all, all.size(), options.seed + static_cast<unsigned>(s));
    const std::vector<double> sample = search(fit.device, rows, drawn, options.sample_steps);
    for (std::size_t i = 0; i < kConstants; ++i) samples[i].push_back(sample[i]);
  }
  for (std::size_t i = 0; i < kConstants; ++i) {
    constants[i]->ci = relative_interval(samples[i], values[i]);
  }
  Known& efficiency = fit.device.attention.efficiency;
  efficiency.ci = std::hypot(efficiency.ci, fit.errors.median);
  return fit;
}

}  // namespace tenk
