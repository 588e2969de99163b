// Output of mamf-finder.py (stas00/ml-engineering): the rate of matrix products by shape.
//
// Three forms of a row, by release: "1 | 300.1 TFLOPS @ MxNxK | best: ..." (the fastest iteration),
// "1 | 756.1(mean) 758.2(median) 762.3(max) @ MxNxK | ...", and columns "# MxNxK mean median max
// best [W MHz]". The median is taken where there is one. A file with no row but a summary gives the
// summary's shapes. K is the reduction's length in all but the first releases, which the FLOPs do
// not depend on.
#include <fmt/format.h>

#include <algorithm>

#include "calibration/importers/importer.h"
#include "calibration/importers/text_lines.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

struct Shape {
  std::int64_t m = 0, n = 0, k = 0;
};

// "4096x4096x8192"
std::optional<Shape> shape_of(std::string_view text) {
  constexpr std::int64_t kMost = 1'000'000;
  std::int64_t sides[3] = {};
  for (int i = 0; i < 3; ++i) {
    const std::size_t end = i < 2 ? text.find('x') : text.size();
    if (end == std::string_view::npos) return std::nullopt;
    const auto side = whole_of(text.substr(0, end));
    if (!side || *side < 1 || *side > kMost) return std::nullopt;
    sides[i] = *side;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return Shape{sides[0], sides[1], sides[2]};
}

// "758.2(median)": the number before the bracket.
Amount before_bracket(std::string_view text) {
  return number_of(text.substr(0, std::min(text.find('('), text.size())));
}

class Reader {
 public:
  Reader(const std::string& text, const std::string& file, const ImportOptions& options)
      : lines_(text, file), stem_(stem_of(file)), options_(options), device_(options.gpu) {}

  Measurements read() {
    while (lines_.next()) read_line();
    lines_.finish();
    if (out_.kernels.empty()) out_.kernels = std::move(summary_);
    if (out_.kernels.empty()) {
      lines_.refuse(
          "no row of mamf-finder found: expected such as \"1 | 756.1(mean) 758.2(median) "
          "762.3(max) @ 4096x4096x4096 | best: ...\"");
    }
    if (dtype_.empty()) out_.remarks.push_back(lines_.place() + ": the type is not named");
    if (device_.empty()) {
      out_.remarks.push_back(lines_.place() + ": the device is not named: give --gpu");
    }
    for (KernelSample& row : out_.kernels) row.gpu = device_;
    return std::move(out_);
  }

 private:
  void read_line();
  void read_row();
  void read_columns();
  void read_summary();
  void read_about(std::string_view line);
  void add(const Word& shape_word, const Word& rate_word, Amount rate, std::string_view which,
           std::vector<KernelSample>& to);

  TextLines lines_;
  std::string stem_;
  const ImportOptions& options_;
  std::string device_, dtype_, software_;
  bool columns_ = false;  // Rows come in columns.
  std::vector<KernelSample> summary_;
  Measurements out_;
};

void Reader::read_line() {
  const std::vector<Word>& words = lines_.words();
  if (words.empty()) return;
  if (words.size() >= 6 && words[0].text == "#" && words[1].text == "MxNxK" &&
      words[3].text == "median") {
    columns_ = true;
  } else if (whole_of(words[0].text) && words.size() > 1 && words[1].text == "|") {
    read_row();
  } else if (columns_ && whole_of(words[0].text) && words.size() > 1 &&
             words[1].text.find('x') != std::string_view::npos) {
    read_columns();
  } else if (lines_.line().find("TFLOPS @") != std::string_view::npos) {
    read_summary();
  } else {
    read_about(trimmed(lines_.line()));
  }
}

void Reader::read_about(std::string_view line) {
  if (line.starts_with("** Dtype: ")) {
    dtype_ = trimmed(line.substr(10));
    if (dtype_.starts_with("torch.")) dtype_.erase(0, 6);
  }
  if (line.starts_with("torch=")) software_ = "torch " + std::string(line.substr(6));
  const std::size_t name = line.find("name='");
  if (name != std::string_view::npos && options_.gpu.empty()) {
    const std::string_view rest = line.substr(name + 6);
    device_ = rest.substr(0, rest.find('\''));
  }
}

// "1 | [label] 756.1(mean) 758.2(median) 762.3(max) @ MxNxK | best: ..." or "1 | 300.1 TFLOPS @
// ...".
void Reader::read_row() {
  const std::vector<Word>& words = lines_.words();
  const auto at =
      std::find_if(words.begin(), words.end(), [](const Word& word) { return word.text == "@"; });
  const bool whole = at != words.end() && at + 1 != words.end() && at - words.begin() >= 4;
  if (lines_.fail_if_open()) return;
  if (!whole) {
    return lines_.fail("expected \"... @ MxNxK | best: ...\": is the row cut off?");
  }
  if (holds(lines_.line(), "SUSPECT")) {
    out_.remarks.push_back(lines_.place() + ": passed over: marked SUSPECT");
    return;
  }
  const Word* rate = nullptr;
  std::string_view which = "fastest iteration";
  for (auto word = words.begin() + 2; word < at; ++word) {
    if (word->text.ends_with("(median)")) {
      rate = &*word;
      which = "median";
    }
  }
  if (rate == nullptr && (at - 1)->text == "TFLOPS") rate = &*(at - 2);
  if (rate == nullptr) return lines_.fail("found neither \"...(median)\" nor \"... TFLOPS @\"");
  add(*(at + 1), *rate, before_bracket(rate->text), which, out_.kernels);
}

void Reader::read_columns() {
  if (lines_.fail_if_open()) return;
  const std::vector<Word>& words = lines_.words();
  if (words.size() < 6) {
    return lines_.fail(
        fmt::format("found {} fields, expected at least 6 (# MxNxK mean median max "
                    "best): is the row cut off?",
                    words.size()));
  }
  add(words[1], words[3], number_of(words[3].text), "median", out_.kernels);
}

// "median: 758.2 TFLOPS @ MxNxK (MxNxK)", "The best outcome was 300.1TFLOPS @ MxNxK ...".
void Reader::read_summary() {
  if (lines_.fail_if_open()) return;
  const std::vector<Word>& words = lines_.words();
  const auto at =
      std::find_if(words.begin(), words.end(), [](const Word& word) { return word.text == "@"; });
  if (at == words.end() || at + 1 == words.end() || at == words.begin()) return;
  const Word* rate = &*(at - 1);
  if (rate->text == "TFLOPS" && at - words.begin() >= 2) --rate;
  std::string_view number = rate->text;
  if (number.ends_with("TFLOPS")) number.remove_suffix(6);
  const std::string which =
      words[0].text.ends_with(':')
          ? "best " + std::string(words[0].text.substr(0, words[0].text.size() - 1))
          : "best";
  if (!number_of(number) || !shape_of((at + 1)->text)) return;
  add(*(at + 1), *rate, number_of(number), which, summary_);
}

void Reader::add(const Word& shape_word, const Word& rate_word, Amount rate, std::string_view which,
                 std::vector<KernelSample>& to) {
  const std::optional<Shape> shape = shape_of(shape_word.text);
  if (!shape) {
    return lines_.fail(shape_word, fmt::format("found \"{}\", expected a shape such as "
                                               "4096x4096x8192",
                                               shown(shape_word.text)));
  }
  constexpr double kLeast = 1e-3;
  if (!rate || !(*rate >= kLeast)) {
    return lines_.fail(rate_word, fmt::format("found \"{}\", expected TFLOP/s of at least 0.001",
                                              shown(rate_word.text)));
  }
  KernelSample row;
  row.id = fmt::format("{}-{}", stem_, to.size() + 1);
  row.kernel = "GEMM dense";
  row.dtype = dtype_;
  row.m = shape->m;
  row.n = shape->n;
  row.k = shape->k;
  row.tflops = *rate;
  constexpr double kUsPerTera = 1e-6;  // FLOP / (TFLOP/s) in us.
  row.time_us = 2.0 * static_cast<double>(shape->m) * static_cast<double>(shape->n) *
                static_cast<double>(shape->k) / *rate * kUsPerTera;
  row.software = software_;
  row.source = "mamf-finder";
  row.how = "read";
  row.notes = which;
  to.push_back(std::move(row));
}

Measurements read_mamf(const std::string& text, const std::string& file,
                       const ImportOptions& options) {
  return Reader(text, file, options).read();
}

}  // namespace

extern const ImportKind kMamfImport{
    .name = "mamf", .summary = "matrix products timed by mamf-finder.py", .read = read_mamf};

}  // namespace tenk
