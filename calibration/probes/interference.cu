// What do a product and a kernel that only moves data do to each other when they run side by side?
//
// As a collective does, the other kernel takes a fixed number of multiprocessors for itself (its
// blocks ask for nearly all of their shared memory) and streams through device memory: a copy, or a
// sum of two arrays. Both are timed alone and together; the slowdowns stand in the notes.
#include <algorithm>
#include <cmath>

#include "calibration/probes/matmul.h"

namespace tenk::probe {
namespace {

constexpr int kThreads = 1024;

// Copies `count` pieces `passes` times; with `b`, adds it.
__global__ void __launch_bounds__(kThreads)
    mover_kernel(const float4* a, const float4* b, float4* to, std::int64_t count, int passes) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  const std::int64_t first = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  for (int pass = 0; pass < passes; ++pass) {
#pragma unroll 4
    for (std::int64_t i = first; i < count; i += step) {
      float4 x = a[i];
      if (b != nullptr) {
        const float4 y = b[i];
        x = float4{x.x + y.x, x.y + y.y, x.z + y.z, x.w + y.w};
      }
      to[i] = x;
    }
  }
}

struct Mover {
  const Memory& a;
  const Memory& b;
  const Memory& to;
  bool adds;
  std::int64_t shared;  // So that a multiprocessor holds one block and nothing else.

  double bytes(int passes) const {
    return static_cast<double>(to.bytes()) * (adds ? 3 : 2) * passes;
  }
  void operator()(cudaStream_t stream, int blocks, int passes) const {
    launch_shared(mover_kernel, static_cast<unsigned>(blocks), kThreads, shared, stream,
                  a.as<const float4>(), adds ? b.as<const float4>() : nullptr, to.as<float4>(),
                  to.bytes() / 16, passes);
  }
};

void check_mover(const Mover& mover, cudaStream_t stream) {
  poison(mover.to, stream);
  mover(stream, 1, 1);
  const std::int64_t count = mover.to.bytes() / 4;
  check_written(mover.to.as<float>(), count, "mover", stream);
  for (const std::int64_t i : sample_places(count, 20, 8)) {
    const double a = fetch(mover.a.as<float>() + i, 1, stream)[0];
    const double b =
        mover.adds ? static_cast<double>(fetch(mover.b.as<float>() + i, 1, stream)[0]) : 0;
    check_value(fetch(mover.to.as<float>() + i, 1, stream)[0], a + b, 1e-6, "mover");
  }
}

struct Together {
  Spread product;    // Of the calls that ran wholly beside the mover.
  double mover = 0;  // Seconds.
};

Together run_together(const Matmul& product, const Mover& mover, int blocks, int passes, int calls,
                      const Stream& one, const Stream& other) {
  std::vector<Event> marks(static_cast<std::size_t>(calls + 1));
  const Event begin, end;
  begin.record(other);
  mover(other, blocks, passes);
  end.record(other);
  marks[0].record(one);
  for (int i = 0; i < calls; ++i) {
    product(one);
    marks[static_cast<std::size_t>(i + 1)].record(one);
  }
  one.wait();
  other.wait();
  Together out;
  out.mover = seconds_between(begin, end);
  std::vector<double> beside;
  for (std::size_t i = 1; i + 1 < marks.size(); ++i) {  // The first begins before the mover does.
    if (seconds_between(begin, marks[i + 1]) > out.mover) break;
    if (seconds_between(begin, marks[i]) > 0)
      beside.push_back(seconds_between(marks[i], marks[i + 1]));
  }
  out.product = summarize(beside);
  return out;
}

struct Subject {
  const Matmul& product;
  KernelRow row;  // Of the product alone, timed.
};

void measure(Context& context, const Subject& subject, const Mover& mover, int blocks) {
  const Stream one, other;
  const std::string kind = mover.adds ? "sum" : "copy";
  const Spread pass = context.bench.warm([&] { mover(context.bench.stream(), blocks, 1); }, 1);
  const double alone = subject.row.seconds.median;
  const int passes = std::min(context.trial() ? 1 : 1000,
                              std::max(1, static_cast<int>(std::ceil(12 * alone / pass.median))));
  const int calls = context.trial() ? 3 : 24;
  const Spread mover_alone =
      context.bench.warm([&] { mover(context.bench.stream(), blocks, passes); }, 1, {3, 3, 0.1});
  const Together both = run_together(subject.product, mover, blocks, passes, calls, one, other);
  const std::string beside = " on " + std::to_string(blocks) + " of " +
                             std::to_string(context.device.multiprocessors) + " multiprocessors";
  if (both.product.repeats == 0) throw NotPossible("no product ran wholly beside the " + kind);
  KernelRow row = subject.row;
  row.kernel = "gemm beside " + kind + beside;
  row.seconds = both.product;
  row.notes = "slowdown " + number_text(both.product.median / alone) + " of " +
              number_text(alone * 1e6) + " us alone";
  context.session.add(row);
  KernelRow moved;
  moved.kernel = kind + beside + " beside gemm";
  moved.dtype = "float32";
  moved.n = mover.to.bytes();
  moved.bytes = mover.bytes(passes);
  moved.seconds = summarize({both.mover});
  moved.software = "tenk-probe kernel";
  moved.notes = "slowdown " + number_text(both.mover / mover_alone.median) + " of " +
                number_text(mover.bytes(passes) / mover_alone.median / 1e9) +
                " GB/s alone; n is bytes of each array";
  context.session.add(moved);
}

void run(Context& context) {
  const cudaStream_t stream = context.bench.stream();
  const MatmulLibrary library;
  const std::int64_t bytes = context.size(std::int64_t{1} << 28, 1 << 16);
  const Memory a(bytes), b(bytes), to(bytes);
  fill_random(a.as<float>(), bytes / 4, 1, stream);
  fill_random(b.as<float>(), bytes / 4, 2, stream);
  for (const std::int64_t side : {4096, 8192}) {
    const std::int64_t n = context.size(side);
    const MatmulBuffers buffers(Format::kBf16, {n, n, n}, stream);
    const Matmul product = buffers.product(library);
    buffers.poison_result(stream);
    product(stream);
    buffers.check(stream);
    Subject subject{product, {}};
    subject.row.dtype = "bfloat16";
    subject.row.m = subject.row.n = subject.row.k = n;
    subject.row.flop = GemmShape{n, n, n}.flop();
    subject.row.direction = "fwd";
    subject.row.software = library.name();
    subject.row.seconds = context.bench.warm([&] { product(stream); }, 1);
    for (const bool adds : {false, true}) {
      const Mover mover{a, b, to, adds, context.device.shared_bytes - 1024};
      check_mover(mover, stream);
      for (const int blocks : {1, 2, 4, 8, 16, 32}) {
        if (blocks > context.device.multiprocessors / 2) continue;
        if (context.trial() && (blocks != 2 || side != 4096)) continue;
        if (!context.session.goes_on()) continue;
        context.session.attempt("interference", [&] { measure(context, subject, mover, blocks); });
      }
    }
  }
}

}  // namespace

extern const Probe kInterference{
    "interference", "a copy or a sum on a few multiprocessors beside a product", 12, run};

}  // namespace tenk::probe
