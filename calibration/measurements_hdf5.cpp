#include "calibration/measurements_hdf5.h"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "calibration/spread.h"
#include "sim/base/hdf5.h"

namespace tenk {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::string as_cell(const std::string& text) { return text; }
std::int64_t as_cell(const Count& value) { return value.value_or(-1); }
double as_cell(const Amount& value) { return value.value_or(kNone); }

// The array of one column under the group; texts have no unit.
template <class Row, class Field>
void write_column(Hdf5File& file, const std::string& group, const char* name,
                  const std::vector<Row>& rows, Field Row::*field, const char* unit,
                  const char* description) {
  std::vector<decltype(as_cell(rows[0].*field))> cells;
  for (const Row& row : rows) cells.push_back(as_cell(row.*field));
  if constexpr (std::is_same_v<Field, std::string>) {
    file.write(group + "/" + name, cells, description);
  } else {
    file.write(group + "/" + name, cells, unit, description);
  }
}

// repeats, p10 and p90 of the rows, as their notes say; 0 and NaN where they do not.
template <class Row>
void write_spreads(Hdf5File& file, const std::string& group, const std::vector<Row>& rows,
                   const char* unit) {
  std::vector<std::int64_t> repeats;
  std::vector<double> p10, p90;
  for (const Row& row : rows) {
    const auto spread = spread_of(row.notes);
    repeats.push_back(spread ? spread->repeats : 0);
    p10.push_back(spread ? spread->p10 : kNone);
    p90.push_back(spread ? spread->p90 : kNone);
  }
  file.write(group + "/repeats", repeats, "1", "measured so often; the value is their median");
  file.write(group + "/p10", p10, unit, "a tenth of the repeats lies below");
  file.write(group + "/p90", p90, unit, "a tenth of the repeats lies above");
}

void write_kernels(Hdf5File& file, const std::vector<KernelSample>& rows) {
  using K = KernelSample;
  const auto column = [&](const char* name, auto field, const char* unit, const char* what) {
    write_column(file, "/kernels", name, rows, field, unit, what);
  };
  column("id", &K::id, "", "one a row");
  column("gpu", &K::gpu, "", "as the driver names it");
  column("kernel", &K::kernel, "", "what was timed");
  column("dtype", &K::dtype, "", "number format of the inputs");
  column("m", &K::m, "1", "rows; -1: does not apply");
  column("n", &K::n, "1", "columns, or bytes where the notes say so");
  column("k", &K::k, "1", "inner dimension");
  column("groups", &K::groups, "1", "products at once");
  column("batch", &K::batch, "1", "sequences of an attention");
  column("heads", &K::heads, "1", "query heads");
  column("kv_heads", &K::kv_heads, "1", "key and value heads");
  column("head_dim", &K::head_dim, "1", "size of a head");
  column("seq_q", &K::seq_q, "1", "queries of a sequence");
  column("seq_k", &K::seq_k, "1", "keys of a sequence");
  column("causal", &K::causal, "1", "1: each query sees the keys up to its own");
  column("direction", &K::direction, "", "fwd, bwd, dgrad, wgrad");
  column("tflops", &K::tflops, "TFLOP/s", "rate at the median; NaN: not stated");
  column("GBps", &K::GBps, "GB/s", "10^9 bytes a second at the median");
  column("time_us", &K::time_us, "us", "median of one call");
  column("software", &K::software, "", "what ran it, with its version");
  column("source", &K::source, "", "who measured it and when");
  column("how", &K::how, "", "measured, or trial: sizes divided, no measurement");
  column("notes", &K::notes, "", "method and remarks");
  write_spreads(file, "/kernels", rows, "us");
}

void write_links(Hdf5File& file, const std::vector<LinkSample>& rows) {
  using L = LinkSample;
  const auto column = [&](const char* name, auto field, const char* what) {
    write_column(file, "/links", name, rows, field, "", what);
  };
  column("id", &L::id, "one a row");
  column("kind", &L::kind, "kind of link");
  column("device", &L::device, "what it belongs to");
  column("endpoints", &L::endpoints, "from where to where");
  column("metric", &L::metric, "what was measured");
  column("unit", &L::unit, "of value, p10 and p90");
  column("conditions", &L::conditions, "bytes and method");
  column("source", &L::source, "who measured it and when");
  column("how", &L::how, "measured, or trial");
  column("notes", &L::notes, "method and remarks");
  std::vector<double> values;
  for (const LinkSample& row : rows) values.push_back(number_of(row).value_or(kNone));
  file.write("/links/value", values, "see unit", "median; NaN: a bound or a range");
  write_spreads(file, "/links", rows, "see unit");
}

void write_collectives(Hdf5File& file, const std::vector<CollectiveSample>& rows) {
  using C = CollectiveSample;
  const auto column = [&](const char* name, auto field, const char* unit, const char* what) {
    write_column(file, "/collectives", name, rows, field, unit, what);
  };
  column("sweep_id", &C::sweep_id, "", "one sweep over sizes");
  column("gpu", &C::gpu, "", "accelerator");
  column("nodes", &C::nodes, "1", "servers; -1: unknown");
  column("gpus", &C::gpus, "1", "accelerators in all");
  column("collective", &C::collective, "", "operation");
  column("bytes", &C::bytes, "B", "as nccl-tests counts them");
  column("algbw_GBps", &C::algbw_GBps, "GB/s", "bytes over time");
  column("busbw_GBps", &C::busbw_GBps, "GB/s", "bus bandwidth as nccl-tests defines it");
  column("time_us", &C::time_us, "us", "out of place");
  column("inplace_time_us", &C::inplace_time_us, "us", "in place");
  column("intra_link", &C::intra_link, "", "inside a server");
  column("nic_fabric", &C::nic_fabric, "", "between servers");
  column("lib_version", &C::lib_version, "", "library");
  column("algo_proto", &C::algo_proto, "", "algorithm and protocol");
  column("source", &C::source, "", "who measured it");
  column("how", &C::how, "", "read, derived, recalled, measured");
  column("notes", &C::notes, "", "remarks");
}

}  // namespace

void write_measurements_hdf5(const Measurements& measurements, const std::string& path) {
  Hdf5File file = Hdf5File::create(path);
  file.attribute("/", "format", "tenk-measurements");
  file.attribute("/", "format_version", std::int64_t{1});
  if (!measurements.kernels.empty()) write_kernels(file, measurements.kernels);
  if (!measurements.links.empty()) write_links(file, measurements.links);
  if (!measurements.collectives.empty()) write_collectives(file, measurements.collectives);
  if (!measurements.run.empty()) file.group("/run");
  for (const RunFact& fact : measurements.run) {
    const std::string unit = fact.unit.empty() ? "" : " " + fact.unit;
    file.attribute("/run", fact.name, fact.value + unit);
  }
  file.close();
}

}  // namespace tenk
