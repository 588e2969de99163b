#include "calibration/measured_kernels.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <span>
#include <sstream>
#include <utility>

namespace tenk {
namespace {

constexpr std::string_view kGemmHeader =
    "gpu,framework,version,kernel_source,dtype,m,n,k,latency_ms";
constexpr std::string_view kAttentionHeader =
    "gpu,framework,version,kernel_source,dtype,batch,heads,kv_heads,head_dim,sequence,latency_ms";
constexpr std::size_t kMostFaults = 20;
constexpr std::size_t kMostShown = 60;
constexpr std::size_t kFirstNumber = 5;  // After the origin.
constexpr std::int64_t kMostDimension = 1'000'000'000;

struct Field {
  std::string_view text;
  int column = 1;
};

std::vector<Field> split_fields(std::string_view line) {
  std::vector<Field> fields;
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = std::min(line.find(',', begin), line.size());
    fields.push_back({line.substr(begin, end - begin), static_cast<int>(begin) + 1});
    if (end == line.size()) return fields;
    begin = end + 1;
  }
}

// Reads one table: rows as fields, numbers with faults at their place.
class Table {
 public:
  Table(std::string_view text, std::string file, std::string_view header)
      : rest_(text), file_(std::move(file)), columns_(split_fields(header)) {
    if (!next_line() || line_ != header) fail(1, fmt::format("expected the header {}", header));
  }

  // The next row with the right number of fields; empty at the end or when there are many faults.
  std::span<const Field> next() {
    while (faults_.size() < kMostFaults && next_line()) {
      fields_ = split_fields(line_);
      if (line_.find('"') != std::string_view::npos) {
        fail(static_cast<int>(line_.find('"')) + 1, "found a quote, expected plain fields");
      } else if (fields_.size() != columns_.size()) {
        fail(1, fmt::format("found {} fields, expected {}", fields_.size(), columns_.size()));
      } else {
        return fields_;
      }
    }
    return {};
  }

  std::int64_t dimension(std::size_t i) {
    std::int64_t value = 0;
    if (parse(i, value) && value >= 1 && value <= kMostDimension) return value;
    fail_field(i, fmt::format("a whole number from 1 to {}", kMostDimension));
    return 1;
  }

  double milliseconds(std::size_t i) {
    double value = 0;
    if (parse(i, value) && value > 0 && value <= std::numeric_limits<double>::max()) {
      return value * 1e-3;
    }
    fail_field(i, "milliseconds above 0");
    return 1;
  }

  KernelOrigin origin() const {
    const auto text = [this](std::size_t i) { return std::string(fields_[i].text); };
    return {text(0), text(1), text(2), text(3), text(4)};
  }

  void finish() const {
    if (!faults_.empty()) throw Error(ErrorKind::kFile, faults_);
  }

 private:
  bool next_line() {
    if (rest_.empty()) return false;
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    line_ = rest_.substr(0, end);
    if (line_.ends_with('\r')) line_.remove_suffix(1);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    ++line_number_;
    return true;
  }

  template <class Number>
  bool parse(std::size_t i, Number& value) const {
    const std::string_view text = fields_[i].text;
    const auto end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, value);
    return result.ec == std::errc() && result.ptr == end;
  }

  void fail(int column, std::string message) {
    faults_.push_back(
        {std::move(message), Where{.file = file_,
                                   .line = std::max(line_number_, 1),
                                   .column = column,
                                   .source_line = std::string(line_.substr(0, 500))}});
  }

  void fail_field(std::size_t i, std::string_view expected) {
    fail(fields_[i].column, fmt::format("{}: found \"{}\", expected {}", columns_[i].text,
                                        fields_[i].text.substr(0, kMostShown), expected));
  }

  std::string_view rest_;
  std::string file_;
  std::vector<Field> columns_;
  std::string_view line_ = {};
  std::vector<Field> fields_ = {};
  int line_number_ = 0;
  std::vector<Fault> faults_ = {};
};

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();  // Sets badbit for a directory, where an iterator would throw.
  if (!in.is_open() || text.bad()) {
    throw Error(ErrorKind::kFile, "cannot read the file", Where{.file = path});
  }
  return std::move(text).str();
}

}  // namespace

std::vector<MeasuredGemm> parse_measured_gemms(std::string_view text, const std::string& file) {
  Table table(text, file, kGemmHeader);
  table.finish();
  std::vector<MeasuredGemm> rows;
  while (!table.next().empty()) {
    rows.push_back({.origin = table.origin(),
                    .m = table.dimension(kFirstNumber),
                    .n = table.dimension(kFirstNumber + 1),
                    .k = table.dimension(kFirstNumber + 2),
                    .seconds = table.milliseconds(kFirstNumber + 3)});
  }
  table.finish();
  return rows;
}

std::vector<MeasuredAttention> parse_measured_attention(std::string_view text,
                                                        const std::string& file) {
  Table table(text, file, kAttentionHeader);
  table.finish();
  std::vector<MeasuredAttention> rows;
  while (!table.next().empty()) {
    rows.push_back({.origin = table.origin(),
                    .shape = {.batch = table.dimension(kFirstNumber),
                              .heads = table.dimension(kFirstNumber + 1),
                              .kv_heads = table.dimension(kFirstNumber + 2),
                              .head_dim = table.dimension(kFirstNumber + 3),
                              .sequence = table.dimension(kFirstNumber + 4)},
                    .seconds = table.milliseconds(kFirstNumber + 5)});
  }
  table.finish();
  return rows;
}

std::vector<MeasuredGemm> load_measured_gemms(const std::string& path) {
  return parse_measured_gemms(read_text(path), path);
}

std::vector<MeasuredAttention> load_measured_attention(const std::string& path) {
  return parse_measured_attention(read_text(path), path);
}

std::vector<MeasuredGemm> select_gemms(const std::vector<MeasuredGemm>& rows,
                                       std::string_view dtype, std::int64_t smallest) {
  std::vector<MeasuredGemm> selected;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(selected),
               [&](const MeasuredGemm& row) {
                 return row.origin.dtype == dtype && std::min({row.m, row.n, row.k}) >= smallest;
               });
  return selected;
}

}  // namespace tenk
