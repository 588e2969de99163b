// Which of the kernels that somebody timed can we model, and as what?
//
// A row of a table of kernels (calibration/measurements.h) is a matrix product, a call of
// attention, a stream through memory, or none of what workloads/kernels.h describes; what it is
// follows from its own columns by the rules below, the same for every row.
//
// Products: `dtype` names the precision ("bfloat16", "FP8 e4m3", "nvfp4", "sq" (INT8)). Rows of the
// kernel "gemm" were timed inside a serving stack, FP8 and FP4 with the casts of operand A; those
// that say "warmup" were run until the power limit held. FP8 with block scales is another recipe
// than FP8 with one, and the published rule takes one for each precision. Attention: causal prefill
// with its five dimensions. Streams: rates of copy, mul, add and triad, which move what a training
// step's kernels move; "read" and "init" go one way only, "dot" reads.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "calibration/measurements.h"
#include "workloads/kernels.h"

namespace tenk {

struct MeasuredGemm {
  Precision precision = Precision::kBf16;
  GemmShape shape;
  bool served = false;     // With the casts of a serving stack.
  bool sustained = false;  // At the power limit; else a few times on an idle device.
  double seconds = 0;      // > 0

  bool all_at_least(std::int64_t size) const {
    return shape.m >= size && shape.n >= size && shape.k >= size;
  }
};

struct MeasuredAttention {
  AttentionShape shape;
  bool backward = false;
  double seconds = 0;  // > 0
};

struct MeasuredStream {
  double bytes = 0;    // Moved; 0: enough for the full rate, which is all that is known.
  double seconds = 0;  // Of those bytes, or of one byte.
};

struct NotModelled {
  std::string why;       // Equal for rows with equal reasons.
  bool by_rule = false;  // A published rule about rows that mislead; else we cannot predict it.
};

using KernelCase = std::variant<MeasuredGemm, MeasuredAttention, MeasuredStream, NotModelled>;
KernelCase kernel_case(const KernelSample& sample);

// The cases of one kind among the samples, in order.
template <class Kind>
std::vector<Kind> cases_of(std::span<const KernelSample> samples) {
  std::vector<Kind> cases;
  for (const KernelSample& sample : samples) {
    const KernelCase one = kernel_case(sample);
    if (const Kind* kind = std::get_if<Kind>(&one)) cases.push_back(*kind);
  }
  return cases;
}

// The precision that a text means; nullopt if it is none of ours.
std::optional<Precision> precision_named(std::string_view dtype);

// Is a row kept from every fit, to judge it by? About 30 % of all shapes, by a hash of the shape
// alone, so that the answer is the same everywhere and for every device.
bool held_out(const GemmShape& shape);
bool held_out(const AttentionShape& shape);

}  // namespace tenk
