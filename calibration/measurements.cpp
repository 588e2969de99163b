#include "calibration/measurements.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "sim/base/csv.h"
#include "sim/base/error.h"
#include "sim/base/text.h"
#include "sim/base/text_file.h"

namespace tenk {
namespace {

template <class Row>
struct Column {
  std::string_view name;
  std::variant<std::string Row::*, Count Row::*, Amount Row::*> field;
};

using K = KernelSample;
constexpr Column<K> kKernelColumns[] = {
    {"id", &K::id},
    {"gpu", &K::gpu},
    {"kernel", &K::kernel},
    {"dtype", &K::dtype},
    {"m", &K::m},
    {"n", &K::n},
    {"k", &K::k},
    {"groups", &K::groups},
    {"batch", &K::batch},
    {"heads", &K::heads},
    {"kv_heads", &K::kv_heads},
    {"head_dim", &K::head_dim},
    {"seq_q", &K::seq_q},
    {"seq_k", &K::seq_k},
    {"causal", &K::causal},
    {"direction", &K::direction},
    {"tflops", &K::tflops},
    {"GBps", &K::GBps},
    {"time_us", &K::time_us},
    {"software", &K::software},
    {"source", &K::source},
    {"how", &K::how},
    {"notes", &K::notes},
};
using C = CollectiveSample;
constexpr Column<C> kCollectiveColumns[] = {
    {"sweep_id", &C::sweep_id},
    {"gpu", &C::gpu},
    {"nodes", &C::nodes},
    {"gpus", &C::gpus},
    {"collective", &C::collective},
    {"bytes", &C::bytes},
    {"algbw_GBps", &C::algbw_GBps},
    {"busbw_GBps", &C::busbw_GBps},
    {"time_us", &C::time_us},
    {"inplace_time_us", &C::inplace_time_us},
    {"intra_link", &C::intra_link},
    {"nic_fabric", &C::nic_fabric},
    {"lib_version", &C::lib_version},
    {"algo_proto", &C::algo_proto},
    {"source", &C::source},
    {"how", &C::how},
    {"notes", &C::notes},
};
using L = LinkSample;
constexpr Column<L> kLinkColumns[] = {
    {"id", &L::id},         {"kind", &L::kind},
    {"device", &L::device}, {"endpoints", &L::endpoints},
    {"metric", &L::metric}, {"value", &L::value},
    {"unit", &L::unit},     {"conditions", &L::conditions},
    {"source", &L::source}, {"how", &L::how},
    {"notes", &L::notes},
};

constexpr IntegerRange kCounts = {.min = 0, .max = 1'000'000'000'000};
constexpr NumberRange kAmounts = {.min = 0, .max = 1e18};

// One field of the row `csv` stands on, into `row`.
template <class Row>
void read_cell(CsvReader& csv, std::size_t column, const Column<Row>& schema, Row& row) {
  std::visit(
      [&](const auto& field) {
        using Value = std::remove_reference_t<decltype(row.*field)>;
        if constexpr (std::is_same_v<Value, std::string>) {
          row.*field = csv.text(column);
        } else if constexpr (std::is_same_v<Value, Count>) {
          row.*field = csv.integer(column, kCounts);
        } else {
          row.*field = csv.number(column, kAmounts);
        }
      },
      schema.field);
}

template <class Row>
std::vector<Row> read_rows(CsvReader& csv, std::span<const Column<Row>> schema,
                           const std::string& file) {
  std::vector<std::string> names;
  for (const auto& column : schema) names.emplace_back(column.name);
  std::vector<const Column<Row>*> of_column;
  std::vector<Fault> unknown;
  for (const std::string& name : csv.columns()) {
    const auto found = std::find(names.begin(), names.end(), name);
    of_column.push_back(found == names.end() ? nullptr : &schema[found - names.begin()]);
    if (found != names.end()) continue;
    const std::string nearest = nearest_name(name, names);
    unknown.push_back({fmt::format("unknown column \"{}\"{}", shown(name),
                                   nearest.empty() ? "" : "; did you mean " + nearest + "?"),
                       Where{.file = file, .line = 1, .column = 1}});
  }
  if (!unknown.empty()) throw Error(ErrorKind::kFile, unknown);
  std::vector<Row> rows;
  while (csv.next()) {
    Row& row = rows.emplace_back();
    row.line = csv.line();
    for (std::size_t i = 0; i < of_column.size(); ++i) read_cell(csv, i, *of_column[i], row);
  }
  csv.finish();
  return rows;
}

// A number, "<" and a number, or two with a dash between.
bool is_link_value(std::string_view text) {
  if (text.starts_with('<') || text.starts_with('>'))
    return parse_number(text.substr(1)).has_value();
  const std::size_t dash = text.find('-', 1);
  if (parse_number(text) || dash == std::string_view::npos) return parse_number(text).has_value();
  return parse_number(text.substr(0, dash)) && parse_number(text.substr(dash + 1));
}

std::vector<LinkSample> read_links(CsvReader& csv, const std::string& file) {
  std::vector<LinkSample> rows = read_rows<LinkSample>(csv, kLinkColumns, file);
  std::vector<Fault> faults;
  for (const LinkSample& row : rows) {
    if (row.value.empty() || is_link_value(row.value)) continue;
    faults.push_back({fmt::format("value: found \"{}\", expected a number, a bound such as <130 or "
                                  "a range such as 2-5",
                                  shown(row.value)),
                      Where{.file = file, .line = row.line, .column = 1}});
  }
  if (!faults.empty()) throw Error(ErrorKind::kFile, faults);
  return rows;
}

// The header gpu,framework,version,kernel_source,dtype,m,n,k,latency_ms.
std::vector<KernelSample> read_product_table(CsvReader& csv, const std::string& file) {
  const auto column = [&](std::string_view name) { return csv.column(name); };
  const std::size_t gpu = column("gpu"), framework = column("framework");
  const std::size_t version = column("version"), kernel = column("kernel_source");
  const std::size_t dtype = column("dtype"), latency = column("latency_ms");
  const std::size_t m = column("m"), n = column("n"), k = column("k");
  std::vector<KernelSample> rows;
  while (csv.next()) {
    KernelSample& row = rows.emplace_back();
    row.line = csv.line();
    row.id = fmt::format("{}:{}", file.substr(file.rfind('/') + 1), row.line);
    row.gpu = csv.text(gpu);
    row.kernel = "gemm";
    row.dtype = csv.text(dtype);
    row.m = csv.integer(m, kCounts);
    row.n = csv.integer(n, kCounts);
    row.k = csv.integer(k, kCounts);
    if (const Amount ms = csv.number(latency, kAmounts)) row.time_us = *ms * 1e3;
    row.software = csv.text(framework) + " " + csv.text(version) + " " + csv.text(kernel);
  }
  csv.finish();
  return rows;
}

std::string cell_text(const std::string& value) { return csv_field(value); }
template <class Number>
std::string cell_text(const std::optional<Number>& value) {
  return value ? fmt::format("{}", *value) : "";
}

template <class Row>
std::string table_text(const std::vector<Row>& rows, std::span<const Column<Row>> schema) {
  std::string text;
  for (const auto& column : schema) {
    text += fmt::format("{}{}", &column == schema.data() ? "" : ",", column.name);
  }
  text += '\n';
  for (const Row& row : rows) {
    for (const auto& column : schema) {
      if (&column != schema.data()) text += ',';
      text += std::visit([&](const auto& field) { return cell_text(row.*field); }, column.field);
    }
    text += '\n';
  }
  return text;
}

template <class Row>
void append_rows(std::vector<Row>& to, std::vector<Row> more) {
  to.insert(to.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

Amount number_of(const LinkSample& sample) { return parse_number(sample.value); }

void Measurements::append(Measurements more) {
  append_rows(kernels, std::move(more.kernels));
  append_rows(collectives, std::move(more.collectives));
  append_rows(links, std::move(more.links));
  append_rows(run, std::move(more.run));
  append_rows(remarks, std::move(more.remarks));
}

Measurements read_measurements(std::string text, const std::string& file) {
  CsvReader csv(std::move(text), file);
  Measurements all;
  if (csv.has("latency_ms")) {
    all.kernels = read_product_table(csv, file);
  } else if (csv.has("kernel")) {
    all.kernels = read_rows<KernelSample>(csv, kKernelColumns, file);
  } else if (csv.has("collective")) {
    all.collectives = read_rows<CollectiveSample>(csv, kCollectiveColumns, file);
  } else if (csv.has("endpoints")) {
    all.links = read_links(csv, file);
  } else {
    throw Error(ErrorKind::kFile,
                "its columns are of no table known: expected one of \"kernel\" (kernels), "
                "\"collective\" (collectives), \"endpoints\" (links)",
                Where{.file = file, .line = 1, .column = 1});
  }
  return all;
}

Measurements load_measurements(const std::string& path) {
  return read_measurements(read_text_file(path), path);
}

std::string to_csv(const std::vector<KernelSample>& rows) {
  return table_text<KernelSample>(rows, kKernelColumns);
}
std::string to_csv(const std::vector<CollectiveSample>& rows) {
  return table_text<CollectiveSample>(rows, kCollectiveColumns);
}
std::string to_csv(const std::vector<LinkSample>& rows) {
  return table_text<LinkSample>(rows, kLinkColumns);
}

}  // namespace tenk
