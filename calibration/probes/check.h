// Is the result right: every element written, and each of a sample near its FP64 reference?
//
// Before a kernel that is to be checked runs, its output is poisoned (all bits 1: NaN in every
// float format; 0x80 in each byte for integers). Afterwards every element must have been written,
// and sampled ones lie within a stated bound of sums in FP64. Otherwise WrongResult.
#pragma once
#include <cuda_runtime.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "calibration/probes/device.h"
#include "calibration/probes/number.h"

namespace tenk::probe {

constexpr int kPoison = 0xFF;
constexpr int kIntegerPoison = 0x80;
inline void poison(const Memory& memory, cudaStream_t stream, int byte = kPoison) {
  TENK_CUDA_CALL(
      cudaMemsetAsync(memory.as(), byte, static_cast<std::size_t>(memory.bytes()), stream));
}

// Uniform in [-scale, scale), rounded to T. Bf16, Fp16, Fp8, float, double, int8 (scale 1).
template <class T>
void fill_random(T* data, std::int64_t count, std::uint64_t seed, cudaStream_t stream,
                 float scale = 1);

// Throws WrongResult if any element is poison still, or infinite.
template <class T>
void check_written(const T* data, std::int64_t count, const std::string& what, cudaStream_t stream);

// Values on the host, waited for.
template <class T>
std::vector<T> fetch(const T* data, std::int64_t count, cudaStream_t stream) {
  std::vector<T> out(static_cast<std::size_t>(count));
  TENK_CUDA_CALL(
      cudaMemcpyAsync(out.data(), data, out.size() * sizeof(T), cudaMemcpyDeviceToHost, stream));
  TENK_CUDA_CALL(cudaStreamSynchronize(stream));
  return out;
}
template <class T>
void store(T* data, const std::vector<T>& values, cudaStream_t stream) {
  TENK_CUDA_CALL(cudaMemcpyAsync(data, values.data(), values.size() * sizeof(T),
                                 cudaMemcpyHostToDevice, stream));
  TENK_CUDA_CALL(cudaStreamSynchronize(stream));
}

// |found - wanted| <= bound, and `found` is a number; throws WrongResult that shows all three.
void check_value(double found, double wanted, double bound, const std::string& what);

// Indices 0, count - 1 and `some` random ones between.
std::vector<std::int64_t> sample_places(std::int64_t count, int some, std::uint64_t seed);

// How far a product may be from its FP64 reference: of the result (its rounding), and of the sum of
// the absolute values of the terms (rounding of inputs and of partial sums).
struct Tolerance {
  double of_result = 0;
  double of_terms = 0;
};

// Where element (i, j) of A (i, k), B (k, j) and C (i, j) stands; each group `stride` further.
struct Layout {
  std::int64_t row = 0, column = 0, group = 0;
};
template <class In, class Out>
struct Product {
  const In* a;
  const In* b;
  const Out* c;
  Layout a_at, b_at, c_at;
  std::int64_t m, n, k, groups;
};
// Checks the corners and 200 random elements of C = A B. In: Bf16, Fp16, Fp8, float, double, int8;
// Out: Bf16, Fp16, float, double, int32.
template <class In, class Out>
void check_product(const Product<In, Out>& product, const Tolerance& tolerance,
                   const std::string& what, cudaStream_t stream);

}  // namespace tenk::probe
