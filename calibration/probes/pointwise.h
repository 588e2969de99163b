// Which kernels of a transformer are bound by memory, and how are they called?
//
// Plain fused kernels, each reading its inputs and writing its outputs once where the data allows:
// 16 bytes an access, FP32 inside, BF16 in memory unless stated. rows x columns row-major, columns
// a multiple of 8. What each computes stands in pointwise_kernels.cu.
#pragma once
#include "calibration/probes/device.h"
#include "calibration/probes/number.h"

namespace tenk::probe {

constexpr float kNormEpsilon = 1e-5f;

// y = x w / rms(x); dx of it, given dy.
void rms_norm(const Bf16* x, const Bf16* w, Bf16* y, std::int64_t rows, std::int64_t columns,
              cudaStream_t stream);
void rms_norm_gradient(const Bf16* x, const Bf16* w, const Bf16* dy, Bf16* dx, std::int64_t rows,
                       std::int64_t columns, cudaStream_t stream);
// y = (x - mean) / deviation w + b
void layer_norm(const Bf16* x, const Bf16* w, const Bf16* b, Bf16* y, std::int64_t rows,
                std::int64_t columns, cudaStream_t stream);
// y = exp(x) / sum; dx = y (dy - sum y dy)
void softmax(const Bf16* x, Bf16* y, std::int64_t rows, std::int64_t columns, cudaStream_t stream);
void softmax_gradient(const Bf16* y, const Bf16* dy, Bf16* dx, std::int64_t rows,
                      std::int64_t columns, cudaStream_t stream);
// loss[row] = log sum exp(x) - x[target]; dx = softmax(x) - 1[target].
void cross_entropy(const Bf16* x, const std::int32_t* target, float* loss, Bf16* dx,
                   std::int64_t rows, std::int64_t columns, cudaStream_t stream);

// Element by element; count a multiple of 8.
void add(const Bf16* a, const Bf16* b, Bf16* y, std::int64_t count, cudaStream_t stream);
void gelu(const Bf16* x, Bf16* y, std::int64_t count, cudaStream_t stream);
void gelu_gradient(const Bf16* x, const Bf16* dy, Bf16* dx, std::int64_t count,
                   cudaStream_t stream);
// x: rows x 2 columns, gate then up; y = gate / (1 + exp(-gate)) up.
void swiglu(const Bf16* x, Bf16* y, std::int64_t rows, std::int64_t columns, cudaStream_t stream);
void swiglu_gradient(const Bf16* x, const Bf16* dy, Bf16* dx, std::int64_t rows,
                     std::int64_t columns, cudaStream_t stream);
void cast(const float* x, Bf16* y, std::int64_t count, cudaStream_t stream);
void cast(const Bf16* x, Fp8* y, std::int64_t count, cudaStream_t stream);

// In each head of `size`, elements i and i + size / 2 turn by the angle of (position, i), whose
// cosine and sine stand in `angles` [sequence][size / 2][2]. x: tokens x heads x size, positions
// repeat every `sequence` tokens; backwards (gradient) if `back`. May be in place.
void rotary(const Bf16* x, const float* angles, Bf16* y, std::int64_t tokens, std::int64_t heads,
            std::int64_t size, std::int64_t sequence, bool back, cudaStream_t stream);

struct AdamStep {
  float rate, beta1, beta2, epsilon, decay;
  float correction1, correction2;  // 1 - beta^step
};
// FP32 weights and moments, BF16 gradient and a BF16 copy of the new weights (Kingma and Ba, 2015;
// decoupled decay: Loshchilov and Hutter, 2019).
void adam(float* w, float* m, float* v, const Bf16* g, Bf16* copy, std::int64_t count,
          AdamStep step, cudaStream_t stream);

// y[i] = x[from[i]]; y[i] = sum over j < choices of weight[i][j] x[from[i][j]].
void permute(const Bf16* x, const std::int32_t* from, Bf16* y, std::int64_t rows,
             std::int64_t columns, cudaStream_t stream);
void combine(const Bf16* x, const std::int32_t* from, const float* weight, Bf16* y,
             std::int64_t rows, std::int64_t choices, std::int64_t columns, cudaStream_t stream);

// [tokens, heads, size] of a row of `stride` elements <-> [heads, tokens, size], as our attention
// wants it.
void split_heads(const Bf16* x, std::int64_t stride, Bf16* y, std::int64_t tokens,
                 std::int64_t heads, std::int64_t size, cudaStream_t stream);
void join_heads(const Bf16* x, Bf16* y, std::int64_t stride, std::int64_t tokens,
                std::int64_t heads, std::int64_t size, cudaStream_t stream);

}  // namespace tenk::probe
