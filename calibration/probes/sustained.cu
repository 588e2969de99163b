// What becomes of a product's rate when it runs on for 20 s, with the clocks and the power as NVML
// samples them?
#include <algorithm>

#include "calibration/probes/matmul.h"

namespace tenk::probe {
namespace {

struct Batch {
  double begin, end;  // Seconds of the run.
  double seconds;     // Of one product.
};

Spread between(const std::vector<Batch>& batches, double begin, double end) {
  std::vector<double> seconds;
  for (const Batch& batch : batches) {
    if (batch.begin >= begin && batch.end <= end) seconds.push_back(batch.seconds);
  }
  return summarize(seconds);
}

std::vector<Batch> run_on(Context& context, const Matmul& product, double seconds) {
  const cudaStream_t stream = context.bench.stream();
  const Event before, after;
  product(stream);
  before.record(stream);
  product(stream);
  after.record(stream);
  context.bench.wait();
  constexpr double kBatch = 0.05;
  const double one = std::max(seconds_between(before, after), 1e-6);
  const int calls = std::max(1, std::min(1000, static_cast<int>(kBatch / one)));
  std::vector<Batch> batches;
  const double start = context.session.elapsed();
  while (context.session.elapsed() - start < seconds || batches.size() < 2) {
    const double begin = context.session.elapsed();
    before.record(stream);
    for (int i = 0; i < calls; ++i) product(stream);
    after.record(stream);
    context.bench.wait();
    batches.push_back({begin, context.session.elapsed(), seconds_between(before, after) / calls});
  }
  return batches;
}

void add_row(Context& context, KernelRow row, const char* part, const std::vector<Batch>& batches,
             double begin, double end) {
  row.seconds = between(batches, begin, end);
  if (row.seconds.repeats == 0) return;
  row.kernel = std::string("gemm sustained, ") + part;
  const PowerAndClocks found = summarize(context.sampler.samples(), begin, end);
  row.notes = "batches of about 50 ms, back to back";
  if (found.sm_MHz.repeats > 0) {
    row.notes += "; SM clock median " + number_text(found.sm_MHz.median) + " MHz, power median " +
                 number_text(found.power_W.median) + " W, at most " +
                 number_text(found.most_temperature_C) + " C";
  } else {
    row.notes += "; no NVML: clocks unknown";
  }
  context.session.add(row);
}

void run(Context& context) {
  const cudaStream_t stream = context.bench.stream();
  const MatmulLibrary library;
  const std::int64_t n = context.size(8192);
  const MatmulBuffers buffers(Format::kBf16, {n, n, n}, stream);
  const Matmul product = buffers.product(library);
  buffers.poison_result(stream);
  product(stream);
  buffers.check(stream);
  const double wanted = context.trial() ? 0.3 : 20;
  const double seconds = std::min(wanted, context.session.left() - 1);
  if (seconds < 0.2) throw NotPossible("no time is left");
  const std::vector<Batch> batches = run_on(context, product, seconds);
  KernelRow row;
  row.dtype = "bfloat16";
  row.m = row.n = row.k = n;
  row.direction = "fwd";
  row.flop = GemmShape{n, n, n}.flop();
  row.software = library.name();
  const double begin = batches.front().begin;
  const double end = batches.back().end;
  add_row(context, row, "first 2 s", batches, begin, begin + 2);
  add_row(context, row, "last 5 s", batches, std::max(begin, end - 5), end);
  add_row(context, row, "all", batches, begin, end);
}

}  // namespace

extern const Probe kSustained{"sustained", "one product for 20 s: clocks, power, throttling", 24,
                              run};

}  // namespace tenk::probe
