#include "calibration/fit_gemm.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

namespace tenk {
namespace {

constexpr std::size_t kConstants = 6;
constexpr std::size_t kFewestRows = 50;

using Rows = std::vector<const MeasuredGemm*>;

std::array<Known*, kConstants> fitted_constants(DeviceProfile& device) {
  GemmModel& gemm = *device.gemms[static_cast<std::size_t>(Precision::kBf16)];
  return {&gemm.efficiency,
          &gemm.k_overhead,
          &gemm.tail,
          &device.launch,
          &device.sustained_power_factor,
          &device.power_settling};
}

constexpr std::array<Parameter, kConstants> kRanges = {
    {{0, 0.05, 1}, {0, 0, 1e5}, {0, 0, 1}, {0, 1e-7, 1e-3}, {0, 0.3, 1}, {0, 1e-5, 1}}};

double seconds_of(const DeviceProfile& device, const MeasuredGemm& row) {
  return lone_kernel_time(device, gemm_time(device, Precision::kBf16, row.m, row.n, row.k)).s();
}

double loss_of(const DeviceProfile& device, const Rows& rows) {
  double sum = 0;
  for (const MeasuredGemm* row : rows) {
    sum += std::abs(std::log(seconds_of(device, *row) / row->seconds));
  }
  return sum / static_cast<double>(rows.size());
}

// The constants that fit `rows`, starting from those of `device`.
std::vector<double> search(DeviceProfile device, const Rows& rows, int steps) {
  const auto constants = fitted_constants(device);
  return minimize(
      constants, kRanges, [&] { return loss_of(device, rows); }, steps);
}

// Number of the group of each row (equal n and k), and how many groups there are.
std::pair<std::vector<std::size_t>, std::size_t> shape_groups(std::span<const MeasuredGemm> rows) {
  std::map<std::pair<std::int64_t, std::int64_t>, std::size_t> numbers;
  std::vector<std::size_t> groups;
  for (const MeasuredGemm& row : rows) {
    groups.push_back(numbers.emplace(std::pair(row.n, row.k), numbers.size()).first->second);
  }
  return {std::move(groups), numbers.size()};
}

// Relative 90 % interval of each constant.
std::array<double, kConstants> intervals(const DeviceProfile& fitted,
                                         std::span<const MeasuredGemm> rows,
                                         const FitOptions& options) {
  std::array<double, kConstants> result = {};
  if (options.samples < 1) return result;
  const auto [groups, count] = shape_groups(rows);
  std::array<std::vector<double>, kConstants> samples;
  for (int s = 0; s < options.samples; ++s) {
    Rows drawn;
    for (const std::size_t i : resample(groups, count, options.seed + static_cast<unsigned>(s))) {
      drawn.push_back(&rows[i]);
    }
    const std::vector<double> values = search(fitted, drawn, options.sample_steps);
    for (std::size_t i = 0; i < kConstants; ++i) samples[i].push_back(values[i]);
  }
  DeviceProfile copy = fitted;
  const auto constants = fitted_constants(copy);
  for (std::size_t i = 0; i < kConstants; ++i) {
    result[i] = relative_interval(samples[i], constants[i]->value);
  }
  return result;
}

}  // namespace

FitErrors gemm_errors(const DeviceProfile& device, std::span<const MeasuredGemm> rows) {
  std::vector<double> predicted;
  std::vector<double> measured;
  for (const MeasuredGemm& row : rows) {
    predicted.push_back(seconds_of(device, row));
    measured.push_back(row.seconds);
  }
  return fit_errors(predicted, measured);
}

GemmFit fit_gemm(const DeviceProfile& known, std::span<const MeasuredGemm> rows,
                 const FitOptions& options) {
  if (rows.size() < kFewestRows) {
    throw Error(ErrorKind::kInvalid, "a fit of matrix products needs at least 50 timed rows");
  }
  Rows all;
  for (const MeasuredGemm& row : rows) all.push_back(&row);
  GemmFit fit{.device = known, .errors = {}};
  const std::vector<double> values = search(known, all, options.steps);
  const auto constants = fitted_constants(fit.device);
  for (std::size_t i = 0; i < kConstants; ++i) {
    *constants[i] = {.value = values[i], .how = How::kFitted, .ci = 0, .source = options.source};
  }
  fit.errors = gemm_errors(fit.device, rows);
  const std::array<double, kConstants> ci = intervals(fit.device, rows, options);
  for (std::size_t i = 0; i < kConstants; ++i) constants[i]->ci = ci[i];
  Known& efficiency = *constants[0];
  if (options.samples > 0) efficiency.ci = std::hypot(efficiency.ci, fit.errors.median);
  return fit;
}

}  // namespace tenk
