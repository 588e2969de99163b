// What did somebody measure, on what, and who says so?
//
// Three tables, one struct a row, with the columns of the published tables (docs/formats.md):
// kernels, collectives, links. An empty field is nullopt or "". Bandwidths are GB/s (10^9 bytes),
// times microseconds, sizes bytes: the units stand in the columns' names, so they stay in the
// fields'. Importers (calibration/importers) turn other tools' output into these rows.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tenk {

using Count = std::optional<std::int64_t>;
using Amount = std::optional<double>;

struct KernelSample {
  std::string id, gpu, kernel, dtype;
  Count m, n, k, groups;  // A product: C[m,n] = A[m,k] B[k,n], `groups` of them.
  Count batch, heads, kv_heads, head_dim, seq_q, seq_k, causal;  // Attention; causal 0 or 1.
  std::string direction;                                         // fwd, bwd or empty.
  Amount tflops, GBps, time_us;
  std::string software, source, how, notes;
  int line = 0;  // In the file it was read from.
};

struct CollectiveSample {
  std::string sweep_id, gpu;
  Count nodes, gpus;
  std::string collective;  // allreduce, allgather, reducescatter, alltoall, ...
  Amount bytes;            // As nccl-tests counts them.
  Amount algbw_GBps, busbw_GBps, time_us, inplace_time_us;
  std::string intra_link, nic_fabric, lib_version, algo_proto, source, how, notes;
  int line = 0;
};

struct LinkSample {
  std::string id, kind, device, endpoints, metric;
  std::string value;  // A number, a bound ("<130") or a range ("2-5"), in `unit`.
  std::string unit, conditions, source, how, notes;
  int line = 0;
};

// The value if it is a plain number; nullopt for a bound or a range.
Amount number_of(const LinkSample& sample);

// Something about the machine or the run as a whole: "driver", "580.95.05", "".
struct RunFact {
  std::string name, value, unit;
};

struct Measurements {
  std::vector<KernelSample> kernels;
  std::vector<CollectiveSample> collectives;
  std::vector<LinkSample> links;
  std::vector<RunFact> run;
  std::vector<std::string> remarks;  // What was passed over or guessed, with file and line.

  void append(Measurements more);
};

// Any of the three tables, told apart by their columns; columns may be missing (empty then) or in
// another order, unknown ones are faults with the nearest name. Also the product tables of
// ai-dynamo/aiconfigurator (gpu,framework,version,kernel_source,dtype,m,n,k,latency_ms), read as
// kernel "gemm" with id file:line. Throws Error{kFile} with up to 20 faults. O(bytes).
Measurements read_measurements(std::string text, const std::string& file);
Measurements load_measurements(const std::string& path);  // Plain or gzipped.

// One table as text; numbers in the shortest form that reads back equal.
std::string to_csv(const std::vector<KernelSample>& rows);
std::string to_csv(const std::vector<CollectiveSample>& rows);
std::string to_csv(const std::vector<LinkSample>& rows);

}  // namespace tenk
