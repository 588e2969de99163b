#include <algorithm>

#include "calibration/probes/mma.h"
#include "calibration/probes/pointwise.h"

namespace tenk::probe {
namespace {

constexpr int kThreads = 256;
constexpr int kLargeRow = 1024;  // Threads for rows of vocabularies.

// 16 bytes of BF16 as FP32 and back.
struct Eight {
  float x[8];
};
__device__ inline Eight load(const Bf16* from, std::int64_t index) {
  const uint4 raw = *reinterpret_cast<const uint4*>(from + 8 * index);
  const unsigned pairs[4] = {raw.x, raw.y, raw.z, raw.w};
  Eight out;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    out.x[2 * i] = float_of(pairs[i] << 16);
    out.x[2 * i + 1] = float_of(pairs[i] & 0xFFFF0000u);
  }
  return out;
}
__device__ inline void save(Bf16* to, std::int64_t index, const Eight& v) {
  uint4 raw;
  raw.x = pack(v.x[0], v.x[1]);
  raw.y = pack(v.x[2], v.x[3]);
  raw.z = pack(v.x[4], v.x[5]);
  raw.w = pack(v.x[6], v.x[7]);
  *reinterpret_cast<uint4*>(to + 8 * index) = raw;
}

struct Sum {
  __device__ float operator()(float a, float b) const { return a + b; }
};
struct Most {
  __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};

// Over the block, for all its threads; a whole number of warps.
template <class Join>
__device__ inline float over_block(float value, float start, Join join) {
  __shared__ float parts[32];
  for (int offset = 16; offset > 0; offset /= 2) {
    value = join(value, __shfl_xor_sync(0xFFFFFFFFu, value, offset));
  }
  __syncthreads();  // The parts of an earlier call have been read.
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = value;
  __syncthreads();
  value = threadIdx.x % 32 < blockDim.x / 32 ? parts[threadIdx.x % 32] : start;
  for (int offset = 16; offset > 0; offset /= 2) {
    value = join(value, __shfl_xor_sync(0xFFFFFFFFu, value, offset));
  }
  return value;
}

// --- One block a row ----------------------------------------------------------------------------

__device__ inline std::int64_t row_start(std::int64_t columns) { return blockIdx.x * columns; }

__global__ void rms_norm_kernel(const Bf16* x, const Bf16* w, Bf16* y, std::int64_t columns) {
  x += row_start(columns);
  y += row_start(columns);
  float squares = 0;
  for (std::int64_t i = threadIdx.x; i < columns / 8; i += blockDim.x) {
    const Eight v = load(x, i);
    for (int j = 0; j < 8; ++j) squares += v.x[j] * v.x[j];
  }
  const float mean = over_block(squares, 0, Sum{}) / static_cast<float>(columns);
  const float factor = rsqrtf(mean + kNormEpsilon);
  for (std::int64_t i = threadIdx.x; i < columns / 8; i += blockDim.x) {
    Eight v = load(x, i);
    const Eight weight = load(w, i);
    for (int j = 0; j < 8; ++j) v.x[j] *= factor * weight.x[j];
    save(y, i, v);
  }
}

// With r = 1 / rms: dx = r (w dy - x r^2 mean(w dy x)).
__global__ void rms_norm_gradient_kernel(const Bf16* x, const Bf16* w, const Bf16* dy, Bf16* dx,
                                         std::int64_t columns) {
  x += row_start(columns);
  dy += row_start(columns);
  dx += row_start(columns);
  float squares = 0;
  float products = 0;
  for (std::int64_t i = threadIdx.x; i < columns / 8; i += blockDim.x) {
    const Eight v = load(x, i);
    const Eight weight = load(w, i);
    const Eight d = load(dy, i);
    for (int j = 0; j < 8; ++j) {
      squares += v.x[j] * v.x[j];
      products += v.x[j] * weight.x[j] * d.x[j];
    }
  }
  const float r =
      rsqrtf(over_block(squares, 0, Sum{}) / static_cast<float>(columns) + kNormEpsilon);
  const float mean = over_block(products, 0, Sum{}) / static_cast<float>(columns);
  for (std::int64_t i = threadIdx.x; i < columns / 8; i += blockDim.x) {
    Eight v = load(x, i);
    const Eight weight = load(w, i);
    const Eight d = load(dy, i);
    for (int j = 0; j < 8; ++j) v.x[j] = r * (weight.x[j] * d.x[j] - v.x[j] * r * r * mean);
    save(dx, i, v);
  }
}

__global__ void layer_norm_kernel(const Bf16* x, const Bf16* w, const Bf16* b, Bf16* y,
                                  std::int64_t columns) {
  x += row_start(columns);
  y += row_start(columns);
  float sum = 0;
  for (std::int64_t i = threadIdx.x; i < columns / 8; i += blockDim.x) {
    const Eight v = load(x, i);
    for (int j = 0; j < 8; ++j) sum += v.x[j];
  }
  const float mean = over_block(sum, 0, Sum{}) / static_cast<float>(columns);
  float squares = 0;
  for (std::int64_t i = threadIdx.x; i < columns / 8; i += blockDim.x) {
    const Eight v = load(x, i);
    for (int j = 0; j < 8; ++j) squares += (v.x[j] - mean) * (v.x[j] - mean);
  }
  const float variance = over_block(squares, 0, Sum{}) / static_cast<float>(columns);
  const float factor = rsqrtf(variance + kNormEpsilon);
  for (std::int64_t i = threadIdx.x; i < columns / 8; i += blockDim.x) {
    Eight v = load(x, i);
    const Eight weight = load(w, i);
    const Eight bias = load(b, i);
    for (int j = 0; j < 8; ++j) v.x[j] = (v.x[j] - mean) * factor * weight.x[j] + bias.x[j];
    save(y, i, v);
  }
}

// The row's maximum and, with it, the sum of exponentials.
__device__ inline void row_exponentials(const Bf16* x, std::int64_t columns, float& most,
                                        float& sum) {
  float top = -1e30f;
  float mine = 0;
  for (std::int64_t i = threadIdx.x; i < columns / 8; i += blockDim.x) {
    const Eight v = load(x, i);
    float higher = top;
    for (int j = 0; j < 8; ++j) higher = fmaxf(higher, v.x[j]);
    mine *= __expf(top - higher);
    top = higher;
    for (int j = 0; j < 8; ++j) mine += __expf(v.x[j] - top);
  }
  most = over_block(top, -1e30f, Most{});
  sum = over_block(mine * __expf(top - most), 0, Sum{});
}

__global__ void softmax_kernel(const Bf16* x, Bf16* y, std::int64_t columns) {
  x += row_start(columns);
  y += row_start(columns);
  float most = 0;
  float sum = 0;
  row_exponentials(x, columns, most, sum);
  const float factor = 1 / sum;
  for (std::int64_t i = threadIdx.x; i < columns / 8; i += blockDim.x) {
    Eight v = load(x, i);
    for (int j = 0; j < 8; ++j) v.x[j] = __expf(v.x[j] - most) * factor;
    save(y, i, v);
  }
}

__global__ void softmax_gradient_kernel(const Bf16* y, const Bf16* dy, Bf16* dx,
                                        std::int64_t columns) {
  y += row_start(columns);
  dy += row_start(columns);
  dx += row_start(columns);
  float products = 0;
  for (std::int64_t i = threadIdx.x; i < columns / 8; i += blockDim.x) {
    const Eight v = load(y, i);
    const Eight d = load(dy, i);
    for (int j = 0; j < 8; ++j) products += v.x[j] * d.x[j];
  }
  const float sum = over_block(products, 0, Sum{});
  for (std::int64_t i = threadIdx.x; i < columns / 8; i += blockDim.x) {
    Eight v = load(y, i);
    const Eight d = load(dy, i);
    for (int j = 0; j < 8; ++j) v.x[j] *= d.x[j] - sum;
    save(dx, i, v);
  }
}

__global__ void cross_entropy_kernel(const Bf16* x, const std::int32_t* target, float* loss,
                                     Bf16* dx, std::int64_t columns) {
  x += row_start(columns);
  dx += row_start(columns);
  const std::int64_t wanted = target[blockIdx.x];
  float most = 0;
  float sum = 0;
  row_exponentials(x, columns, most, sum);
  if (threadIdx.x == 0) loss[blockIdx.x] = logf(sum) + most - decode(x[wanted]);
  const float factor = 1 / sum;
  for (std::int64_t i = threadIdx.x; i < columns / 8; i += blockDim.x) {
    Eight v = load(x, i);
    for (int j = 0; j < 8; ++j) {
      v.x[j] = __expf(v.x[j] - most) * factor - (8 * i + j == wanted ? 1.0f : 0.0f);
    }
    save(dx, i, v);
  }
}

__global__ void permute_kernel(const Bf16* x, const std::int32_t* from, Bf16* y,
                               std::int64_t columns) {
  const auto* source = reinterpret_cast<const uint4*>(x + from[blockIdx.x] * columns);
  auto* to = reinterpret_cast<uint4*>(y + row_start(columns));
  for (std::int64_t i = threadIdx.x; i < columns / 8; i += blockDim.x) to[i] = source[i];
}

__global__ void combine_kernel(const Bf16* x, const std::int32_t* from, const float* weight,
                               Bf16* y, std::int64_t choices, std::int64_t columns) {
  for (std::int64_t i = threadIdx.x; i < columns / 8; i += blockDim.x) {
    Eight sum = {};
    for (std::int64_t c = 0; c < choices; ++c) {
      const std::int64_t at = blockIdx.x * choices + c;
      const Eight v = load(x + from[at] * columns, i);
      for (int j = 0; j < 8; ++j) sum.x[j] += weight[at] * v.x[j];
    }
    save(y + row_start(columns), i, sum);
  }
}

// --- Eight elements a thread --------------------------------------------------------------------

__device__ inline std::int64_t my_place() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}

struct Add {
  __device__ float operator()(float a, float b) const { return a + b; }
};
constexpr float kGelu1 = 0.79788456080286535588f;  // sqrt(2 / pi); Hendrycks and Gimpel, 2016.
constexpr float kGelu3 = 0.044715f;
__device__ inline float tanh_of(float x) { return 1 - 2 / (1 + __expf(2 * x)); }
struct Gelu {
  __device__ float operator()(float x, float) const {
    return 0.5f * x * (1 + tanh_of(kGelu1 * (x + kGelu3 * x * x * x)));
  }
};
struct GeluGradient {
  __device__ float operator()(float x, float dy) const {
    const float t = tanh_of(kGelu1 * (x + kGelu3 * x * x * x));
    const float slope = kGelu1 * (1 + 3 * kGelu3 * x * x);
    return dy * 0.5f * (1 + t + x * (1 - t * t) * slope);
  }
};

// `b` may be null: then the function does not look at it.
template <class Function>
__global__ void map_kernel(const Bf16* a, const Bf16* b, Bf16* y, std::int64_t count) {
  const std::int64_t i = my_place();
  if (i >= count / 8) return;
  Eight v = load(a, i);
  const Eight w = b == nullptr ? v : load(b, i);
  for (int j = 0; j < 8; ++j) v.x[j] = Function{}(v.x[j], w.x[j]);
  save(y, i, v);
}

__device__ inline float sigmoid(float x) { return 1 / (1 + __expf(-x)); }

__global__ void swiglu_kernel(const Bf16* x, Bf16* y, std::int64_t count, std::int64_t columns) {
  const std::int64_t i = my_place();
  if (i >= count / 8) return;
  const std::int64_t row = 8 * i / columns;
  const std::int64_t column = 8 * i % columns;
  const Eight gate = load(x + 2 * row * columns + column, 0);
  Eight up = load(x + (2 * row + 1) * columns + column, 0);
  for (int j = 0; j < 8; ++j) up.x[j] *= gate.x[j] * sigmoid(gate.x[j]);
  save(y, i, up);
}

__global__ void swiglu_gradient_kernel(const Bf16* x, const Bf16* dy, Bf16* dx, std::int64_t count,
                                       std::int64_t columns) {
  const std::int64_t i = my_place();
  if (i >= count / 8) return;
  const std::int64_t at = 2 * (8 * i / columns) * columns + 8 * i % columns;
  Eight gate = load(x + at, 0);
  Eight up = load(x + at + columns, 0);
  const Eight d = load(dy, i);
  for (int j = 0; j < 8; ++j) {
    const float s = sigmoid(gate.x[j]);
    const float silu = gate.x[j] * s;
    gate.x[j] = d.x[j] * up.x[j] * s * (1 + gate.x[j] * (1 - s));
    up.x[j] = d.x[j] * silu;
  }
  save(dx + at, 0, gate);
  save(dx + at + columns, 0, up);
}

__device__ inline Eight load(const float* from, std::int64_t index) {
  const float4 low = reinterpret_cast<const float4*>(from)[2 * index];
  const float4 high = reinterpret_cast<const float4*>(from)[2 * index + 1];
  return {{low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w}};
}
__device__ inline void save(float* to, std::int64_t index, const Eight& v) {
  auto* place = reinterpret_cast<float4*>(to) + 2 * index;
  place[0] = float4{v.x[0], v.x[1], v.x[2], v.x[3]};
  place[1] = float4{v.x[4], v.x[5], v.x[6], v.x[7]};
}

__global__ void cast_kernel(const float* x, Bf16* y, std::int64_t count) {
  const std::int64_t i = my_place();
  if (i < count / 8) save(y, i, load(x, i));
}
__global__ void cast_kernel_fp8(const Bf16* x, Fp8* y, std::int64_t count) {
  const std::int64_t i = my_place();
  if (i >= count / 8) return;
  const Eight v = load(x, i);
  std::uint64_t bytes = 0;
  for (int j = 0; j < 8; ++j) {
    Fp8 small{};
    encode(fminf(fmaxf(v.x[j], -448.0f), 448.0f), small);
    bytes |= static_cast<std::uint64_t>(small.bits) << (8 * j);
  }
  *reinterpret_cast<std::uint64_t*>(y + 8 * i) = bytes;
}

// A thread turns eight pairs of one head.
__global__ void rotary_kernel(const Bf16* x, const float* angles, Bf16* y, std::int64_t heads,
                              std::int64_t size, std::int64_t sequence, float sign,
                              std::int64_t count) {
  const std::int64_t i = my_place();
  const std::int64_t parts = size / 16;  // Of one head.
  if (i >= count) return;
  const std::int64_t head = i / parts;  // Of all tokens.
  const std::int64_t part = i % parts;
  const std::int64_t position = head / heads % sequence;
  const float* turn = angles + (position * size / 2 + 8 * part) * 2;
  const std::int64_t low_at = head * size + 8 * part;
  Eight low = load(x + low_at, 0);
  Eight high = load(x + low_at + size / 2, 0);
  for (int j = 0; j < 8; ++j) {
    const float c = turn[2 * j];
    const float s = sign * turn[2 * j + 1];
    const float a = low.x[j];
    low.x[j] = a * c - high.x[j] * s;
    high.x[j] = a * s + high.x[j] * c;
  }
  save(y + low_at, 0, low);
  save(y + low_at + size / 2, 0, high);
}

__global__ void adam_kernel(float* w, float* m, float* v, const Bf16* g, Bf16* copy,
                            std::int64_t count, AdamStep step) {
  const std::int64_t i = my_place();
  if (i >= count / 8) return;
  Eight weight = load(w, i);
  Eight first = load(m, i);
  Eight second = load(v, i);
  const Eight gradient = load(g, i);
  for (int j = 0; j < 8; ++j) {
    const float d = gradient.x[j];
    first.x[j] = step.beta1 * first.x[j] + (1 - step.beta1) * d;
    second.x[j] = step.beta2 * second.x[j] + (1 - step.beta2) * d * d;
    const float root = sqrtf(second.x[j] / step.correction2) + step.epsilon;
    weight.x[j] -= step.rate * (first.x[j] / step.correction1 / root + step.decay * weight.x[j]);
  }
  save(w, i, weight);
  save(m, i, first);
  save(v, i, second);
  save(copy, i, weight);
}

__global__ void heads_kernel(const Bf16* x, Bf16* y, std::int64_t x_token, std::int64_t x_head,
                             std::int64_t y_token, std::int64_t y_head, std::int64_t heads,
                             std::int64_t size, std::int64_t count) {
  const std::int64_t i = my_place();
  if (i >= count) return;
  const std::int64_t part = i % (size / 8) * 8;
  const std::int64_t head = i / (size / 8) % heads;
  const std::int64_t token = i / (size / 8) / heads;
  *reinterpret_cast<uint4*>(y + token * y_token + head * y_head + part) =
      *reinterpret_cast<const uint4*>(x + token * x_token + head * x_head + part);
}

unsigned eights(std::int64_t count) { return blocks_for(count / 8, kThreads); }
unsigned rows_of(std::int64_t rows) { return blocks_for(rows, 1); }
unsigned threads_for(std::int64_t columns) {
  return columns >= 8 * kLargeRow ? kLargeRow : kThreads;
}

}  // namespace

void rms_norm(const Bf16* x, const Bf16* w, Bf16* y, std::int64_t rows, std::int64_t columns,
              cudaStream_t stream) {
  launch(rms_norm_kernel, rows_of(rows), threads_for(columns), stream, x, w, y, columns);
}
void rms_norm_gradient(const Bf16* x, const Bf16* w, const Bf16* dy, Bf16* dx, std::int64_t rows,
                       std::int64_t columns, cudaStream_t stream) {
  launch(rms_norm_gradient_kernel, rows_of(rows), threads_for(columns), stream, x, w, dy, dx,
         columns);
}
void layer_norm(const Bf16* x, const Bf16* w, const Bf16* b, Bf16* y, std::int64_t rows,
                std::int64_t columns, cudaStream_t stream) {
  launch(layer_norm_kernel, rows_of(rows), threads_for(columns), stream, x, w, b, y, columns);
}
void softmax(const Bf16* x, Bf16* y, std::int64_t rows, std::int64_t columns, cudaStream_t stream) {
  launch(softmax_kernel, rows_of(rows), threads_for(columns), stream, x, y, columns);
}
void softmax_gradient(const Bf16* y, const Bf16* dy, Bf16* dx, std::int64_t rows,
                      std::int64_t columns, cudaStream_t stream) {
  launch(softmax_gradient_kernel, rows_of(rows), threads_for(columns), stream, y, dy, dx, columns);
}
void cross_entropy(const Bf16* x, const std::int32_t* target, float* loss, Bf16* dx,
                   std::int64_t rows, std::int64_t columns, cudaStream_t stream) {
  launch(cross_entropy_kernel, rows_of(rows), threads_for(columns), stream, x, target, loss, dx,
         columns);
}
void add(const Bf16* a, const Bf16* b, Bf16* y, std::int64_t count, cudaStream_t stream) {
  launch(map_kernel<Add>, eights(count), kThreads, stream, a, b, y, count);
}
void gelu(const Bf16* x, Bf16* y, std::int64_t count, cudaStream_t stream) {
  launch(map_kernel<Gelu>, eights(count), kThreads, stream, x, nullptr, y, count);
}
void gelu_gradient(const Bf16* x, const Bf16* dy, Bf16* dx, std::int64_t count,
                   cudaStream_t stream) {
  launch(map_kernel<GeluGradient>, eights(count), kThreads, stream, x, dy, dx, count);
}
void swiglu(const Bf16* x, Bf16* y, std::int64_t rows, std::int64_t columns, cudaStream_t stream) {
  launch(swiglu_kernel, eights(rows * columns), kThreads, stream, x, y, rows * columns, columns);
}
void swiglu_gradient(const Bf16* x, const Bf16* dy, Bf16* dx, std::int64_t rows,
                     std::int64_t columns, cudaStream_t stream) {
  launch(swiglu_gradient_kernel, eights(rows * columns), kThreads, stream, x, dy, dx,
         rows * columns, columns);
}
void cast(const float* x, Bf16* y, std::int64_t count, cudaStream_t stream) {
  launch(cast_kernel, eights(count), kThreads, stream, x, y, count);
}
void cast(const Bf16* x, Fp8* y, std::int64_t count, cudaStream_t stream) {
  launch(cast_kernel_fp8, eights(count), kThreads, stream, x, y, count);
}
void rotary(const Bf16* x, const float* angles, Bf16* y, std::int64_t tokens, std::int64_t heads,
            std::int64_t size, std::int64_t sequence, bool back, cudaStream_t stream) {
  const std::int64_t count = tokens * heads * (size / 16);
  launch(rotary_kernel, blocks_for(count, kThreads), kThreads, stream, x, angles, y, heads, size,
         sequence, back ? -1.0f : 1.0f, count);
}
void adam(float* w, float* m, float* v, const Bf16* g, Bf16* copy, std::int64_t count,
          AdamStep step, cudaStream_t stream) {
  launch(adam_kernel, eights(count), kThreads, stream, w, m, v, g, copy, count, step);
}
void permute(const Bf16* x, const std::int32_t* from, Bf16* y, std::int64_t rows,
             std::int64_t columns, cudaStream_t stream) {
  launch(permute_kernel, rows_of(rows), kThreads, stream, x, from, y, columns);
}
void combine(const Bf16* x, const std::int32_t* from, const float* weight, Bf16* y,
             std::int64_t rows, std::int64_t choices, std::int64_t columns, cudaStream_t stream) {
  launch(combine_kernel, rows_of(rows), kThreads, stream, x, from, weight, y, choices, columns);
}
void split_heads(const Bf16* x, std::int64_t stride, Bf16* y, std::int64_t tokens,
                 std::int64_t heads, std::int64_t size, cudaStream_t stream) {
  const std::int64_t count = tokens * heads * size / 8;
  launch(heads_kernel, blocks_for(count, kThreads), kThreads, stream, x, y, stride, size, size,
         tokens * size, heads, size, count);
}
void join_heads(const Bf16* x, Bf16* y, std::int64_t stride, std::int64_t tokens,
                std::int64_t heads, std::int64_t size, cudaStream_t stream) {
  const std::int64_t count = tokens * heads * size / 8;
  launch(heads_kernel, blocks_for(count, kThreads), kThreads, stream, x, y, size, tokens * size,
         stride, size, heads, size, count);
}

}  // namespace tenk::probe
