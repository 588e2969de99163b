// How long does one kernel run on this device, alone and at full clock?
//
// Matrix product C[m,n] = A[m,k] B[k,n] by waves of tiles over the units ("SMs"), with the
// constants of its precision; operands of e bytes, results of r bytes an element:
//   t = launch + max(compute, (e (mk + kn) + r mn) / (bandwidth x memory_efficiency))
//   compute = min over tiles (a, b), both orientations, of
//             waves x 2 a b (k + k_overhead) / (peak x efficiency / sms)
//   waves   = tail x ceil(T / sms) + (1 - tail) x max(T / sms, 1),  T = ceil(m/a) ceil(n/b)
// k_overhead is the tile's prologue and epilogue; tail < 1 because libraries split the last wave.
// Splitting k over idle units is not modelled: T < sms with k >> m, n is too slow (up to 3 x).
// Median error 3.4 %, 90 % within 11 %, on held-out H100 rows with m, n, k >= 512.
//
// Causal flash attention, b sequences of s tokens, h heads and g key/value heads of size d:
//   t = latency + 2 b h s^2 d / (peak x efficiency)
//       + passes x 2 B x 2 b s d (h + g) / (bandwidth x memory_efficiency)
// Backward: 2.5 x the FLOPs (five products for two; Dao, FlashAttention-2, 2023, section 3.1) at
// backward_ratio x the efficiency, twice the traffic.
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

Time gemm_time(const DeviceProfile& device, Precision precision, std::int64_t m, std::int64_t n,
               std::int64_t k);

// One layer's attention between its projections, one device's share of the heads.
struct AttentionShape {
  std::int64_t batch = 1;
  std::int64_t heads = 1;
  std::int64_t kv_heads = 1;
  std::int64_t head_dim = 128;
  std::int64_t sequence = 1;
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

}  // namespace tenk
