// Which kernels did somebody time, on what, and how long did each take?
//
// Reads comma-separated text, one kernel a row, first line exactly the header, no quotes:
//   GEMM       gpu,framework,version,kernel_source,dtype,m,n,k,latency_ms
//   attention  gpu,framework,version,kernel_source,dtype,batch,heads,kv_heads,head_dim,sequence,
//              latency_ms      (causal prefill, forward)
// The GEMM header is that of ai-dynamo/aiconfigurator's tables (gemm_perf), latency in ms.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "workloads/kernels.h"

namespace tenk {

struct KernelOrigin {
  std::string gpu;
  std::string framework;
  std::string version;
  std::string kernel_source;
  std::string dtype;
};

struct MeasuredGemm {
  KernelOrigin origin;
  std::int64_t m = 1;
  std::int64_t n = 1;
  std::int64_t k = 1;
  double seconds = 0;  // > 0
};

struct MeasuredAttention {
  KernelOrigin origin;
  AttentionShape shape;
  double seconds = 0;  // > 0
};

// Every row, in file order; CRLF and a missing last newline are accepted, a blank line is not.
// Throws Error{kFile} with the first 20 faults: a wrong header or number of fields, a dimension
// outside 1 to 10^9, a latency that is not positive and finite. O(bytes).
std::vector<MeasuredGemm> parse_measured_gemms(std::string_view text, const std::string& file);
std::vector<MeasuredAttention> parse_measured_attention(std::string_view text,
                                                        const std::string& file);

// The same from a file. Throws Error{kFile} if it cannot be read.
std::vector<MeasuredGemm> load_measured_gemms(const std::string& path);
std::vector<MeasuredAttention> load_measured_attention(const std::string& path);

// The rows of that precision with m, n and k at least `smallest`.
std::vector<MeasuredGemm> select_gemms(const std::vector<MeasuredGemm>& rows,
                                       std::string_view dtype, std::int64_t smallest);

}  // namespace tenk
