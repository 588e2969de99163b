// What is one measured kernel or link, and how does it look as a line of CSV?
//
// The columns are those of tenk's tables of published measurements (gpu_kernels.csv, links.csv),
// so that measured and published rows are read by one reader. What these columns have no place for
// stands first in `notes`, always in this form, in the unit of the row's value:
//
//   median of 15, p10 101.2 us, p90 104.9 us; further words
//
// Host-only C++17; no CUDA.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "calibration/probes/statistics.h"

namespace tenk::probe {

// A dimension of 0 and a `causal` of -1 do not apply and are left blank.
struct KernelRow {
  std::string kernel;  // "gemm cuBLASLt", "RMS norm", ...
  std::string dtype;   // bfloat16, float16, fp8, tf32, float32, float64, int8.
  std::int64_t m = 0, n = 0, k = 0, groups = 0;
  std::int64_t batch = 0, heads = 0, kv_heads = 0, head_dim = 0, seq_q = 0, seq_k = 0;
  int causal = -1;
  std::string direction;  // fwd, bwd, dgrad, wgrad; empty: none.
  double flop = 0;        // Of one call; 0: not stated.
  double bytes = 0;       // Of one call that must cross device memory; 0: not stated.
  Spread seconds;         // Of one call.
  std::string software;   // What ran it: "cuBLASLt 13.0.2", "tenk-probe mma.sync".
  std::string notes;
};

struct LinkRow {
  std::string kind;       // "PCIe Gen5 x16", "device memory", ...
  std::string endpoints;  // "host->device"
  std::string metric;     // "copy bandwidth"
  Spread value;
  std::string unit;  // GB/s (10^9 B/s), us, ns
  std::string conditions;
  std::string notes;
};

// Who measured: the same for all rows of a run.
struct RunOrigin {
  std::string gpu;     // As the driver names it.
  std::string source;  // "tenk-probe 1, 2026-11-22"
  bool trial = false;  // Shrunken sizes: `how` says so, and no importer takes it for measured.
};

extern const char* const kKernelHeader;
extern const char* const kLinkHeader;

// One field: in quotes, inner quotes doubled, where a comma, quote or line break demands it.
std::string csv_field(const std::string& text);
std::string csv_line(const std::vector<std::string>& fields);  // Ends in a line feed.

// 6 significant digits; no exponent between 1e-4 and 1e15.
std::string number_text(double value);

// "median of 15, p10 101.2 us, p90 104.9 us"
std::string spread_text(const Spread& spread, const std::string& unit);

// Lower case, words joined by '-': "NVIDIA H200" -> "nvidia-h200".
std::string slug(const std::string& text);

std::string kernel_id(const RunOrigin& origin, const KernelRow& row);
std::string link_id(const RunOrigin& origin, const LinkRow& row);

// The whole line. A field that would not parse as a number again cannot arise.
std::string kernel_line(const RunOrigin& origin, const KernelRow& row);
std::string link_line(const RunOrigin& origin, const LinkRow& row);

}  // namespace tenk::probe
