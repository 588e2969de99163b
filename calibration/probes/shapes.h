// Which sizes do real transformers use, the most telling first?
//
// Linear layers of public models: with h the model width, query/key/value is h x (h + 2 h_kv), the
// way out h x h, the feed-forward part h x 2f and f x h (gated) or h x 4h; the head is h x
// vocabulary; tensor parallelism divides one side. Tokens are micro-batch x sequence. Host-only
// C++17; no CUDA.
#pragma once
#include <cstdint>
#include <vector>

namespace tenk::probe {

enum class Pass { kForward, kDataGradient, kWeightGradient };

// The product as it is computed: m x k by k x n. groups > 0: so many of them at once (experts).
struct GemmShape {
  std::int64_t m = 1, n = 1, k = 1;
  std::int64_t groups = 0;
  Pass pass = Pass::kForward;

  double flop() const {
    return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k) *
           static_cast<double>(groups > 0 ? groups : 1);
  }
};

struct AttentionSize {
  std::int64_t batch = 1, heads = 1, kv_heads = 1, head_dim = 128, sequence = 1;
  bool causal = true;

  // Forward: two products of sequence^2 x head size a head; half of it under the causal mask.
  double flop() const {
    const double s = static_cast<double>(sequence);
    const double all = 4.0 * static_cast<double>(batch * heads * head_dim) * s * s;
    return causal ? all / 2 : all;
  }
};

// No shape stands twice in a list.
std::vector<GemmShape> forward_shapes();   // Of the first rank: squares, layers, tile steps.
std::vector<GemmShape> backward_shapes();  // Data and weight gradients of layers.
std::vector<GemmShape> few_shapes();       // For the slow formats: at most 8192 a side.
std::vector<GemmShape> grouped_shapes();   // Equal experts; m is tokens of one expert.

std::vector<AttentionSize> attention_sizes();

// 4 KiB to 16 GiB in steps of 4.
std::vector<std::int64_t> memory_sizes();
// 8 B to 4 GiB in steps of 8 and a last one of 4; powers of two.
std::vector<std::int64_t> link_sizes();

}  // namespace tenk::probe
