// Output of nvbandwidth, as text or as JSON (-j): a matrix of rates a test.
//
// One row a test: the median over all pairs measured, with the least and the greatest beside it; a
// spread of more than a tenth is remarked on, for then pairs are not alike. "N/A" pairs, and zeros
// on the diagonal (old releases), were not measured. The printed sum must be that of the cells.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "calibration/importers/importer.h"
#include "calibration/importers/json_fields.h"
#include "calibration/importers/text_lines.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

constexpr double kAlike = 1.1;
constexpr double kDigit = 0.005;  // Half of the last digit printed.

struct Matrix {
  std::string test, description;
  std::vector<double> cells;  // Those measured.
  double sum = 0;             // Of them.
  std::size_t all = 0;        // With those that were not.
  std::vector<std::string> remarks = {};
};

struct Ends {
  std::string kind, endpoints;
};

// From the test's name, which says what moves where.
Ends ends_of(std::string_view test) {
  const bool local = holds(test, "local");
  const bool both = holds(test, "bidir");
  const std::string other = both ? ", other direction busy" : "";
  if (local) return {"device memory", "GPU memory"};
  if (holds(test, "host_to_all") || holds(test, "all_to_host")) {
    return {"host-device",
            holds(test, "host_to") ? "host->all devices" + other : "all devices->host" + other};
  }
  if (holds(test, "host_to_device")) return {"host-device", "host->device" + other};
  if (holds(test, "device_to_host")) return {"host-device", "device->host" + other};
  if (holds(test, "host_device")) return {"host-device", "host-device"};
  if (holds(test, "all_to_one")) return {"device-device", "all GPUs->GPU" + other};
  if (holds(test, "one_to_all")) return {"device-device", "GPU->all GPUs" + other};
  return {"device-device", both ? "GPU-GPU, both directions at once" : "GPU-GPU"};
}

// nullopt: the description names a unit that is not known.
std::optional<std::pair<std::string, std::string>> metric_of(std::string_view description) {
  if (description.ends_with("(GB/s)")) return {{"copy bandwidth", "GB/s"}};
  if (description.ends_with("(ns)")) return {{"latency", "ns"}};
  return std::nullopt;
}

std::optional<LinkSample> row_of(Matrix& matrix, const std::string& device, const std::string& tool,
                                 const std::string& stem) {
  if (matrix.cells.empty()) return std::nullopt;
  std::vector<double> sorted = matrix.cells;
  std::sort(sorted.begin(), sorted.end());
  const std::size_t half = sorted.size() / 2;
  const double median =
      sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  const auto metric = metric_of(matrix.description);
  const Ends ends = ends_of(matrix.test);
  LinkSample row;
  row.id = stem + "-" + matrix.test;
  row.kind = ends.kind;
  row.device = device;
  row.endpoints = ends.endpoints;
  row.metric = metric->first;
  row.value = fmt::format("{}", median);
  row.unit = metric->second;
  row.conditions = "nvbandwidth " + matrix.test;
  row.source = tool;
  row.how = "read";
  row.notes = fmt::format("median of {}, {} to {}", sorted.size(), sorted.front(), sorted.back());
  if (sorted.back() > kAlike * sorted.front()) {
    matrix.remarks.push_back(fmt::format("{}: pairs are not alike: {} to {} {}", matrix.test,
                                         sorted.front(), sorted.back(), row.unit));
  }
  return row;
}

class TextReader {
 public:
  TextReader(const std::string& text, const std::string& file, const ImportOptions& options)
      : lines_(text, file), stem_(stem_of(file)), device_(options.gpu), named_(!device_.empty()) {}

  Measurements read() {
    while (lines_.next()) read_line();
    close();
    lines_.finish();
    if (!found_) {
      lines_.refuse(
          "no test of nvbandwidth found: expected \"Running ...\" and a matrix in (GB/s) "
          "or (ns)");
    }
    return std::move(out_);
  }

 private:
  void remark(const std::string& text) { out_.remarks.push_back(lines_.place() + ": " + text); }

  void read_line();
  void read_cells();
  void read_sum(const std::vector<Word>& words);
  void close();

  TextLines lines_;
  std::string stem_, device_, tool_ = "nvbandwidth";
  bool named_ = false, found_ = false;
  Matrix matrix_;
  std::size_t columns_ = 0, rows_ = 0;
  bool open_ = false;  // The matrix of matrix_.test has begun.
  Measurements out_;
};

void TextReader::read_line() {
  const std::vector<Word>& words = lines_.words();
  const std::string_view line = trimmed(lines_.line());
  if (words.empty()) return;
  if (words[0].text == "Running" && words.size() == 2 && words[1].text.ends_with('.')) {
    close();
    found_ = true;
    matrix_.test = words[1].text.substr(0, words[1].text.size() - 1);
    return;
  }
  if (line.starts_with("nvbandwidth Version:")) {
    tool_ = "nvbandwidth " + std::string(words.back().text);
    return;
  }
  // "Device 0: NAME (BUS)", "Process 0 (HOST): device 0: NAME (BUS)".
  const std::size_t device = line.starts_with("Device ")    ? line.find(": ")
                             : line.starts_with("Process ") ? line.rfind(": ")
                                                            : std::string_view::npos;
  if (device != std::string_view::npos && !found_) {
    std::string_view name = line.substr(device + 2);
    name = trimmed(name.substr(0, name.rfind(" (")));
    if (!named_ && !holds(device_, name))
      device_ += (device_.empty() ? "" : "; ") + std::string(name);
    return;
  }
  if (matrix_.test.empty()) return;
  if (line.starts_with("Waived") || line.starts_with("Error") || line.starts_with("ERROR")) {
    remark(fmt::format("passed over: {}: {}", matrix_.test, shown(line)));
    matrix_ = {};
  } else if (words[0].text == "SUM") {
    read_sum(words);
  } else if (!open_ && line.ends_with(')') && holds(line, "(row)")) {
    if (!metric_of(line)) {
      lines_.fail(words.back(),
                  fmt::format("found \"{}\", expected a matrix in (GB/s) or (ns)", shown(line)));
      matrix_ = {};
      return;
    }
    matrix_.description = line;
    open_ = true;
    columns_ = rows_ = 0;
  } else if (open_ && whole_of(words[0].text)) {
    read_cells();
  }
}

void TextReader::read_cells() {
  const std::vector<Word>& words = lines_.words();
  if (columns_ == 0) {  // The line of column numbers.
    columns_ = words.size();
    return;
  }
  if (lines_.fail_if_open()) return;
  if (words.size() != columns_ + 1) {
    lines_.fail(
        fmt::format("found {} fields, expected {} (the row and a value for each of {}): is "
                    "the matrix cut off?",
                    words.size(), columns_ + 1, columns_));
    return;
  }
  const std::int64_t row = *whole_of(words[0].text);
  for (std::size_t i = 1; i < words.size(); ++i) {
    ++matrix_.all;
    const Amount value = number_of(words[i].text);
    if (words[i].text != "N/A" && (!value || *value < 0)) {
      lines_.fail(words[i],
                  fmt::format("found \"{}\", expected a number or N/A", shown(words[i].text)));
    } else if (value && (*value > 0 || row != static_cast<std::int64_t>(i) - 1)) {
      if (!(*value > 0)) {
        lines_.fail(words[i], "found 0, expected a rate above 0");
        continue;
      }
      matrix_.cells.push_back(*value);
      matrix_.sum += *value;
    }
  }
  ++rows_;
}

void TextReader::read_sum(const std::vector<Word>& words) {
  const Amount sum = words.size() == 3 ? number_of(words[2].text) : std::nullopt;
  const double allowed =
      kDigit * static_cast<double>(matrix_.cells.size() + 2) + 1e-6 * matrix_.sum;
  if (!sum || std::abs(*sum - matrix_.sum) > allowed) {
    lines_.fail(
        fmt::format("the sum is not that of the {} values above ({:.2f}): are rows missing?",
                    matrix_.cells.size(), matrix_.sum));
  }
  close();
}

void TextReader::close() {
  if (!matrix_.test.empty()) {
    const bool square = holds(matrix_.description, "GPU(row)") && rows_ > 0;
    if (square && rows_ != columns_) {
      lines_.fail(fmt::format("{}: {} rows, expected {}: is the matrix cut off?", matrix_.test,
                              rows_, columns_));
    }
    if (auto row = row_of(matrix_, device_, tool_, stem_)) {
      out_.links.push_back(std::move(*row));
    } else {
      remark(matrix_.test + " gave no numbers");
    }
    for (const std::string& text : matrix_.remarks) remark(text);
  }
  matrix_ = {};
  open_ = false;
}

// The JSON's values are texts such as "395.08".
void read_cells(const JsonFields& fields, Matrix& matrix) {
  std::size_t row = 0;
  for (const Config& line : fields.list("bandwidth_matrix")) {
    std::size_t column = 0;
    for (const Config& cell : line.items()) {
      ++matrix.all;
      const std::string text = cell.kind() == Config::Kind::kScalar ? cell.text() : "";
      const Amount value = number_of(text);
      if (value && *value > 0) {
        matrix.cells.push_back(*value);
        matrix.sum += *value;
      } else if (text != "N/A" && !(value && *value == 0 && row == column)) {
        fields.fail("bandwidth_matrix",
                    fmt::format("found \"{}\", expected a number above 0 or \"N/A\"", shown(text)));
      }
      ++column;
    }
    ++row;
  }
}

Measurements read_json(const std::string& text, const std::string& file,
                       const ImportOptions& options) {
  const Config tree = Config::parse(text, file);
  std::vector<Fault> faults;
  const JsonFields root = JsonFields(&tree, "", faults).map("nvbandwidth");
  std::string device = options.gpu;
  for (const Config& line : root.list("GPU Device list")) {  // "0: NAME (BUS)"
    if (!options.gpu.empty() || line.kind() != Config::Kind::kScalar) continue;
    std::string_view name = line.text();
    name = name.substr(std::min(name.find(": ") + 2, name.size()));
    name = trimmed(name.substr(0, name.rfind(" (")));
    if (!holds(device, name)) device += (device.empty() ? "" : "; ") + std::string(name);
  }
  const std::string version = root.text("version");
  Measurements out;
  const std::vector<Config>& tests = root.list("testcases");
  if (tests.empty())
    root.fail("testcases", "expected the list of tests that nvbandwidth -j writes");
  for (const Config& test : tests) {
    const JsonFields fields(&test, "testcases", faults);
    Matrix matrix{.test = fields.text("name"),
                  .description = fields.text("bandwidth_description"),
                  .cells = {}};
    const Where where = test.where();
    const auto remark = [&](const std::string& what) {
      out.remarks.push_back(fmt::format("{}:{}: {}", where.file, where.line, what));
    };
    const std::string status = fields.text("status");
    if (status != "Passed") {
      remark(fmt::format("passed over: {} is \"{}\"", shown(matrix.test), shown(status)));
      continue;
    }
    if (!metric_of(matrix.description)) {
      fields.fail("bandwidth_description",
                  fmt::format("found \"{}\", expected a matrix in (GB/s) or "
                              "(ns)",
                              shown(matrix.description)));
      continue;
    }
    read_cells(fields, matrix);
    const Amount sum = fields.number("sum");
    if (sum && std::abs(*sum - matrix.sum) > 1e-3 * matrix.sum) {
      fields.fail("sum", fmt::format("is not that of the {} values ({:.2f})", matrix.cells.size(),
                                     matrix.sum));
    }
    auto row = row_of(matrix, device, "nvbandwidth" + (version.empty() ? "" : " " + version),
                      stem_of(file));
    if (row) out.links.push_back(std::move(*row));
    if (!row) remark(matrix.test + " gave no numbers");
    for (const std::string& what : matrix.remarks) remark(what);
  }
  if (!faults.empty()) throw Error(ErrorKind::kFile, faults);
  return out;
}

Measurements read_nvbandwidth(const std::string& text, const std::string& file,
                              const ImportOptions& options) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin != std::string::npos && text[begin] == '{') return read_json(text, file, options);
  return TextReader(text, file, options).read();
}

}  // namespace

extern const ImportKind kNvbandwidthImport{
    .name = "nvbandwidth", .summary = "text or JSON of nvbandwidth", .read = read_nvbandwidth};

}  // namespace tenk
