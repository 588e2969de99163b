// Which published training runs are there, and which of them say enough, and say it straight?
//
// Rows of the table training_throughput.csv (docs/formats.md). `exclusion` and the release rule
// apply published rules about rows that mislead; what is left must be predicted or skipped loudly.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tenk {

struct TrainingRow {
  std::string id, model, gpu_type, recompute, precision, opt_sharding, framework, network;
  std::string source, arch_how, part;
  std::optional<double> params_b, iter_time_s;
  std::optional<std::int64_t> layers, hidden, heads, kv_heads, ffn, vocab, sequence;
  std::optional<std::int64_t> global_batch, micro_batch, gpus;
  std::optional<std::int64_t> tp, pp, dp, ep, cp, vpp, sequence_parallel;
  std::optional<std::int64_t> fully_specified;  // 0: its own table says what it leaves out.
};

// Columns of the table that are not listed above are read and ignored. Throws Error{kFile}.
std::vector<TrainingRow> read_training_rows(const std::string& text, const std::string& file);

// Why the row cannot be predicted from its own columns whoever tries: no step time, no layout, no
// shape. Empty: it can. Degrees, batch and shape must be there; what Megatron has a default for
// (micro-batch 1, one chunk a stage, ffn 4 h, as many key-value heads as heads) may be missing.
std::string incomplete(const TrainingRow& row);

// For each row: "" if it counts, else why not. Where one configuration was published for several
// software releases, the newest release that is not slower than an older one counts.
std::vector<std::string> superseded(const std::vector<TrainingRow>& rows);

// What the row needs that tenk does not model yet ("experts", "fully sharded data parallelism");
// empty: nothing.
std::string missing_feature(const TrainingRow& row);

}  // namespace tenk
