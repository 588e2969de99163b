#include "calibration/probes/check.h"

#include <algorithm>
#include <cmath>

namespace tenk::probe {
namespace {

constexpr int kThreads = 256;

template <class T>
__global__ void fill_kernel(T* data, std::int64_t count, std::uint64_t seed, float scale) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
       i += step) {
    encode(scale * random_value(seed, static_cast<std::uint64_t>(i)), data[i]);
  }
}

template <class T>
__device__ bool is_bad(T value) {
  const double x = decode(value);
  return !(x - x == 0);  // NaN and infinities.
}
__device__ bool is_bad(std::int32_t value) {
  return static_cast<std::uint32_t>(value) == 0x80808080u;
}

template <class T>
__global__ void count_bad(const T* data, std::int64_t count, unsigned long long* bad) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  unsigned long long mine = 0;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
       i += step) {
    mine += is_bad(data[i]) ? 1 : 0;
  }
  if (mine > 0) atomicAdd(bad, mine);
}

// One block a sample: the sum of a_ik b_kj, of their absolute values, and c_ij as found.
template <class In, class Out>
__global__ void sample_product(Product<In, Out> p, const std::int64_t* places, double* out) {
  __shared__ double sums[2 * kThreads];
  const std::int64_t group = places[3 * blockIdx.x];
  const std::int64_t i = places[3 * blockIdx.x + 1];
  const std::int64_t j = places[3 * blockIdx.x + 2];
  const In* a = p.a + group * p.a_at.group + i * p.a_at.row;
  const In* b = p.b + group * p.b_at.group + j * p.b_at.column;
  double sum = 0;
  double size = 0;
  for (std::int64_t k = threadIdx.x; k < p.k; k += kThreads) {
    const double term = static_cast<double>(decode(a[k * p.a_at.column])) *
                        static_cast<double>(decode(b[k * p.b_at.row]));
    sum += term;
    size += fabs(term);
  }
  sums[threadIdx.x] = sum;
  sums[kThreads + threadIdx.x] = size;
  __syncthreads();
  for (int half = kThreads / 2; half > 0; half /= 2) {
    if (static_cast<int>(threadIdx.x) < half) {
      sums[threadIdx.x] += sums[threadIdx.x + half];
      sums[kThreads + threadIdx.x] += sums[kThreads + threadIdx.x + half];
    }
    __syncthreads();
  }
  if (threadIdx.x != 0) return;
  out[3 * blockIdx.x] = sums[0];
  out[3 * blockIdx.x + 1] = sums[kThreads];
  out[3 * blockIdx.x + 2] =
      static_cast<double>(decode(p.c[group * p.c_at.group + i * p.c_at.row + j * p.c_at.column]));
}

}  // namespace

template <class T>
void fill_random(T* data, std::int64_t count, std::uint64_t seed, cudaStream_t stream,
                 float scale) {
  constexpr unsigned kBlocks = 4096;
  launch(fill_kernel<T>, std::min(blocks_for(count, kThreads), kBlocks), kThreads, stream, data,
         count, seed, scale);
}

template <class T>
void check_written(const T* data, std::int64_t count, const std::string& what,
                   cudaStream_t stream) {
  const Memory bad(sizeof(unsigned long long));
  TENK_CUDA_CALL(cudaMemsetAsync(bad.as(), 0, sizeof(unsigned long long), stream));
  launch(count_bad<T>, std::min(blocks_for(count, kThreads), 2048u), kThreads, stream, data, count,
         bad.as<unsigned long long>());
  const unsigned long long found = fetch(bad.as<const unsigned long long>(), 1, stream)[0];
  if (found > 0) {
    throw WrongResult(what + ": " + std::to_string(found) + " of " + std::to_string(count) +
                      " elements were not written or are not finite");
  }
}

void check_value(double found, double wanted, double bound, const std::string& what) {
  if (std::fabs(found - wanted) <= bound) return;  // False for NaN.
  throw WrongResult(what + ": found " + number_text(found) + ", the FP64 reference is " +
                    number_text(wanted) + ", the bound " + number_text(bound));
}

std::vector<std::int64_t> sample_places(std::int64_t count, int some, std::uint64_t seed) {
  std::vector<std::int64_t> places = {0, count - 1};
  for (int i = 0; i < some; ++i) {
    const double part = (random_value(seed, static_cast<std::uint64_t>(i)) + 1.0) / 2;
    const auto place = static_cast<std::int64_t>(part * static_cast<double>(count));
    places.push_back(std::min(place, count - 1));
  }
  return places;
}

template <class In, class Out>
void check_product(const Product<In, Out>& product, const Tolerance& tolerance,
                   const std::string& what, cudaStream_t stream) {
  constexpr int kSome = 200;
  const std::vector<std::int64_t> groups = sample_places(product.groups, kSome, 1);
  const std::vector<std::int64_t> rows = sample_places(product.m, kSome, 2);
  const std::vector<std::int64_t> columns = sample_places(product.n, kSome, 3);
  std::vector<std::int64_t> places;
  for (std::size_t s = 0; s < rows.size(); ++s) {
    places.insert(places.end(), {groups[s], rows[s], columns[s]});
  }
  places.insert(places.end(), {0, 0, product.n - 1, product.groups - 1, product.m - 1, 0});
  const std::size_t count = places.size() / 3;
  const Memory at(static_cast<std::int64_t>(places.size() * sizeof(std::int64_t)));
  const Memory out(static_cast<std::int64_t>(3 * count * sizeof(double)));
  store(at.as<std::int64_t>(), places, stream);
  launch(sample_product<In, Out>, static_cast<unsigned>(count), kThreads, stream, product,
         at.as<const std::int64_t>(), out.as<double>());
  const std::vector<double> found =
      fetch(out.as<const double>(), static_cast<std::int64_t>(3 * count), stream);
  for (std::size_t s = 0; s < count; ++s) {
    const double wanted = found[3 * s];
    const double bound =
        tolerance.of_result * std::fabs(wanted) + tolerance.of_terms * found[3 * s + 1];
    check_value(found[3 * s + 2], wanted, bound,
                what + " at (" + std::to_string(places[3 * s + 1]) + ", " +
                    std::to_string(places[3 * s + 2]) + ") of group " +
                    std::to_string(places[3 * s]));
  }
}

#define TENK_FILL(T) \
  template void fill_random(T*, std::int64_t, std::uint64_t, cudaStream_t, float);
TENK_FILL(Bf16)
TENK_FILL(Fp16)
TENK_FILL(Fp8)
TENK_FILL(float)
TENK_FILL(double)
TENK_FILL(std::int8_t)

#define TENK_WRITTEN(T) \
  template void check_written(const T*, std::int64_t, const std::string&, cudaStream_t);
TENK_WRITTEN(Bf16)
TENK_WRITTEN(Fp16)
TENK_WRITTEN(Fp8)
TENK_WRITTEN(float)
TENK_WRITTEN(double)
TENK_WRITTEN(std::int32_t)

#define TENK_PRODUCT(In, Out)                                                                \
  template void check_product(const Product<In, Out>&, const Tolerance&, const std::string&, \
                              cudaStream_t);
TENK_PRODUCT(Bf16, Bf16)
TENK_PRODUCT(Fp16, Fp16)
TENK_PRODUCT(Fp8, Bf16)
TENK_PRODUCT(float, float)
TENK_PRODUCT(double, double)
TENK_PRODUCT(std::int8_t, std::int32_t)

}  // namespace tenk::probe
