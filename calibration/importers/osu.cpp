// Output of the OSU micro-benchmarks (osu_latency, osu_bw, osu_allreduce, ..., with any MPI, CUDA,
// ROCm or NCCL back end).
//
// MB/s is 10^6 bytes a second there. Sizes of all-gather, all-to-all, gather and scatter are one
// rank's share, so nccl-tests' size is that times the ranks, which the output does not tell:
// collectives need --gpus. The two-sided latency is half a round trip.
#include <fmt/format.h>

#include <algorithm>

#include "calibration/importers/importer.h"
#include "calibration/importers/nccl.h"
#include "calibration/importers/text_lines.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

struct Test {
  std::string name;      // "Allreduce", "Bandwidth", "Latency", "Bi-Directional Bandwidth".
  std::string back_end;  // "MPI-CUDA", "NCCL", ...
  std::string version;   // "7.5"
  std::string buffers;   // "device to device"
  std::optional<std::string> collective;
  bool rate = false;        // The value is MB/s, else us.
  std::size_t columns = 0;  // 0: no table has begun.
  std::size_t validation = 0;
};

// "# OSU MPI-CUDA Allreduce Latency Test v7.0"
std::optional<Test> test_of(const std::vector<Word>& words) {
  const auto end = std::find_if(words.begin(), words.end(),
                                [](const Word& word) { return word.text == "Test"; });
  if (words.size() < 5 || words[1].text != "OSU" || end == words.end()) return std::nullopt;
  Test test;
  test.back_end = words[2].text;
  if (end + 1 != words.end() && (end + 1)->text.starts_with('v')) {
    test.version = (end + 1)->text.substr(1);
  }
  for (auto word = words.begin() + 3; word < end; ++word) {
    test.name += (test.name.empty() ? "" : " ") + std::string(word->text);
  }
  std::string operation = test.name;
  for (const std::string_view ending : {" Latency", " Personalized Exchange"}) {
    if (operation.ends_with(ending)) operation.resize(operation.size() - ending.size());
  }
  if (operation == "All-to-All Personalized Exchange") operation = "alltoall";
  test.collective = collective_of(operation);
  return test;
}

class Reader {
 public:
  Reader(const std::string& text, const std::string& file, const ImportOptions& options)
      : lines_(text, file), stem_(stem_of(file)), options_(options) {}

  Measurements read() {
    while (lines_.next()) {
      const std::vector<Word>& words = lines_.words();
      if (words.empty()) continue;
      if (words[0].text.starts_with('#')) {
        read_comment();
      } else if (test_ && test_->columns > 0 && number_of(words[0].text)) {
        read_row();
      }
    }
    lines_.finish();
    if (tables_ == 0) {
      lines_.refuse("no table of OSU found: expected \"# OSU ... Test v...\" and \"# Size ...\"");
    }
    if (out_.collectives.empty() && out_.links.empty()) {
      out_.remarks.push_back(lines_.place() + ": the tables have no rows");
    }
    return std::move(out_);
  }

 private:
  void read_comment();
  void read_header();
  void read_row();
  void add_collective(std::int64_t bytes, double us);
  void add_link(std::int64_t bytes, double value);
  void remark(const std::string& text) { out_.remarks.push_back(lines_.place() + ": " + text); }

  TextLines lines_;
  std::string stem_;
  const ImportOptions& options_;
  std::optional<Test> test_;
  int tables_ = 0;
  Measurements out_;
};

void Reader::read_comment() {
  const std::string_view line = lines_.line();
  if (auto test = test_of(lines_.words())) {
    test_ = std::move(test);
    return;
  }
  if (!test_) return;
  if (holds(line, "Send Buffer on") || holds(line, "Buffer on DEVICE")) {
    test_->buffers = std::string(trimmed(line.substr(line.find_first_not_of("# "))));
    return;
  }
  const std::vector<Word>& words = lines_.words();
  const std::size_t first = words[0].text == "#" ? 1 : 0;
  if (words.size() > first && (words[first].text == "Size" || words[first].text == "#Size")) {
    read_header();
  }
}

// "# Size  Avg Latency(us)  Min Latency(us) ...", "# Size  Bandwidth (MB/s)  Validation".
void Reader::read_header() {
  ++tables_;
  std::string text(trimmed(lines_.line()));
  const auto count = [&](std::string_view part) {
    std::size_t n = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
      ++n;
    }
    return n;
  };
  const std::size_t units = count("(us)") + count("(MB/s)") + count("(GB/s)");
  const std::size_t rate = text.find("(MB/s)"), time = text.find("(us)");
  if (rate == std::string::npos && time == std::string::npos) {
    test_->columns = 0;
    return lines_.fail("found no column in (us) or (MB/s)");
  }
  test_->rate = rate < time;
  test_->validation = 0;
  test_->columns = 1 + units + count("Iterations") + count("Messages/s");
  if (holds(text, "Validation")) test_->validation = test_->columns++;
}

void Reader::read_row() {
  const std::vector<Word>& words = lines_.words();
  const Test& test = *test_;
  const auto bytes = whole_of(words[0].text);
  if (!bytes) return lines_.fail(words[0], "Size: expected a whole number of bytes");
  if (lines_.fail_if_open()) return;
  if (words.size() < 2) return lines_.fail("found a size alone: is the row cut off?");
  const Amount value = number_of(words[1].text);
  if (!value || *value < 0) {
    return lines_.fail(words[1], fmt::format("found \"{}\", expected a number that is not negative",
                                             shown(words[1].text)));
  }
  if (words.size() != test.columns) {
    return lines_.fail(words.back(), fmt::format("found {} fields, expected {}: does another line "
                                                 "break the row?",
                                                 words.size(), test.columns));
  }
  if (test.validation > 0 && words[test.validation].text == "Fail") {
    return remark(fmt::format("passed over: the results of {} B are wrong", *bytes));
  }
  if (*bytes == 0 || !(*value > 0)) {
    return remark(fmt::format("passed over: {} B, {}", *bytes, words[1].text));
  }
  if (test.collective && !test.rate) {
    add_collective(*bytes, *value);
  } else {
    add_link(*bytes, *value);
  }
}

void Reader::add_collective(std::int64_t bytes, double us) {
  const Test& test = *test_;
  const bool shares = counts_all_shares(*test.collective) && *test.collective != "reducescatter";
  if (shares && !options_.gpus) {
    test_->columns = 0;  // Once a table is enough.
    return lines_.fail(fmt::format(
        "the size of {} is one rank's share and the number of ranks is not printed: give --gpus",
        *test.collective));
  }
  CollectiveSample row;
  row.sweep_id = fmt::format("{}-{}-{}", stem_, tables_, *test.collective);
  row.gpu = options_.gpu;
  row.nodes = options_.nodes;
  row.gpus = options_.gpus;
  row.collective = *test.collective;
  row.bytes = static_cast<double>(bytes) * (shares ? static_cast<double>(*options_.gpus) : 1.0);
  row.time_us = us;
  row.lib_version = test.back_end;
  row.source = "OSU micro-benchmarks" + (test.version.empty() ? "" : " " + test.version);
  row.how = "read";
  row.notes = test.buffers;
  set_bandwidths(row);
  out_.collectives.push_back(std::move(row));
}

void Reader::add_link(std::int64_t bytes, double value) {
  const Test& test = *test_;
  constexpr double kMegaToGiga = 1e-3;
  LinkSample row;
  row.id = fmt::format("{}-{}-{}", stem_, tables_, bytes);
  row.kind = test.back_end;
  row.device = options_.gpu;
  const bool both = holds(test.name, "Bi-Directional") || holds(test.name, "Bidirectional");
  row.endpoints = both ? "rank-rank, both directions" : "rank-rank";
  row.metric = test.rate ? "bandwidth" : "latency";
  row.value = fmt::format("{}", test.rate ? value * kMegaToGiga : value);
  row.unit = test.rate ? "GB/s" : "us";
  row.conditions = fmt::format("{} B, OSU {}", bytes, test.name);
  row.source = "OSU micro-benchmarks" + (test.version.empty() ? "" : " " + test.version);
  row.how = "read";
  row.notes = test.buffers;
  out_.links.push_back(std::move(row));
}

Measurements read_osu(const std::string& text, const std::string& file,
                      const ImportOptions& options) {
  return Reader(text, file, options).read();
}

}  // namespace

extern const ImportKind kOsuImport{
    .name = "osu", .summary = "output of the OSU micro-benchmarks", .read = read_osu};

}  // namespace tenk
