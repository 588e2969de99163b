// One block does 128 rows (queries, or keys for dK and dV) with 8 warps of 16 rows each and streams
// the other side in tiles of 64 (forward) or 32 (backward) rows, two in flight.
#include <cmath>

#include "calibration/probes/attention.h"
#include "calibration/probes/mma.h"

namespace tenk::probe {
namespace {

constexpr int kRows = 128;
constexpr int kThreads = 256;
constexpr int kForwardKeys = 64;
constexpr int kBackwardRows = 32;
constexpr float kLog2E = 1.44269504088896340736f;
constexpr float kMinusInfinity = -1e30f;  // Finite: differences of two stay numbers.

__device__ inline float quad_max(float x) {
  x = fmaxf(x, __shfl_xor_sync(0xFFFFFFFFu, x, 1));
  return fmaxf(x, __shfl_xor_sync(0xFFFFFFFFu, x, 2));
}
__device__ inline float quad_sum(float x) {
  x += __shfl_xor_sync(0xFFFFFFFFu, x, 1);
  return x + __shfl_xor_sync(0xFFFFFFFFu, x, 2);
}

// Sums of 16 x 8n in C layout -> the A fragment of columns 16j..16j+15, rounded to BF16.
__device__ inline void to_a(std::uint32_t a[4], const float (*c)[4], int j) {
  a[0] = pack(c[2 * j][0], c[2 * j][1]);
  a[1] = pack(c[2 * j][2], c[2 * j][3]);
  a[2] = pack(c[2 * j + 1][0], c[2 * j + 1][1]);
  a[3] = pack(c[2 * j + 1][2], c[2 * j + 1][3]);
}

// c (16 x 8 tiles) += rows `row`.. of A times the transposed rows of B.
template <int D, int tiles>
__device__ inline void rows_times_rows(float (*c)[4], const Bf16* a, int row, const Bf16* b) {
#pragma unroll
  for (int k = 0; k < D; k += 16) {
    std::uint32_t fa[4];
    load_a<D>(fa, a, row, k);
#pragma unroll
    for (int j = 0; j < tiles / 2; ++j) {
      std::uint32_t fb[4];
      load_b<D>(fb, b, 16 * j, k);
      multiply_add(c[2 * j], fa, fb[0], fb[1]);
      multiply_add(c[2 * j + 1], fa, fb[2], fb[3]);
    }
  }
}

// out (16 x D) += p (16 x 8 tiles, C layout) times the tile's rows.
template <int D, int tiles>
__device__ inline void times_tile(float (*out)[4], const float (*p)[4], const Bf16* tile) {
#pragma unroll
  for (int j = 0; j < tiles / 2; ++j) {
    std::uint32_t fa[4];
    to_a(fa, p, j);
#pragma unroll
    for (int d = 0; d < D / 16; ++d) {
      std::uint32_t fb[4];
      load_b_transposed<D>(fb, tile, 16 * j, 16 * d);
      multiply_add(out[2 * d], fa, fb[0], fb[1]);
      multiply_add(out[2 * d + 1], fa, fb[2], fb[3]);
    }
  }
}

// Writes 16 x D sums of this warp as BF16, each row times its factor.
template <int D>
__device__ inline void write_rows(Bf16* to, const float (*sum)[4], std::int64_t row,
                                  std::int64_t rows, float low, float high) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const std::int64_t r = row + lane / 4 + 8 * half;
    const float factor = half == 0 ? low : high;
    if (r >= rows) continue;
#pragma unroll
    for (int d = 0; d < D / 8; ++d) {
      *reinterpret_cast<std::uint32_t*>(to + r * D + 8 * d + lane % 4 * 2) =
          pack(sum[d][2 * half] * factor, sum[d][2 * half + 1] * factor);
    }
  }
}

// Where the head's matrices begin. y: head (query or key/value), z: batch.
__device__ inline std::int64_t query_start(const Attention& p, std::int64_t head) {
  return (blockIdx.z * p.heads + head) * p.sequence;
}
__device__ inline std::int64_t key_start(const Attention& p, std::int64_t kv_head) {
  return (blockIdx.z * p.kv_heads + kv_head) * p.sequence;
}

__device__ inline std::int64_t ceil_of(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// Running softmax of the two rows a thread shares with its quad: s becomes the weights, `out` and
// `sum` are rescaled.
template <int D, int tiles>
__device__ inline void soften(float (*s)[4], float (*out)[4], float most[2], float sum[2],
                              float factor) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float top = most[half];
#pragma unroll
    for (int j = 0; j < tiles; ++j) top = fmaxf(top, fmaxf(s[j][2 * half], s[j][2 * half + 1]));
    top = quad_max(top);
    const float shrink = power_of_2((most[half] - top) * factor);
    most[half] = top;
    sum[half] *= shrink;
#pragma unroll
    for (int d = 0; d < D / 8; ++d) {
      out[d][2 * half] *= shrink;
      out[d][2 * half + 1] *= shrink;
    }
#pragma unroll
    for (int j = 0; j < tiles; ++j) {
#pragma unroll
      for (int i = 2 * half; i < 2 * half + 2; ++i) {
        s[j][i] = power_of_2((s[j][i] - top) * factor);
        sum[half] += s[j][i];
      }
    }
  }
}

// Scores of keys beyond the sequence, or after the query, weigh nothing.
template <int tiles>
__device__ inline void mask(float (*s)[4], std::int64_t query, std::int64_t key,
                            const Attention& p) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int j = 0; j < tiles; ++j) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const std::int64_t q = query + lane / 4 + i / 2 * 8;
      const std::int64_t k = key + 8 * j + lane % 4 * 2 + i % 2;
      if (k >= p.sequence || (p.causal && k > q)) s[j][i] = kMinusInfinity;
    }
  }
}

template <int D>
__device__ inline void copy_keys(const Attention& p, Bf16* tiles, std::int64_t start,
                                 std::int64_t tile, std::int64_t count) {
  if (tile < count) {
    Bf16* to = tiles + tile % 2 * 2 * kForwardKeys * D;
    copy_tile<kForwardKeys, D, kThreads>(to, p.k + start * D, D, tile * kForwardKeys, p.sequence, 0,
                                         D);
    copy_tile<kForwardKeys, D, kThreads>(to + kForwardKeys * D, p.v + start * D, D,
                                         tile * kForwardKeys, p.sequence, 0, D);
  }
  end_copy_group();
}

template <int D>
__global__ void __launch_bounds__(kThreads) forward_kernel(Attention p) {
  constexpr int kTiles = kForwardKeys / 8;
  Bf16* queries = dynamic_shared();
  Bf16* tiles = queries + kRows * D;
  const std::int64_t first = static_cast<std::int64_t>(gridDim.x - 1 - blockIdx.x) * kRows;
  const std::int64_t start = query_start(p, blockIdx.y);
  const std::int64_t keys = key_start(p, blockIdx.y / (p.heads / p.kv_heads));
  const std::int64_t end = p.causal ? min(p.sequence, first + kRows) : p.sequence;
  const std::int64_t count = ceil_of(end, kForwardKeys);
  copy_tile<kRows, D, kThreads>(queries, p.q + start * D, D, first, p.sequence, 0, D);
  copy_keys<D>(p, tiles, keys, 0, count);  // One group with the queries.
  const int row = threadIdx.x / 32 * 16;
  const float factor = kLog2E / sqrtf(static_cast<float>(D));
  float out[D / 8][4] = {};
  float most[2] = {kMinusInfinity, kMinusInfinity};
  float sum[2] = {0, 0};
  for (std::int64_t tile = 0; tile < count; ++tile) {
    wait_copies<0>();
    __syncthreads();  // This tile is there for all; the other is free.
    copy_keys<D>(p, tiles, keys, tile + 1, count);
    const Bf16* k = tiles + tile % 2 * 2 * kForwardKeys * D;
    float s[kTiles][4] = {};
    rows_times_rows<D, kTiles>(s, queries, row, k);
    const std::int64_t key = tile * kForwardKeys;
    if (key + kForwardKeys > p.sequence || (p.causal && key + kForwardKeys > first + row)) {
      mask<kTiles>(s, first + row, key, p);
    }
    soften<D, kTiles>(s, out, most, sum, factor);
    times_tile<D, kTiles>(out, s, k + kForwardKeys * D);
  }
  sum[0] = quad_sum(sum[0]);
  sum[1] = quad_sum(sum[1]);
  write_rows<D>(p.o + start * D, out, first + row, p.sequence, 1 / sum[0], 1 / sum[1]);
  const int lane = threadIdx.x % 32;
  for (int half = 0; half < 2; ++half) {
    const std::int64_t r = first + row + lane / 4 + 8 * half;
    if (lane % 4 == 0 && r < p.sequence) {
      p.lse[start + r] = most[half] * factor / kLog2E + logf(sum[half]);
    }
  }
}

// One warp a row: delta = sum of dO O.
template <int D>
__global__ void delta_kernel(Attention p) {
  const std::int64_t row =
      static_cast<std::int64_t>(blockIdx.x) * (kThreads / 32) + threadIdx.x / 32;
  if (row >= p.batch * p.heads * p.sequence) return;
  float sum = 0;
  for (int d = threadIdx.x % 32; d < D; d += 32) {
    sum += decode(p.o[row * D + d]) * decode(p.d_o[row * D + d]);
  }
  for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_xor_sync(0xFFFFFFFFu, sum, offset);
  if (threadIdx.x % 32 == 0) p.delta[row] = sum;
}

// Copies 32 rows of two matrices into one of the two places for streamed tiles.
template <int D>
__device__ inline void copy_pair(Bf16* tiles, std::int64_t place, const Bf16* x, const Bf16* y,
                                 std::int64_t row, std::int64_t rows) {
  Bf16* to = tiles + place % 2 * 2 * kBackwardRows * D;
  copy_tile<kBackwardRows, D, kThreads>(to, x, D, row, rows, 0, D);
  copy_tile<kBackwardRows, D, kThreads>(to + kBackwardRows * D, y, D, row, rows, 0, D);
}

// dQ of 128 queries; streams keys and values.
template <int D>
__global__ void __launch_bounds__(kThreads) query_gradient_kernel(Attention p) {
  constexpr int kTiles = kBackwardRows / 8;
  Bf16* queries = dynamic_shared();
  Bf16* gradients = queries + kRows * D;
  Bf16* tiles = gradients + kRows * D;
  const std::int64_t first = static_cast<std::int64_t>(gridDim.x - 1 - blockIdx.x) * kRows;
  const std::int64_t start = query_start(p, blockIdx.y);
  const std::int64_t keys = key_start(p, blockIdx.y / (p.heads / p.kv_heads));
  const std::int64_t end = p.causal ? min(p.sequence, first + kRows) : p.sequence;
  const std::int64_t count = ceil_of(end, kBackwardRows);
  copy_tile<kRows, D, kThreads>(queries, p.q + start * D, D, first, p.sequence, 0, D);
  copy_tile<kRows, D, kThreads>(gradients, p.d_o + start * D, D, first, p.sequence, 0, D);
  copy_pair<D>(tiles, 0, p.k + keys * D, p.v + keys * D, 0, p.sequence);
  end_copy_group();
  const int lane = threadIdx.x % 32;
  const int row = threadIdx.x / 32 * 16;
  const float scale = 1 / sqrtf(static_cast<float>(D));
  float lse[2], delta[2];
  for (int half = 0; half < 2; ++half) {
    const std::int64_t r = min(first + row + lane / 4 + 8 * half, p.sequence - 1);
    lse[half] = p.lse[start + r] * kLog2E;
    delta[half] = p.delta[start + r];
  }
  float out[D / 8][4] = {};
  for (std::int64_t tile = 0; tile < count; ++tile) {
    wait_copies<0>();
    __syncthreads();
    const std::int64_t next = (tile + 1) * kBackwardRows;
    if (tile + 1 < count) {
      copy_pair<D>(tiles, tile + 1, p.k + keys * D, p.v + keys * D, next, p.sequence);
    }
    end_copy_group();
    const Bf16* k = tiles + tile % 2 * 2 * kBackwardRows * D;
    float s[kTiles][4] = {};
    float ds[kTiles][4] = {};
    rows_times_rows<D, kTiles>(s, queries, row, k);
    rows_times_rows<D, kTiles>(ds, gradients, row, k + kBackwardRows * D);
    mask<kTiles>(s, first + row, tile * kBackwardRows, p);
#pragma unroll
    for (int j = 0; j < kTiles; ++j) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const float weight = power_of_2(s[j][i] * scale * kLog2E - lse[i / 2]);
        ds[j][i] = weight * (ds[j][i] - delta[i / 2]);
      }
    }
    times_tile<D, kTiles>(out, ds, k);
  }
  write_rows<D>(p.dq + start * D, out, first + row, p.sequence, scale, scale);
}

// Weights and score gradients of 16 keys (rows) by 32 queries from their scores and products.
template <int tiles>
__device__ inline void transposed_weights(float (*s)[4], float (*ds)[4], const Attention& p,
                                          std::int64_t start, std::int64_t query, std::int64_t key,
                                          float scale) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int j = 0; j < tiles; ++j) {
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const std::int64_t q = query + 8 * j + lane % 4 * 2 + i % 2;
      const std::int64_t k = key + lane / 4 + i / 2 * 8;
      const bool counts = q < p.sequence && k < p.sequence && !(p.causal && k > q);
      const std::int64_t at = start + min(q, p.sequence - 1);
      const float weight =
          counts ? power_of_2(s[j][i] * scale * kLog2E - p.lse[at] * kLog2E) : 0.0f;
      s[j][i] = weight;
      ds[j][i] = weight * (ds[j][i] - p.delta[at]);
    }
  }
}

// dK and dV of 128 keys; streams the queries and output gradients of all heads that share them.
template <int D>
__global__ void __launch_bounds__(kThreads) key_gradient_kernel(Attention p) {
  constexpr int kTiles = kBackwardRows / 8;
  Bf16* keys = dynamic_shared();
  Bf16* values = keys + kRows * D;
  Bf16* tiles = values + kRows * D;
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * kRows;
  const std::int64_t start = key_start(p, blockIdx.y);
  const std::int64_t sharing = p.heads / p.kv_heads;
  const std::int64_t skipped = p.causal ? first / kBackwardRows : 0;
  const std::int64_t count = ceil_of(p.sequence, kBackwardRows) - skipped;  // Of one head.
  const auto copy = [&](std::int64_t tile) {
    if (tile < count * sharing) {
      const std::int64_t from = query_start(p, blockIdx.y * sharing + tile / count) * D;
      copy_pair<D>(tiles, tile, p.q + from, p.d_o + from, (skipped + tile % count) * kBackwardRows,
                   p.sequence);
    }
    end_copy_group();
  };
  copy_tile<kRows, D, kThreads>(keys, p.k + start * D, D, first, p.sequence, 0, D);
  copy_tile<kRows, D, kThreads>(values, p.v + start * D, D, first, p.sequence, 0, D);
  copy(0);
  const int row = threadIdx.x / 32 * 16;
  const float scale = 1 / sqrtf(static_cast<float>(D));
  float dk[D / 8][4] = {};
  float dv[D / 8][4] = {};
  for (std::int64_t tile = 0; tile < count * sharing; ++tile) {
    wait_copies<0>();
    __syncthreads();
    copy(tile + 1);
    const Bf16* q = tiles + tile % 2 * 2 * kBackwardRows * D;
    float s[kTiles][4] = {};
    float ds[kTiles][4] = {};
    rows_times_rows<D, kTiles>(s, keys, row, q);
    rows_times_rows<D, kTiles>(ds, values, row, q + kBackwardRows * D);
    transposed_weights<kTiles>(s, ds, p, query_start(p, blockIdx.y * sharing + tile / count),
                               (skipped + tile % count) * kBackwardRows, first + row, scale);
    times_tile<D, kTiles>(dv, s, q + kBackwardRows * D);
    times_tile<D, kTiles>(dk, ds, q);
  }
  write_rows<D>(p.dk + start * D, dk, first + row, p.sequence, scale, scale);
  write_rows<D>(p.dv + start * D, dv, first + row, p.sequence, 1, 1);
}

dim3 grid_of(const Attention& p, std::int64_t heads) {
  return {blocks_for(p.sequence, kRows), static_cast<unsigned>(heads),
          static_cast<unsigned>(p.batch)};
}

template <int D>
void forward(const Attention& p, cudaStream_t stream) {
  constexpr std::int64_t kShared = (kRows + 4 * kForwardKeys) * D * 2;
  launch_shared(forward_kernel<D>, grid_of(p, p.heads), kThreads, kShared, stream, p);
}

template <int D>
void backward(const Attention& p, cudaStream_t stream) {
  constexpr std::int64_t kShared = (2 * kRows + 4 * kBackwardRows) * D * 2;
  const std::int64_t rows = p.batch * p.heads * p.sequence;
  launch(delta_kernel<D>, blocks_for(rows, kThreads / 32), kThreads, stream, p);
  launch_shared(key_gradient_kernel<D>, grid_of(p, p.kv_heads), kThreads, kShared, stream, p);
  launch_shared(query_gradient_kernel<D>, grid_of(p, p.heads), kThreads, kShared, stream, p);
}

}  // namespace

void attention_forward(const Attention& p, cudaStream_t stream) {
  if (p.head_dim == 64) return forward<64>(p, stream);
  if (p.head_dim == 128) return forward<128>(p, stream);
  throw NotPossible("our attention has heads of 64 or 128");
}

void attention_backward(const Attention& p, cudaStream_t stream) {
  if (p.head_dim == 64) return backward<64>(p, stream);
  if (p.head_dim == 128) return backward<128>(p, stream);
  throw NotPossible("our attention has heads of 64 or 128");
}

}  // namespace tenk::probe
