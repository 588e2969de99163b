#include "workloads/kernels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "sim/base/error.h"

namespace tenk {
namespace {

constexpr double kWideBytes = 2;  // An element of attention's operands.
constexpr double kQueryTile = 128;
constexpr double kBackwardTraffic = 2;  // Q K V O dO in, dQ dK dV out.
constexpr double kLongestKernel = 1e6;  // Seconds; int64 picoseconds end at 9.2e6.
constexpr std::array<double, 11> kParts = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64};
constexpr double kShortestPart = 256;   // Elements of k.
constexpr double kMostPartWaves = 16;   // Cutting is pointless with more waves than that.
constexpr double kPartialSumBytes = 8;  // FP32, written and read.

Time to_time(double seconds) {
  if (!(seconds <= kLongestKernel)) {
    throw Error(ErrorKind::kInvalid, "one kernel would run longer than 10^6 s: shapes too large");
  }
  return std::max(Time::seconds(seconds), Time::picoseconds(1));
}

struct Product {
  double m = 1;
  double n = 1;
  double k = 1;
  double groups = 1;  // Products of that shape in one kernel.
};

// What the time of all products of one precision has in common.
struct ProductRates {
  const GemmModel& gemm;
  double units = 1;
  double unit_flops = 0;    // Per second, of one unit in its main loop.
  double memory = 0;        // Bytes/s.
  double operand_size = 0;  // Bytes.
  double launch = 0;
};

ProductRates rates_of(const DeviceProfile& device, Precision precision) {
  const GemmModel& gemm = device.need_gemm(precision);
  const double units = device.sms;
  return {.gemm = gemm,
          .units = units,
          .unit_flops = gemm.peak.value * gemm.efficiency.value / units,
          .memory = device.memory_bandwidth.value * gemm.memory_efficiency.value,
          .operand_size = operand_bytes(precision),
          .launch = device.launch.value};
}

// Seconds of tiles of a x b on all units, k cut as is best.
double tiled_seconds(const ProductRates& r, double a, double b, const Product& p) {
  const double tiles = p.groups * std::ceil(p.m / a) * std::ceil(p.n / b);
  const double step =
      std::max(2 * a * b / r.unit_flops, r.operand_size * (a + b) / r.gemm.operand_bandwidth.value);
  const double tail = r.gemm.tail.value;
  double best = std::numeric_limits<double>::infinity();
  for (const double parts : kParts) {
    const double waves = tiles * parts / r.units;
    if (parts > 1 && waves > kMostPartWaves) break;
    const double paid = tail * std::ceil(waves) + (1 - tail) * std::max(waves, 1.0);
    double depth = p.k;
    double sums = 0;
    if (parts > 1) {
      depth = std::max(std::ceil(p.k / parts), kShortestPart);
      sums = r.launch + kPartialSumBytes * p.groups * p.m * p.n * parts *
                            r.gemm.split_traffic.value / r.memory;
    }
    best = std::min(best, paid * step * (depth + r.gemm.k_overhead.value) + sums);
  }
  return best;
}

double gemm_seconds(const DeviceProfile& device, Precision precision, const Product& p) {
  const ProductRates rates = rates_of(device, precision);
  double compute = std::numeric_limits<double>::infinity();
  for (const Tile& tile : rates.gemm.tiles) {
    const auto a = static_cast<double>(tile.m);
    const auto b = static_cast<double>(tile.n);
    compute = std::min(compute, tiled_seconds(rates, a, b, p));
    if (a != b) compute = std::min(compute, tiled_seconds(rates, b, a, p));
  }
  const double bytes =
      operand_bytes(precision) * (p.m + p.n) * p.k + result_bytes(precision) * p.m * p.n;
  const double memory = p.groups * bytes / rates.memory;
  const double longer = std::max(compute, memory);
  const double ratio = std::min(compute, memory) / longer;
  return rates.launch + longer * std::cbrt(1 + ratio * ratio * ratio);
}

double lone_seconds(const DeviceProfile& device, double t) {
  const double slowdown = 1 / device.sustained_power_factor.value - 1;
  return t + slowdown * t * t / (t + device.power_settling.value);
}

double streaming_rate(const DeviceProfile& device) {
  return device.memory_bandwidth.value * device.memory_efficiency.value;
}

std::int64_t value_of(const AttentionShape& shape) {
  return shape.value_dim > 0 ? shape.value_dim : shape.head_dim;
}

// Seconds of an attention kernel with products of `width` FLOPs / 2 for each query and key, and
// the forward's traffic x `traffic`.
double attention_seconds(const DeviceProfile& device, const AttentionShape& shape, double width,
                         double traffic, double efficiency) {
  TENK_CHECK(shape.batch >= 1 && shape.heads >= 1 && shape.kv_heads >= 1 && shape.head_dim >= 1 &&
                 shape.sequence >= 1,
             "attention shapes are positive");
  const auto b = static_cast<double>(shape.batch);
  const auto h = static_cast<double>(shape.heads);
  const auto g = static_cast<double>(shape.kv_heads);
  const auto s = static_cast<double>(shape.sequence);
  const double reach = shape.window > 0 ? std::min(s, static_cast<double>(shape.window)) : s;
  const double keys = shape.causal ? reach * (1 - reach / (2 * s)) : reach;
  const double overhead = device.attention.key_overhead.value;
  const double rate = device.need_gemm(device.wide()).peak.value * efficiency;
  const double per_key = 2 * width * kQueryTile / rate;  // Of one tile on the whole device.
  const double tiles = b * h * std::ceil(s / kQueryTile);
  const double all = tiles * per_key * (keys + overhead);
  const double longest = device.sms * per_key * (reach + overhead);
  const auto sizes = static_cast<double>(shape.head_dim + value_of(shape));
  const double bytes = traffic * kWideBytes * b * s * sizes * (h + g);
  return device.attention.latency.value + all + device.attention.tail.value * longest +
         device.attention.passes.value * bytes / streaming_rate(device);
}

}  // namespace

Time gemm_time(const DeviceProfile& device, Precision precision, std::int64_t m, std::int64_t n,
               std::int64_t k) {
  TENK_CHECK(m >= 1 && n >= 1 && k >= 1, "matrix dimensions are positive");
  return to_time(gemm_seconds(
      device, precision, {static_cast<double>(m), static_cast<double>(n), static_cast<double>(k)}));
}

Time grouped_gemm_time(const DeviceProfile& device, Precision precision, std::int64_t groups,
                       const GemmShape& s) {
  TENK_CHECK(groups >= 1 && s.m >= 1 && s.n >= 1 && s.k >= 1, "dimensions are positive");
  return to_time(gemm_seconds(device, precision,
                              {static_cast<double>(s.m), static_cast<double>(s.n),
                               static_cast<double>(s.k), static_cast<double>(groups)}));
}

Time attention_forward_time(const DeviceProfile& device, const AttentionShape& shape) {
  const auto width = static_cast<double>(shape.head_dim + value_of(shape));
  return to_time(attention_seconds(device, shape, width, 1, device.attention.efficiency.value));
}

Time attention_backward_time(const DeviceProfile& device, const AttentionShape& shape) {
  const AttentionModel& model = device.attention;
  const double efficiency = std::min(model.efficiency.value * model.backward_ratio.value, 1.0);
  const auto width = static_cast<double>(3 * shape.head_dim + 2 * value_of(shape));
  return to_time(attention_seconds(device, shape, width, kBackwardTraffic, efficiency));
}

Time streaming_time(const DeviceProfile& device, Bytes moved) {
  TENK_CHECK(moved.count() >= 0, "bytes are not negative");
  return to_time(device.launch.value + moved.value() / streaming_rate(device));
}

Time sustained_time(const DeviceProfile& device, Time full_clock) {
  return to_time(full_clock.s() / device.sustained_power_factor.value);
}

Time lone_kernel_time(const DeviceProfile& device, Time full_clock) {
  return to_time(lone_seconds(device, full_clock.s()));
}

Time served_gemm_time(const DeviceProfile& device, Precision precision, const GemmShape& s) {
  const Time product = lone_kernel_time(device, gemm_time(device, precision, s.m, s.n, s.k));
  const GemmModel& gemm = device.need_gemm(precision);
  if (!gemm.quantisation) return product;
  const double elements = static_cast<double>(s.m) * static_cast<double>(s.k);
  return product + to_time(gemm.quantisation->latency.value +
                           gemm.quantisation->traffic.value * elements / streaming_rate(device));
}

}  // namespace tenk
