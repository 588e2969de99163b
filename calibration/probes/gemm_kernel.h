// How fast is a tensor-core product that anyone can read?
//
// C (m x n) = A (m x k) B (n x k)^T, all row-major BF16, FP32 sums: the layout of a linear layer's
// forward pass. Blocks of 128 x 128, 8 warps of 64 x 32, three tiles of 64 along k in flight
// (cp.async), mma.m16n8k16. It stands in where cuBLASLt is missing, and is a second opinion where
// it is not; it uses none of Hopper's or Blackwell's own instructions and is slower there.
#pragma once
#include "calibration/probes/mma.h"

namespace tenk::probe {

struct PlainGemm {
  const Bf16* a;
  const Bf16* b;
  Bf16* c;
  std::int64_t m, n, k;                       // k a multiple of 8, n even.
  std::int64_t a_stride, b_stride, c_stride;  // From group to group, in elements.
};

constexpr int kGemmTile = 128;
constexpr int kGemmDepth = 64;
constexpr int kGemmStages = 3;
constexpr int kGemmThreads = 256;
constexpr std::int64_t kGemmShared = 2ll * kGemmStages * kGemmTile * kGemmDepth * 2;

__device__ inline void copy_gemm_tiles(const PlainGemm& p, Bf16* shared, std::int64_t step) {
  Bf16* tile = shared + step % kGemmStages * 2 * kGemmTile * kGemmDepth;
  const std::int64_t column = step * kGemmDepth;
  if (column < p.k) {
    copy_tile<kGemmTile, kGemmDepth, kGemmThreads>(
        tile, p.a, p.k, static_cast<std::int64_t>(blockIdx.x) * kGemmTile, p.m, column, p.k);
    copy_tile<kGemmTile, kGemmDepth, kGemmThreads>(
        tile + kGemmTile * kGemmDepth, p.b, p.k, static_cast<std::int64_t>(blockIdx.y) * kGemmTile,
        p.n, column, p.k);
  }
  end_copy_group();  // Also when empty: the count of groups is the count of steps.
}

// Grid: (ceil(m / 128), ceil(n / 128), groups).
__global__ void __launch_bounds__(kGemmThreads) plain_gemm(PlainGemm p) {
  Bf16* shared = dynamic_shared();
  p.a += blockIdx.z * p.a_stride;
  p.b += blockIdx.z * p.b_stride;
  p.c += blockIdx.z * p.c_stride;
  const int warp = threadIdx.x / 32;
  const int row = warp / 4 * 64;  // Of the warp, in the block.
  const int column = warp % 4 * 32;
  float sum[4][4][4] = {};
  for (int step = 0; step < kGemmStages - 1; ++step) copy_gemm_tiles(p, shared, step);
  const std::int64_t steps = (p.k + kGemmDepth - 1) / kGemmDepth;
  for (std::int64_t step = 0; step < steps; ++step) {
    wait_copies<kGemmStages - 2>();
    __syncthreads();  // Tile `step` is there for all; the one before it is free.
    copy_gemm_tiles(p, shared, step + kGemmStages - 1);
    const Bf16* a = shared + step % kGemmStages * 2 * kGemmTile * kGemmDepth;
    const Bf16* b = a + kGemmTile * kGemmDepth;
#pragma unroll
    for (int k = 0; k < kGemmDepth; k += 16) {
      std::uint32_t fa[4][4];
      std::uint32_t fb[2][4];
#pragma unroll
      for (int i = 0; i < 4; ++i) load_a<kGemmDepth>(fa[i], a, row + 16 * i, k);
#pragma unroll
      for (int j = 0; j < 2; ++j) load_b<kGemmDepth>(fb[j], b, column + 16 * j, k);
#pragma unroll
      for (int i = 0; i < 4; ++i) {
#pragma unroll
        for (int j = 0; j < 4; ++j) {
          multiply_add(sum[i][j], fa[i], fb[j / 2][j % 2 * 2], fb[j / 2][j % 2 * 2 + 1]);
        }
      }
    }
  }
  const int lane = threadIdx.x % 32;
  const std::int64_t first_row = static_cast<std::int64_t>(blockIdx.x) * kGemmTile + row + lane / 4;
  const std::int64_t first_column =
      static_cast<std::int64_t>(blockIdx.y) * kGemmTile + column + lane % 4 * 2;
#pragma unroll
  for (int i = 0; i < 8; ++i) {  // Halves of the 16-row tiles.
    const std::int64_t r = first_row + 8 * i;
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const std::int64_t c = first_column + 8 * j;
      const float* pair = sum[i / 2][j] + i % 2 * 2;
      if (r < p.m && c < p.n) {
        *reinterpret_cast<std::uint32_t*>(p.c + r * p.n + c) = pack(pair[0], pair[1]);
      }
    }
  }
}

}  // namespace tenk::probe
