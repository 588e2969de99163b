#include "calibration/fit_gemm.h"

#include <fmt/format.h>

#include "sim/base/error.h"
#include "sim/base/hash.h"

namespace tenk {
namespace {

constexpr std::size_t kFewestRows = 50;
constexpr std::int64_t kTrainingSize = 512;
constexpr std::int64_t kSmallSize = 128;
constexpr double kLong = 5e-3;  // Seconds.

double weight_of(const MeasuredGemm& row) {
  if (row.seconds >= kLong) return 64;
  if (row.all_at_least(kTrainingSize)) return 16;
  return row.shape.m >= kSmallSize ? 3 : 0.5;
}

void add_shared(DeviceProfile& d, Constants& constants) {
  constants.push_back(
      {"launch", &d.launch, {0, 1e-7, 1e-3}, 1e-6, "s", "small products, of less than 10^8 FLOP"});
  constants.push_back({"sustained-power-factor",
                       &d.sustained_power_factor,
                       {0, 0.3, 1},
                       0.2,
                       "1",
                       "products that last longer than 10 ms"});
  constants.push_back({"power-settling",
                       &d.power_settling,
                       {0, 2e-4, 1},
                       1e-3,
                       "s",
                       "products of every length from 0.1 to 100 ms"});
}

Constants constants_of(DeviceProfile& d, Precision precision) {
  GemmModel& g = d.gemms[static_cast<std::size_t>(precision)].value();
  const std::string name = std::string(name_of(precision)) + ".";
  Constants constants = {
      {name + "efficiency", &g.efficiency, {0, 0.05, 1}, 0.2, "1", "large products"},
      {name + "k-overhead",
       &g.k_overhead,
       {0, 0, 1e4},
       100,
       "1",
       "products with k from 512 to 8192"},
      {name + "tail",
       &g.tail,
       {0, 0, 1},
       0.5,
       "1",
       "products a little above and below whole waves of tiles"},
      {name + "operand-bandwidth",
       &g.operand_bandwidth,
       {0, 1e9, 1e13},
       1e10,
       "B/s",
       "products with few rows or columns, which need small tiles"},
      {name + "split-traffic",
       &g.split_traffic,
       {0, 0, 100},
       1,
       "1",
       "products with few tiles and k above 4096"}};
  if (precision == d.wide()) {
    constants.push_back({name + "memory-efficiency",
                         &g.memory_efficiency,
                         {0, 0.1, 1},
                         0.2,
                         "1",
                         "products with m below 64, which wait for memory"});
    add_shared(d, constants);
  } else if (g.quantisation) {
    constants.push_back({name + "quantisation.latency",
                         &g.quantisation->latency,
                         {0, 1e-8, 1e-3},
                         3e-6,
                         "s",
                         "small products"});
    constants.push_back({name + "quantisation.traffic",
                         &g.quantisation->traffic,
                         {0, 0, 100},
                         2,
                         "B",
                         "products with large m and k and small n"});
  }
  return constants;
}

}  // namespace

double predicted_seconds(const DeviceProfile& device, const MeasuredGemm& row) {
  const GemmShape& s = row.shape;
  if (row.served) return served_gemm_time(device, row.precision, s).s();
  const Time time = gemm_time(device, row.precision, s.m, s.n, s.k);
  return (row.sustained ? sustained_time(device, time) : lone_kernel_time(device, time)).s();
}

FitErrors gemm_errors(const DeviceProfile& device, std::span<const MeasuredGemm> rows) {
  std::vector<double> predicted;
  std::vector<double> measured;
  for (const MeasuredGemm& row : rows) {
    predicted.push_back(predicted_seconds(device, row));
    measured.push_back(row.seconds);
  }
  return fit_errors(predicted, measured);
}

DeviceFit fit_gemm(const DeviceProfile& known, Precision precision,
                   std::span<const MeasuredGemm> rows, const FitOptions& options) {
  known.need_gemm(precision);
  std::vector<MeasuredGemm> used;
  std::vector<std::uint64_t> shapes;
  FitProblem problem;
  for (const MeasuredGemm& row : rows) {
    if (row.precision != precision) continue;
    used.push_back(row);
    shapes.push_back(
        combine(static_cast<std::uint64_t>(row.shape.n), static_cast<std::uint64_t>(row.shape.k)));
    problem.measured.push_back(row.seconds);
    problem.weights.push_back(weight_of(row));
  }
  if (used.size() < kFewestRows) {
    throw Error(ErrorKind::kInvalid,
                fmt::format("a fit of {} matrix products needs at least {} timed rows; found {}",
                            name_of(precision), kFewestRows, used.size()));
  }
  DeviceFit fit{{}, known};
  problem.constants = constants_of(fit.device, precision);
  problem.predict = by_row([&](std::size_t i) { return predicted_seconds(fit.device, used[i]); });
  problem.groups = number_groups(shapes);
  problem.efficiency_path = std::string(name_of(precision)) + ".efficiency";
  static_cast<ConstantFit&>(fit) = fit_constants(problem, options);
  return fit;
}

}  // namespace tenk
