// The memory of the GPU: copy, triad and read bandwidth by size (L2 and HBM), load latency by the
// size of the table, strided and gathered reads.
#include <algorithm>
#include <cmath>

#include "calibration/probes/check.h"
#include "calibration/probes/shapes.h"

namespace tenk::probe {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kLine = 128;  // Bytes of a cache line.

__device__ inline std::int64_t my_place() {
  return static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ inline std::int64_t all_threads() {
  return static_cast<std::int64_t>(gridDim.x) * blockDim.x;
}

__global__ void copy_kernel(const uint4* from, uint4* to, std::int64_t count) {
  for (std::int64_t i = my_place(); i < count; i += all_threads()) to[i] = from[i];
}

// to = a + scale b
__global__ void triad_kernel(const float4* a, const float4* b, float4* to, float scale,
                             std::int64_t count) {
  for (std::int64_t i = my_place(); i < count; i += all_threads()) {
    const float4 x = a[i];
    const float4 y = b[i];
    to[i] = float4{x.x + scale * y.x, x.y + scale * y.y, x.z + scale * y.z, x.w + scale * y.w};
  }
}

// Each of `passes` reads everything; the sum of all words comes out, so that it can be checked.
__global__ void read_kernel(const uint4* from, std::int64_t count, int passes,
                            unsigned long long* sum) {
  unsigned mine = 0;
  for (int pass = 0; pass < passes; ++pass) {
#ifdef __CUDACC__
    asm volatile("" ::: "memory");  // Each pass loads anew.
#endif
#pragma unroll 4
    for (std::int64_t i = my_place(); i < count; i += all_threads()) {
      const uint4 v = __ldcg(from + i);  // From L2 or beyond, not from L1.
      mine += v.x + v.y + v.z + v.w;
    }
  }
  atomicAdd(sum, static_cast<unsigned long long>(mine));
}

// One word of each `stride` words; the sum of what was read comes out.
__global__ void strided_kernel(const unsigned* from, std::int64_t stride, std::int64_t count,
                               unsigned long long* sum) {
  unsigned mine = 0;
  for (std::int64_t i = my_place(); i < count; i += all_threads()) mine += from[i * stride];
  atomicAdd(sum, static_cast<unsigned long long>(mine));
}

// Rows of `width` 16-byte pieces in random order, copied.
__global__ void gather_kernel(const uint4* from, uint4* to, std::int64_t width, std::int64_t rows) {
  for (std::int64_t i = my_place(); i < rows * width; i += all_threads()) {
    const std::int64_t row = i / width;
    const std::int64_t source = (row * 1664525 + 1013904223) & (rows - 1);  // rows: power of 2.
    to[i] = from[source * width + i % width];
  }
}

// One cycle through `lines` cache lines, a power of two: next = a i + c modulo lines with c odd and
// a - 1 a multiple of 4 visits each once (Hull and Dobell, 1962), far from the one before.
__global__ void chain_kernel(std::int64_t* table, std::int64_t lines) {
  constexpr std::int64_t kWords = kLine / 8;
  for (std::int64_t i = my_place(); i < lines; i += all_threads()) {
    table[i * kWords] = ((i * 1664525 + 1013904223) & (lines - 1)) * kWords;
  }
}
__global__ void chase_kernel(const std::int64_t* table, std::int64_t steps, std::int64_t* end) {
  std::int64_t at = 0;
  for (std::int64_t i = 0; i < steps; ++i) at = table[at];
  *end = at;
}

unsigned grid_for(const Context& context, std::int64_t count) {
  const auto most = static_cast<unsigned>(context.device.multiprocessors) * 8;
  return std::min(blocks_for(count, kThreads), most);
}

KernelRow row_of(const char* kernel, std::int64_t bytes_each, double bytes) {
  KernelRow row;
  row.kernel = kernel;
  row.n = bytes_each;
  row.bytes = bytes;
  row.software = "tenk-probe kernel";
  row.notes = "n is bytes of each array";
  return row;
}

// --- Copy and triad -----------------------------------------------------------------------------

void measure_warm_and_cold(Context& context, KernelRow row, const std::function<void()>& work) {
  row.notes += "; cold L2";
  row.seconds = context.bench.cold(work);
  context.session.add(row);
  constexpr double kSmall = 256e6;  // Bytes; above, the caches make no difference.
  if (row.bytes > kSmall) return;
  const int calls = context.bench.calls_for(work);
  row.kernel += ", warm";
  row.notes = "n is bytes of each array; " + std::to_string(calls) + " calls back to back";
  row.seconds = context.bench.warm(work, calls);
  context.session.add(row);
}

void measure_copy(Context& context, std::int64_t bytes) {
  const cudaStream_t s = context.bench.stream();
  const Memory from(bytes), to(bytes);
  const std::int64_t count = bytes / 16;
  fill_random(from.as<float>(), bytes / 4, 7, s);
  poison(to, s);
  const auto work = [&] {
    launch(copy_kernel, grid_for(context, count), kThreads, s, from.as<const uint4>(),
           to.as<uint4>(), count);
  };
  work();
  check_written(to.as<float>(), bytes / 4, "copy", s);
  for (const std::int64_t i : sample_places(bytes / 4, 20, 1)) {
    check_value(fetch(to.as<float>() + i, 1, s)[0], fetch(from.as<float>() + i, 1, s)[0], 0,
                "copy");
  }
  measure_warm_and_cold(context, row_of("copy", bytes, 2.0 * static_cast<double>(bytes)), work);
}

void measure_triad(Context& context, std::int64_t bytes) {
  const cudaStream_t s = context.bench.stream();
  const Memory a(bytes), b(bytes), to(bytes);
  const std::int64_t count = bytes / 16;
  fill_random(a.as<float>(), bytes / 4, 7, s);
  fill_random(b.as<float>(), bytes / 4, 8, s);
  poison(to, s);
  const auto work = [&] {
    launch(triad_kernel, grid_for(context, count), kThreads, s, a.as<const float4>(),
           b.as<const float4>(), to.as<float4>(), 0.5f, count);
  };
  work();
  check_written(to.as<float>(), bytes / 4, "triad", s);
  for (const std::int64_t i : sample_places(bytes / 4, 20, 2)) {
    const double wanted = static_cast<double>(fetch(a.as<float>() + i, 1, s)[0]) +
                          0.5 * static_cast<double>(fetch(b.as<float>() + i, 1, s)[0]);
    check_value(fetch(to.as<float>() + i, 1, s)[0], wanted, 1e-6, "triad");
  }
  measure_warm_and_cold(context, row_of("triad", bytes, 3.0 * static_cast<double>(bytes)), work);
}

// --- Reads --------------------------------------------------------------------------------------

// The sum modulo 2^32 a thread, as the kernels make it, over all words of the array is the same in
// any order only modulo 2^32.
void check_sum(const Memory& found, unsigned long long wanted, const char* what, cudaStream_t s) {
  const auto low = [](unsigned long long x) { return static_cast<double>(x & 0xFFFFFFFFull); };
  check_value(low(fetch(found.as<unsigned long long>(), 1, s)[0]), low(wanted), 0, what);
}

void clear(const Memory& memory, cudaStream_t s) {
  TENK_CUDA_CALL(cudaMemsetAsync(memory.as(), 0, static_cast<std::size_t>(memory.bytes()), s));
}

// All words are 3: any element left out or read twice shows in the sum.
void measure_read(Context& context, std::int64_t bytes) {
  const cudaStream_t s = context.bench.stream();
  const Memory from(bytes), sum(8);
  store(from.as<unsigned>(), std::vector<unsigned>(static_cast<std::size_t>(bytes / 4), 3), s);
  const std::int64_t wanted_bytes = context.size(std::int64_t{1} << 32, bytes);
  const auto passes = static_cast<int>(std::max<std::int64_t>(1, wanted_bytes / bytes / 4));
  const std::int64_t count = bytes / 16;
  const auto work = [&] {
    launch(read_kernel, grid_for(context, count), kThreads, s, from.as<const uint4>(), count,
           passes, sum.as<unsigned long long>());
  };
  clear(sum, s);
  work();
  check_sum(sum, 3ull * static_cast<unsigned long long>(bytes / 4 * passes), "read", s);
  const double all = static_cast<double>(bytes) * passes;
  KernelRow row = row_of("read", bytes, all);
  row.notes += "; one kernel reads the array " + std::to_string(passes) + " times";
  row.seconds = context.bench.warm(work, 1);
  context.session.add(row);
}

void measure_strided(Context& context, std::int64_t stride) {
  const cudaStream_t s = context.bench.stream();
  const std::int64_t bytes = context.size(std::int64_t{1} << 30, 1 << 16);
  const Memory from(bytes), sum(8);
  TENK_CUDA_CALL(cudaMemsetAsync(from.as(), 1, static_cast<std::size_t>(bytes), s));
  const std::int64_t count = bytes / 4 / stride;
  const auto work = [&] {
    launch(strided_kernel, grid_for(context, count), kThreads, s, from.as<const unsigned>(), stride,
           count, sum.as<unsigned long long>());
  };
  clear(sum, s);
  work();
  check_sum(sum, 0x01010101ull * static_cast<unsigned long long>(count), "strided read", s);
  KernelRow row = row_of("strided read", bytes, 4.0 * static_cast<double>(count));
  row.k = stride;
  row.notes += "; one 4 B word of each k words; GB/s counts the words used; cold L2";
  row.seconds = context.bench.cold(work);
  context.session.add(row);
}

void measure_gather(Context& context, std::int64_t width) {
  const cudaStream_t s = context.bench.stream();
  std::int64_t bytes = std::int64_t{1} << 30;
  for (std::int64_t i = 1; i < context.options.shrink && bytes > 1 << 16; i *= 2) bytes /= 2;
  const Memory from(bytes), to(bytes);
  const std::int64_t rows = bytes / width;  // A power of two.
  fill_random(from.as<float>(), bytes / 4, 9, s);
  poison(to, s);
  const auto work = [&] {
    launch(gather_kernel, grid_for(context, bytes / 16), kThreads, s, from.as<const uint4>(),
           to.as<uint4>(), width / 16, rows);
  };
  work();
  check_written(to.as<float>(), bytes / 4, "gather", s);
  for (const std::int64_t row : sample_places(rows, 20, 3)) {
    const std::int64_t source = (row * 1664525 + 1013904223) & (rows - 1);
    check_value(fetch(to.as<float>() + row * width / 4, 1, s)[0],
                fetch(from.as<float>() + source * width / 4, 1, s)[0], 0, "gather");
  }
  KernelRow row = row_of("gather", bytes, 2.0 * static_cast<double>(bytes));
  row.k = width;
  row.notes += "; rows of k bytes in scattered order; cold L2";
  row.seconds = context.bench.cold(work);
  context.session.add(row);
}

// --- Latency ------------------------------------------------------------------------------------

void measure_latency(Context& context, std::int64_t bytes) {
  const cudaStream_t s = context.bench.stream();
  const Memory table(bytes), end(8);
  const std::int64_t lines = bytes / kLine;
  // What fits the L2 cache is walked once and stays; else few lines, none of them cached yet.
  const bool fits = bytes <= context.device.l2_bytes;
  std::int64_t steps = fits ? std::max<std::int64_t>(lines, 16384) : 32768;
  if (context.trial()) steps = 256;
  launch(chain_kernel, grid_for(context, lines), kThreads, s, table.as<std::int64_t>(), lines);
  const auto work = [&] {
    launch(chase_kernel, 1, 1, s, table.as<const std::int64_t>(), steps, end.as<std::int64_t>());
  };
  poison(end, s);
  work();
  std::int64_t at = 0;
  for (std::int64_t i = 0; i < steps; ++i) at = (at * 1664525 + 1013904223) & (lines - 1);
  check_value(static_cast<double>(fetch(end.as<std::int64_t>(), 1, s)[0]),
              static_cast<double>(at * (kLine / 8)), 0, "pointer chase");
  LinkRow row;
  row.kind = "device memory";
  row.endpoints = "SM->memory";
  row.metric = "load latency";
  row.unit = "ns";
  const TimeRule rule = {5, 7, 0.05};
  const Spread seconds = fits ? context.bench.warm(work, 1, rule) : context.bench.cold(work, rule);
  row.value = scaled(seconds, 1e9 / static_cast<double>(steps));
  row.conditions = "table of " + std::to_string(bytes) + " B";
  row.notes = "one thread follows " + std::to_string(steps) + " pointers, one a 128 B line; " +
              (fits ? "caches warm" : "cold L2");
  context.session.add(row);
}

// --- The family ---------------------------------------------------------------------------------

// The largest matter most for training, then what fits the L2 cache.
std::vector<std::int64_t> by_value(const Context& context) {
  std::vector<std::int64_t> sizes;
  std::vector<std::int64_t> small;
  for (const std::int64_t bytes : memory_sizes()) {
    if (context.trial() && bytes > 1 << 18) continue;
    (bytes >= 1 << 26 ? sizes : small).push_back(bytes);
  }
  sizes.insert(sizes.end(), small.rbegin(), small.rend());
  return sizes;
}

void run_bandwidth(Context& context) {
  for (const std::int64_t bytes : by_value(context)) {
    const std::string what = " of " + std::to_string(bytes) + " B";
    const double about = 0.1 + 60.0 * static_cast<double>(bytes) / 2e12;
    if (!context.session.goes_on(about)) continue;
    context.session.attempt("copy" + what, [&] { measure_copy(context, bytes); });
    context.session.attempt("triad" + what, [&] { measure_triad(context, bytes); });
    if (bytes <= std::int64_t{1} << 28) {
      context.session.attempt("read" + what, [&] { measure_read(context, bytes); });
    }
  }
}

void run_latency(Context& context) {
  for (std::int64_t bytes = 1 << 14; bytes <= std::int64_t{1} << 33; bytes *= 2) {
    if (context.trial() && bytes > 1 << 18) break;
    if (!context.session.goes_on(0.5)) continue;
    context.session.attempt("latency of " + std::to_string(bytes) + " B",
                            [&] { measure_latency(context, bytes); });
  }
}

void run_patterns(Context& context) {
  for (const std::int64_t stride : {1, 2, 4, 8, 16, 32, 64, 1024}) {
    if (!context.session.goes_on()) continue;
    context.session.attempt("stride", [&] { measure_strided(context, stride); });
  }
  for (const std::int64_t width : {32, 64, 128, 512, 2048, 8192}) {
    if (!context.session.goes_on()) continue;
    context.session.attempt("gather", [&] { measure_gather(context, width); });
  }
}

}  // namespace

extern const Probe kMemoryBandwidth{"memory-bandwidth", "copy, triad, read, 4 KiB to 16 GiB", 25,
                                    run_bandwidth};
extern const Probe kMemoryLatency{"memory-latency", "pointer chase, 16 KiB to 8 GiB", 12,
                                  run_latency};
extern const Probe kMemoryPatterns{"memory-patterns", "strided and gathered reads", 8,
                                   run_patterns};

}  // namespace tenk::probe
