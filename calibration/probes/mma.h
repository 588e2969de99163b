// What do the tensor cores of sm_80 and later compute in one instruction, and how do a warp's
// threads hold it?
//
// mma.m16n8k16 (BF16 in, FP32 sums) and ldmatrix with the register layouts of NVIDIA's PTX ISA
// ("Matrix fragments for mma.m16n8k16"). Of lane l, with g = l / 4 and t = l % 4:
//   A (16 x 16)  a0: row g, columns 2t 2t+1; a1: row g + 8; a2: a0's row, columns + 8; a3: both
//   B (16 x 8)   b0: rows 2t 2t+1, column g; b1: rows + 8
//   C (16 x 8)   c0 c1: row g, columns 2t 2t+1; c2 c3: row g + 8
// Each BF16 pair is one register, the lower index in the lower half. Without a CUDA compiler the
// tests' emulator supplies the same functions.
#pragma once
#include <cuda_runtime.h>

#include <cstdint>

#include "calibration/probes/number.h"

namespace tenk::probe {

#ifdef __CUDACC__

__device__ inline unsigned shared_address(const void* pointer) {
  return static_cast<unsigned>(__cvta_generic_to_shared(pointer));
}

// Four 8 x 8 matrices; lane 8 i + r gives the address of row r of matrix i. Lane l gets columns 2t,
// 2t + 1 of row g of each; transposed: rows 2t, 2t + 1 of column g.
__device__ inline void load_matrices(std::uint32_t out[4], const Bf16* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];\n"
               : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
               : "r"(shared_address(row))
               : "memory");
}
__device__ inline void load_matrices_transposed(std::uint32_t out[4], const Bf16* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];\n"
               : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
               : "r"(shared_address(row))
               : "memory");
}

// c += a b
__device__ inline void multiply_add(float c[4], const std::uint32_t a[4], std::uint32_t b0,
                                    std::uint32_t b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
      "{%8,%9}, {%0,%1,%2,%3};\n"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Copies 16 bytes of which the first `bytes` (0 or 16) come from `from`, the rest are zero.
__device__ inline void copy_16(void* to, const void* from, int bytes) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(shared_address(to)),
               "l"(__cvta_generic_to_global(from)), "r"(bytes)
               : "memory");
}
__device__ inline void end_copy_group() { asm volatile("cp.async.commit_group;\n" ::: "memory"); }
// All but the `left` newest groups have arrived, for this thread.
template <int left>
__device__ inline void wait_copies() {
  asm volatile("cp.async.wait_group %0;\n" ::"n"(left) : "memory");
}

__device__ inline std::uint32_t pack(float low, float high) {
  std::uint32_t out = 0;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;\n" : "=r"(out) : "f"(high), "f"(low));
  return out;
}

__device__ inline float power_of_2(float x) { return exp2f(x); }

// The dynamic shared memory of the block.
__device__ inline Bf16* dynamic_shared() {
  extern __shared__ __align__(128) unsigned char tenk_dynamic_shared[];
  return reinterpret_cast<Bf16*>(tenk_dynamic_shared);
}

#else

inline std::uint32_t pack(float low, float high) {
  return to_bf16(low).bits | static_cast<std::uint32_t>(to_bf16(high).bits) << 16;
}
inline void load_matrices(std::uint32_t out[4], const Bf16* row) {
  emulated::load_matrices(out, row, false);
}
inline void load_matrices_transposed(std::uint32_t out[4], const Bf16* row) {
  emulated::load_matrices(out, row, true);
}
inline void multiply_add(float c[4], const std::uint32_t a[4], std::uint32_t b0, std::uint32_t b1) {
  emulated::multiply_add(c, a, b0, b1);
}
inline void copy_16(void* to, const void* from, int bytes) { emulated::copy_16(to, from, bytes); }
inline void end_copy_group() {}
template <int left>
inline void wait_copies() {}
inline float power_of_2(float x) { return emulated::power_of_2(x); }
inline Bf16* dynamic_shared() { return static_cast<Bf16*>(emulated::dynamic_shared()); }

#endif

// Shared tiles of `width` BF16 a row, 64 or more: 16-byte pieces of a row are permuted by the row
// so that eight rows of one column of pieces lie in different banks.
template <int width>
__device__ inline int tile_at(int row, int column) {
  static_assert(width % 64 == 0, "a row is a multiple of 128 bytes");
  return row * width + (((column / 8) ^ (row % 8)) * 8) + column % 8;
}

// Fragments of a shared tile for this warp. A: rows row.., columns column..
template <int width>
__device__ inline void load_a(std::uint32_t a[4], const Bf16* tile, int row, int column) {
  const int lane = threadIdx.x % 32;
  load_matrices(a, tile + tile_at<width>(row + lane % 16, column + lane / 16 * 8));
}
// Two B side by side (columns n.. and n + 8..; b[0] b[1] and b[2] b[3]) of a tile whose rows are n.
template <int width>
__device__ inline void load_b(std::uint32_t b[4], const Bf16* tile, int n, int k) {
  const int lane = threadIdx.x % 32;
  load_matrices(b, tile + tile_at<width>(n + lane / 16 * 8 + lane % 8, k + lane / 8 % 2 * 8));
}
// The same of a tile whose rows are k.
template <int width>
__device__ inline void load_b_transposed(std::uint32_t b[4], const Bf16* tile, int k, int n) {
  const int lane = threadIdx.x % 32;
  load_matrices_transposed(b, tile + tile_at<width>(k + lane % 16, n + lane / 16 * 8));
}

// Starts copying rows x width BF16 from row-major memory into a tile; what lies outside of
// row_count x column_count is zero. `from` is 16-byte aligned; stride and column_count are
// multiples of 8.
template <int rows, int width, int threads>
__device__ inline void copy_tile(Bf16* tile, const Bf16* from, std::int64_t stride,
                                 std::int64_t row, std::int64_t row_count, std::int64_t column,
                                 std::int64_t column_count) {
  constexpr int kPieces = rows * width / 8;
  static_assert(kPieces % threads == 0, "each thread copies equally many pieces");
  for (int piece = threadIdx.x; piece < kPieces; piece += threads) {
    const int r = piece / (width / 8);
    const int c = piece % (width / 8) * 8;
    const bool inside = row + r < row_count && column + c < column_count;
    const Bf16* source = inside ? from + (row + r) * stride + column + c : from;
    copy_16(tile + tile_at<width>(r, c), source, inside ? 16 : 0);
  }
}

}  // namespace tenk::probe
