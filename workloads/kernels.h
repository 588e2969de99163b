// How long does one kernel run on this device, alone and at full clock?
//
// Matrix product C[m,n] = A[m,k] B[k,n] by waves of tiles over the units ("SMs"), with the
// constants of its precision; operands of e bytes, results of r bytes an element:
//   t = launch + cbrt(compute^3 + memory^3)         (they overlap, though not perfectly: assumed)
//   memory  = (e (mk + kn) + r mn) / (bandwidth x memory_efficiency)
//   compute = min over tiles (a, b), both orientations, and over cutting k into p parts, of
//             waves x step x (k / p + k_overhead) + [p > 1] (launch + 8 B mn p split_traffic /
//                                                    (bandwidth x memory_efficiency))
//   step    = max(2 a b / (peak x efficiency / sms), e (a + b) / operand_bandwidth)
//   waves   = tail x ceil(T / sms) + (1 - tail) x max(T / sms, 1),  T = p ceil(m/a) ceil(n/b)
// step is one unit's time for one element of k: it multiplies, or waits for its operands, which is
// why small tiles are slow. tail < 1 because libraries even out the last wave. Partial sums of a
// cut k are FP32, written and read by a second kernel; parts have at least 256 elements of k.
// docs/kernels.md has the errors on rows that the fits never saw. A grouped product is several of
// one shape in one kernel: their tiles share the waves (assumed: it costs nothing else).
//
// Flash attention, b sequences of s tokens, h heads and g key/value heads of size d (values: e), by
// tiles of 128 queries, each over r keys at most and k on average: s and s / 2 if causal, w and
// w (1 - w / 2s) if it looks back w tokens, s and s if it sees all:
//   t = latency + T x 2 x 128 (d + e) (k + key_overhead) / (peak x efficiency)
//       + tail x 2 x 128 (d + e) (r + key_overhead) / (peak x efficiency / sms)
//       + passes x 2 B x b s (d + e) (h + g) / (bandwidth x memory_efficiency),
//   T = b h ceil(s / 128)
// tail is the share of the longest tile for which other units wait in the end.
// Backward: 3 d + 2 e for d + e, 2.5 x the FLOPs if they are equal (five products for two; Dao,
// FlashAttention-2, 2023, section 3.1), at backward_ratio x the efficiency, twice the traffic.
//
// Everything else (norms, activations, residuals, Adam) streams:
//   t = launch + bytes / (bandwidth x memory_efficiency)
//
// Laws: times are positive and never fall when a dimension grows; never faster than the datasheet's
// peak or bandwidth allows. All are O(tiles). Arguments are >= 1 (bytes >= 0). Error{kInvalid}: a
// kernel longer than 10^6 s; a precision that the device does not have.
#pragma once
#include <cstdint>

#include "sim/base/units.h"
#include "sim/plan/device_profile.h"

namespace tenk {

struct GemmShape {
  std::int64_t m = 1;
  std::int64_t n = 1;
  std::int64_t k = 1;
};
Time gemm_time(const DeviceProfile& device, Precision precision, std::int64_t m, std::int64_t n,
               std::int64_t k);

// `groups` products of that shape in one kernel.
Time grouped_gemm_time(const DeviceProfile& device, Precision precision, std::int64_t groups,
                       const GemmShape& shape);

// One layer's attention between its projections, one device's share of the heads.
struct AttentionShape {
  std::int64_t batch = 1;
  std::int64_t heads = 1;
  std::int64_t kv_heads = 1;
  std::int64_t head_dim = 128;
  std::int64_t sequence = 1;
  std::int64_t value_dim = 0;  // 0: head_dim.
  std::int64_t window = 0;     // 0: no limit.
  bool causal = true;
};
Time attention_forward_time(const DeviceProfile& device, const AttentionShape& shape);
Time attention_backward_time(const DeviceProfile& device, const AttentionShape& shape);

// `moved`: bytes read plus bytes written.
Time streaming_time(const DeviceProfile& device, Bytes moved);

// Power. The times above are at full clock. In a training step the device runs at its power limit:
// matrix products and attention (not streaming kernels) take full_clock / sustained_power_factor.
Time sustained_time(const DeviceProfile& device, Time full_clock);

// A kernel that a benchmark runs a few times on an idle device slows the more the longer it is:
//   t + (1/f - 1) t^2 / (t + power_settling)
// between full clock and sustained. For comparison with such benchmarks only.
Time lone_kernel_time(const DeviceProfile& device, Time full_clock);

// A product as the benchmark of a serving stack times it: a lone kernel and, where the precision
// has them, the kernels that cast A from 16 bits before it.
Time served_gemm_time(const DeviceProfile& device, Precision precision, const GemmShape& shape);

// Bytes an element that making narrow operands of 16-bit ones moves (assumed: one fused kernel).
// FP8: a 16-bit operand in, itself and its transpose out; both serve all products that it enters.
inline constexpr double kCast = 2 + 1 + 1;
// NVFP4: the operand once more for its scale; half a byte and a 16th of a scale each (NVIDIA 2025,
// "Pretraining Large Language Models with NVFP4", section 4).
inline constexpr double kCastFp4 = 2 * 2 + 2 * 0.5625;
constexpr double cast_bytes(Precision p) {
  return p == Precision::kFp8 ? kCast : p == Precision::kFp4 ? kCastFp4 : 0;
}

}  // namespace tenk
