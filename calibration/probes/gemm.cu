// Matrix products over the shapes of transformers, by format and pass, dense and for experts.
#include <cmath>

#include "calibration/probes/matmul.h"

namespace tenk::probe {
namespace {

// Rough rates for planning alone: a shape is not begun that would not fit in the time.
double expected_flops(Format format) {
  switch (format) {
    case Format::kFp8:
    case Format::kInt8:
      return 600e12;
    case Format::kBf16:
    case Format::kFp16:
      return 300e12;
    case Format::kTf32:
      return 150e12;
    case Format::kFp32:
    case Format::kFp64:
      break;
  }
  return 20e12;
}

KernelRow row_of(Format format, const GemmShape& s, const MatmulLibrary& library) {
  KernelRow row;
  row.kernel = s.groups > 0 ? "gemm grouped" : "gemm";
  if (!library.is_cublas()) row.kernel += ", plain";
  row.dtype = name_of(format);
  row.m = s.m;
  row.n = s.n;
  row.k = s.k;
  row.groups = s.groups;
  row.direction = name_of(s.pass);
  row.flop = s.flop();
  const auto groups = static_cast<double>(s.groups > 0 ? s.groups : 1);
  row.bytes = groups * static_cast<double>((s.m + s.n) * s.k * in_bytes(format) +
                                           s.m * s.n * out_bytes(format));
  row.software = library.name();
  row.notes = "cold L2; random operands";
  return row;
}

void measure(Context& context, const MatmulLibrary& library, Format format, const GemmShape& s) {
  const cudaStream_t stream = context.bench.stream();
  const MatmulBuffers buffers(format, s, stream);
  const Matmul product = buffers.product(library);
  buffers.poison_result(stream);
  product(stream);
  buffers.check(stream);
  KernelRow row = row_of(format, s, library);
  if (s.groups > 0) row.notes += "; one call, groups of equal m";
  if (format == Format::kFp8) row.notes += "; e4m3, BF16 out, fast sums, scales of 1";
  row.seconds = context.bench.cold([&] { product(stream); });
  context.session.add(row);
}

void measure_all(Context& context, const MatmulLibrary& library, Format format,
                 const std::vector<GemmShape>& shapes) {
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    GemmShape s = shapes[i];
    if (context.trial() && i % (shapes.size() / 4 + 1) != 0) continue;
    if (s.m % 64 == 0) s.m = context.size(s.m);
    if (s.n % 64 == 0) s.n = context.size(s.n);
    if (s.k % 64 == 0) s.k = context.size(s.k);
    if (s.groups > 2 && context.trial()) s.groups = 2;
    if (!context.session.goes_on(0.05 + 12 * s.flop() / expected_flops(format))) continue;
    const std::string what = std::string(name_of(format)) + " product " + std::to_string(s.m) +
                             " x " + std::to_string(s.n) + " x " + std::to_string(s.k);
    context.session.attempt(what, [&] { measure(context, library, format, s); });
  }
}

// The whole family would be skipped shape by shape otherwise.
void require(const MatmulLibrary& library, Format format) {
  if (!library.is_cublas() && format != Format::kBf16) {
    throw NotPossible(std::string(name_of(format)) +
                      " products need cuBLASLt: " + library.why_not());
  }
}

void run_few(Context& context, Format format, int least_capability) {
  if (context.device.capability() < least_capability) {
    throw NotPossible(std::string(name_of(format)) + " needs compute capability " +
                      number_text(least_capability / 10.0));
  }
  const MatmulLibrary library;
  require(library, format);
  measure_all(context, library, format, few_shapes());
}

void run_bf16(Context& context) {
  const MatmulLibrary library;
  if (!library.is_cublas()) context.session.say("  cuBLASLt: " + library.why_not());
  measure_all(context, library, Format::kBf16, forward_shapes());
}

void run_backward(Context& context) {
  const MatmulLibrary library;
  if (!library.is_cublas()) throw NotPossible("gradients need cuBLASLt: " + library.why_not());
  measure_all(context, library, Format::kBf16, backward_shapes());
}

void run_grouped(Context& context) {
  const MatmulLibrary library;
  measure_all(context, library, Format::kBf16, grouped_shapes());
}

// Experts of unequal loads: one product each, in one stream, as a plain framework does.
void measure_uneven(Context& context, const MatmulLibrary& library, std::int64_t experts,
                    std::int64_t tokens, std::int64_t n, std::int64_t k) {
  const cudaStream_t stream = context.bench.stream();
  std::vector<MatmulBuffers> buffers;
  std::vector<Matmul> products;
  double flop = 0;
  for (std::int64_t e = 0; e < experts; ++e) {
    // From half to one and a half of the mean, in steps of 8 tokens.
    const double part = 0.5 + static_cast<double>(e) / static_cast<double>(experts - 1);
    const auto m = static_cast<std::int64_t>(part * static_cast<double>(tokens) / 8) * 8;
    const GemmShape s{std::max<std::int64_t>(m, 8), n, k};
    flop += s.flop();
    buffers.emplace_back(Format::kBf16, s, stream);
    products.push_back(buffers.back().product(library));
    buffers.back().poison_result(stream);
    products.back()(stream);
    buffers.back().check(stream);
  }
  KernelRow row = row_of(Format::kBf16, {tokens, n, k, experts}, library);
  row.kernel = library.is_cublas() ? "gemm per expert" : "gemm per expert, plain";
  row.flop = flop;
  row.notes = "cold L2; one call an expert in one stream; m is the mean, loads 0.5 to 1.5 of it";
  row.seconds = context.bench.cold([&] {
    for (const Matmul& product : products) product(stream);
  });
  context.session.add(row);
}

void run_uneven(Context& context) {
  const MatmulLibrary library;
  for (const GemmShape& s : grouped_shapes()) {
    if (context.trial() && s.m != 512) break;
    if (!context.session.goes_on(0.5)) continue;
    const std::int64_t groups = context.trial() ? 2 : s.groups;
    context.session.attempt("experts of unequal loads", [&] {
      measure_uneven(context, library, groups, context.size(s.m), context.size(s.n),
                     context.size(s.k));
    });
  }
}

void run_plain(Context& context) {
  const MatmulLibrary library(false);
  std::vector<GemmShape> shapes = {{200, 264, 136}};  // No multiple of a tile.
  for (const GemmShape& s : few_shapes()) shapes.push_back(s);
  measure_all(context, library, Format::kBf16, shapes);
}

}  // namespace

extern const Probe kGemmBf16{"gemm-bf16", "BF16 matrix products, forward, by layer and tokens", 50,
                             run_bf16};
extern const Probe kGemmBackward{"gemm-backward", "BF16 data and weight gradients", 30,
                                 run_backward};
extern const Probe kGemmFp8{"gemm-fp8", "FP8 (e4m3) matrix products", 15,
                            [](Context& context) { run_few(context, Format::kFp8, 89); }};
extern const Probe kGemmFp16{"gemm-fp16", "FP16 matrix products", 12,
                             [](Context& context) { run_few(context, Format::kFp16, 70); }};
extern const Probe kGemmTf32{"gemm-tf32", "TF32 matrix products", 12,
                             [](Context& context) { run_few(context, Format::kTf32, 80); }};
extern const Probe kGemmFp32{"gemm-fp32", "FP32 matrix products, without tensor cores", 15,
                             [](Context& context) { run_few(context, Format::kFp32, 0); }};
extern const Probe kGemmFp64{"gemm-fp64", "FP64 matrix products", 15,
                             [](Context& context) { run_few(context, Format::kFp64, 0); }};
extern const Probe kGemmInt8{"gemm-int8", "INT8 matrix products", 12,
                             [](Context& context) { run_few(context, Format::kInt8, 75); }};
extern const Probe kGemmGrouped{"gemm-grouped", "BF16 products of equal experts in one call", 12,
                                run_grouped};
extern const Probe kGemmExperts{"gemm-experts", "BF16 products of unequal experts, a call each", 10,
                                run_uneven};
extern const Probe kGemmPlain{"gemm-plain", "our own tensor-core kernel, BF16 forward", 8,
                              run_plain};

}  // namespace tenk::probe
