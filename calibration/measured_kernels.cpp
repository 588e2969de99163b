#include "calibration/measured_kernels.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "sim/base/hash.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

// In lower case; what is neither letter, digit nor underscore is one space, and so are the ends.
std::string words_of(std::string_view text) {
  std::string out = " ";
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (std::isalnum(u) != 0 || c == '_') {
      out += static_cast<char>(std::tolower(u));
    } else if (out.back() != ' ') {
      out += ' ';
    }
  }
  if (out.back() != ' ') out += ' ';
  return out;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

template <std::size_t N>
bool has_any(const std::string& text, const std::array<std::string_view, N>& parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return has(text, part); });
}

// Seconds of a row that did `flops`, by its time or else its rate; 0 if it has neither.
double seconds_of(const KernelSample& row, double flops) {
  if (row.time_us && *row.time_us > 0) return *row.time_us * 1e-6;
  if (row.tflops && *row.tflops > 0) return flops / (*row.tflops * 1e12);
  return 0;
}

double product_of(std::initializer_list<std::int64_t> factors) {
  double product = 1;
  for (const std::int64_t factor : factors) product *= static_cast<double>(factor);
  return product;
}

KernelCase gemm_case(const KernelSample& row) {
  constexpr std::array<std::string_view, 3> kServing = {" trtllm ", " vllm ", " sglang "};
  if (row.groups && *row.groups > 1) return NotModelled{"grouped products"};
  if (!row.m || !row.n || !row.k) return NotModelled{"a product without its shape"};
  MeasuredGemm gemm;
  gemm.shape = {*row.m, *row.n, *row.k};
  if (std::min({*row.m, *row.n, *row.k}) < 1) return NotModelled{"an empty product"};
  const std::optional<Precision> precision = precision_named(row.dtype);
  if (!precision) {
    return NotModelled{"a format of other width for weights than for activations, or unknown",
                       true};
  }
  const std::string format = words_of(row.dtype);
  if (*precision == Precision::kFp8 && (has(format, "block ") || has(format, " 1x128 "))) {
    return NotModelled{"FP8 with block scales: one recipe for each precision", true};
  }
  gemm.precision = *precision;
  gemm.seconds = seconds_of(row, 2 * product_of({*row.m, *row.n, *row.k}));
  gemm.served = has_any(words_of(row.software), kServing);
  gemm.sustained = has(words_of(row.notes), "warmup");
  if (gemm.seconds <= 0) return NotModelled{"neither time nor rate"};
  return gemm;
}

KernelCase attention_case(const KernelSample& row) {
  if (has(words_of(row.kernel), "decode"))
    return NotModelled{"attention of single tokens (decode)"};
  if (has(words_of(row.kernel), "standard")) return NotModelled{"attention that is not fused"};
  if (!row.batch || !row.heads || !row.head_dim || !row.seq_q || !row.causal) {
    return NotModelled{"attention without its shape"};
  }
  if (*row.causal != 1) return NotModelled{"attention that is not causal"};
  if (row.seq_k && *row.seq_k != *row.seq_q) return NotModelled{"attention to other tokens"};
  if (row.direction != "fwd" && row.direction != "bwd") {
    return NotModelled{"attention in both directions at once, or not stated"};
  }
  MeasuredAttention attention;
  const std::int64_t heads = *row.heads;
  attention.shape = {*row.batch, heads, row.kv_heads.value_or(heads), *row.head_dim, *row.seq_q};
  const AttentionShape& a = attention.shape;
  if (std::min({a.batch, a.heads, a.kv_heads, a.head_dim, a.sequence}) < 1) {
    return NotModelled{"an empty call of attention"};
  }
  attention.backward = row.direction == "bwd";
  const double forward = 2 * product_of({a.batch, a.heads, a.sequence, a.sequence, a.head_dim});
  attention.seconds = seconds_of(row, attention.backward ? 2.5 * forward : forward);
  if (attention.seconds <= 0) return NotModelled{"neither time nor rate"};
  return attention;
}

KernelCase stream_case(const KernelSample& row) {
  if (!row.GBps || *row.GBps <= 0) return NotModelled{"a stream without its rate"};
  const double rate = *row.GBps * 1e9;
  if (row.time_us && *row.time_us > 0) {
    const double seconds = *row.time_us * 1e-6;
    return MeasuredStream{rate * seconds, seconds};
  }
  return MeasuredStream{0, 1 / rate};
}

constexpr std::uint64_t kHeldOutOfTen = 3;

template <class... Dimension>
bool hashed_out(Dimension... dimensions) {
  Fingerprint shape;
  (shape.add(dimensions), ...);
  return shape.value() % 10 < kHeldOutOfTen;
}

}  // namespace

KernelCase kernel_case(const KernelSample& row) {
  constexpr std::array<std::string_view, 6> kBothWays = {
      " copy ", " mul ", " add ", " triad ", " scale ", " memory bandwidth "};
  constexpr std::array<std::string_view, 4> kOneWay = {" init ", " read ", " dot ", " write "};
  const std::string kernel = words_of(row.kernel);
  if (kernel.starts_with(" gemm ")) return gemm_case(row);
  if (has(kernel, "attention") || has(kernel, "mha") || has(kernel, "mla")) {
    return attention_case(row);
  }
  if (has(kernel, " warm ")) return NotModelled{"a stream through the cache"};
  if (has_any(kernel, kBothWays)) return stream_case(row);
  if (has_any(kernel, kOneWay)) return NotModelled{"a stream in one direction only"};
  return NotModelled{fmt::format("the kernel \"{}\"", shown(row.kernel))};
}

std::optional<Precision> precision_named(std::string_view dtype) {
  struct Word {
    std::string_view text;
    std::optional<Precision> precision;
  };
  // In this order: "fp8_block" is fp8, "int8_wo" no int8.
  constexpr std::array<Word, 14> kWords = {{{"_wo", std::nullopt},
                                            {"fp4", Precision::kFp4},
                                            {"fp8", Precision::kFp8},
                                            {"e4m3", Precision::kFp8},
                                            {"e5m2", Precision::kFp8},
                                            {"bf16", Precision::kBf16},
                                            {"bfloat16", Precision::kBf16},
                                            {"fp16", Precision::kFp16},
                                            {"float16", Precision::kFp16},
                                            {"tf32", Precision::kTf32},
                                            {"fp32", Precision::kFp32},
                                            {"float32", Precision::kFp32},
                                            {"int8", Precision::kInt8},
                                            {"sq", Precision::kInt8}}};
  const std::string text = words_of(dtype);
  for (const Word& word : kWords) {
    if (has(text, word.text)) return word.precision;
  }
  return std::nullopt;
}

bool held_out(const GemmShape& s) { return hashed_out(s.m, s.n, s.k); }

bool held_out(const AttentionShape& s) {
  return hashed_out(s.batch, s.heads, s.kv_heads, s.head_dim, s.sequence);
}

}  // namespace tenk
