#include "workloads/kernels.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sim/base/error.h"

namespace tenk {
namespace {

constexpr double kBytesPerElement = 2;  // Of attention: 16 bits.
constexpr double kBackwardFlops = 2.5;
constexpr double kBackwardTraffic = 2;  // Q K V O dO in, dQ dK dV out.
constexpr double kLongestKernel = 1e6;  // Seconds; int64 picoseconds end at 9.2e6.

Time to_time(double seconds) {
  if (!(seconds <= kLongestKernel)) {
    throw Error(ErrorKind::kInvalid, "one kernel would run longer than 10^6 s: shapes too large");
  }
  return std::max(Time::seconds(seconds), Time::picoseconds(1));
}

double ceil_div(double a, double b) { return std::ceil(a / b); }

// Seconds of all tiles of a x b on all units.
double tiled_seconds(const GemmModel& gemm, double units, double a, double b, double m, double n,
                     double k) {
  const double tiles = ceil_div(m, a) * ceil_div(n, b);
  const double waves = gemm.tail.value * ceil_div(tiles, units) +
                       (1 - gemm.tail.value) * std::max(tiles / units, 1.0);
  const double tile_flops = 2 * a * b * (k + gemm.k_overhead.value);
  return waves * tile_flops * units / (gemm.peak.value * gemm.efficiency.value);
}

double streaming_rate(const DeviceProfile& device) {
  return device.memory_bandwidth.value * device.memory_efficiency.value;
}

// Seconds of an attention kernel with the forward's FLOPs x `flops` and traffic x `traffic`.
double attention_seconds(const DeviceProfile& device, const AttentionShape& shape, double flops,
                         double traffic, double efficiency) {
  TENK_CHECK(shape.batch >= 1 && shape.heads >= 1 && shape.kv_heads >= 1 && shape.head_dim >= 1 &&
                 shape.sequence >= 1,
             "attention shapes are positive");
  const auto b = static_cast<double>(shape.batch);
  const auto h = static_cast<double>(shape.heads);
  const auto g = static_cast<double>(shape.kv_heads);
  const auto d = static_cast<double>(shape.head_dim);
  const auto s = static_cast<double>(shape.sequence);
  const double peak = device.need_gemm(device.wide()).peak.value;
  const double compute = flops * 2 * b * h * s * s * d / (peak * efficiency);
  const double bytes = traffic * kBytesPerElement * 2 * b * s * d * (h + g);
  return device.attention.latency.value + compute +
         device.attention.passes.value * bytes / streaming_rate(device);
}

}  // namespace

Time gemm_time(const DeviceProfile& device, Precision precision, std::int64_t m, std::int64_t n,
               std::int64_t k) {
  TENK_CHECK(m >= 1 && n >= 1 && k >= 1, "matrix dimensions are positive");
  const GemmModel& gemm = device.need_gemm(precision);
  const double units = device.sms;
  const auto rows = static_cast<double>(m);
  const auto columns = static_cast<double>(n);
  const auto depth = static_cast<double>(k);
  double compute = std::numeric_limits<double>::infinity();
  for (const Tile& tile : gemm.tiles) {
    const auto a = static_cast<double>(tile.m);
    const auto b = static_cast<double>(tile.n);
    compute = std::min({compute, tiled_seconds(gemm, units, a, b, rows, columns, depth),
                        tiled_seconds(gemm, units, b, a, rows, columns, depth)});
  }
  const double bytes = operand_bytes(precision) * (rows + columns) * depth +
                       result_bytes(precision) * rows * columns;
  const double memory = bytes / streaming_rate(device);
  return to_time(device.launch.value + std::max(compute, memory));
}

Time attention_forward_time(const DeviceProfile& device, const AttentionShape& shape) {
  return to_time(attention_seconds(device, shape, 1, 1, device.attention.efficiency.value));
}

Time attention_backward_time(const DeviceProfile& device, const AttentionShape& shape) {
  const AttentionModel& model = device.attention;
  const double efficiency = std::min(model.efficiency.value * model.backward_ratio.value, 1.0);
  return to_time(attention_seconds(device, shape, kBackwardFlops, kBackwardTraffic, efficiency));
}

Time streaming_time(const DeviceProfile& device, Bytes moved) {
  TENK_CHECK(moved.count() >= 0, "bytes are not negative");
  return to_time(device.launch.value + moved.value() / streaming_rate(device));
}

Time sustained_time(const DeviceProfile& device, Time full_clock) {
  return to_time(full_clock.s() / device.sustained_power_factor.value);
}

Time lone_kernel_time(const DeviceProfile& device, Time full_clock) {
  const double t = full_clock.s();
  const double slowdown = 1 / device.sustained_power_factor.value - 1;
  return to_time(t + slowdown * t * t / (t + device.power_settling.value));
}

}  // namespace tenk
