// Logs of the NCCL Inspector profiler plugin: one JSON object a line and operation.
//
// A training run repeats the same operation thousands of times, so a row is the median of all
// lines with the same collective, size, communicator shape, algorithm and timer. Its message size
// of all-gather and reduce-scatter is one rank's share (bandwidth = size x ranks / time). Host
// names and process numbers are read past and never stored.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "calibration/importers/importer.h"
#include "calibration/importers/json_fields.h"
#include "calibration/importers/nccl.h"
#include "calibration/importers/text_lines.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

struct Operation {
  std::string collective;
  std::int64_t nodes = 0, ranks = 0, bytes = 0;
  std::string choice, timer;
  auto operator<=>(const Operation&) const = default;
};

class Log {
 public:
  Log(const std::string& text, const std::string& file) : lines_(text, file), file_(file) {}

  std::map<Operation, std::vector<double>> read() {
    while (lines_.next()) {
      if (lines_.words().empty()) continue;
      if (!lines_.words()[0].text.starts_with('{')) {
        lines_.fail("found no JSON object, expected one a line");
        continue;
      }
      read_line();
    }
    lines_.finish();
    return std::move(times_);
  }
  std::int64_t other() const { return other_; }
  const TextLines& lines() const { return lines_; }

 private:
  // Faults of one line's tree, at their place in the file.
  void report(const std::vector<Fault>& faults) {
    const Word& begin = lines_.words()[0];
    for (const Fault& fault : faults) {
      const int column = std::max(fault.where.line == 1 ? fault.where.column : 1, 1);
      lines_.fail(begin.offset + static_cast<std::uint32_t>(column) - 1, fault.message);
    }
  }

  void read_line() {
    const Word& begin = lines_.words()[0];
    const std::string_view line = lines_.line();
    const auto skipped = static_cast<std::size_t>(begin.text.data() - line.data());
    std::vector<Fault> faults;
    try {
      const Config tree = Config::parse(line.substr(skipped), file_);
      read_operation(JsonFields(&tree, "", faults));
    } catch (const Error& error) {
      faults = error.faults();
    }
    report(faults);
  }

  void read_operation(const JsonFields& root) {
    const JsonFields header = root.map("header");
    const JsonFields perf = root.map("coll_perf");
    if (!root.has("coll_perf")) {
      if (!root.has("header")) root.fail("coll_perf", "is missing: no line of NCCL Inspector");
      ++other_;
      return;
    }
    const auto collective = collective_of(perf.text("coll"));
    if (!collective) {
      ++other_;
      return;
    }
    const Count ranks = header.whole("n_ranks");
    const Count bytes = perf.whole("coll_msg_size_bytes");
    const Amount time = perf.number("coll_exec_time_us");
    for (const char* key : {"coll_msg_size_bytes", "coll_exec_time_us"}) {
      if (!perf.has(key)) perf.fail(key, "is missing");
    }
    if (!ranks || *ranks < 1) header.fail("n_ranks", "expected a number of ranks above 0");
    if (!ranks || *ranks < 1 || !bytes || !time) return;
    if (*bytes == 0 || !(*time > 0)) {  // Whole microseconds: shorter ones are printed as 0.
      ++other_;
      return;
    }
    std::string choice = perf.text("coll_algo");
    const std::string protocol = perf.text("coll_proto");
    if (choice == "unknown") choice.clear();
    if (!choice.empty() && protocol != "unknown") choice += " " + protocol;
    const bool shares = *collective == "allgather" || *collective == "reducescatter";
    constexpr auto kMostBytes = static_cast<std::int64_t>(kMostNumber);
    if (shares && *bytes > kMostBytes / *ranks) {
      return perf.fail("coll_msg_size_bytes", "is too large");
    }
    const Operation operation{.collective = *collective,
                              .nodes = header.whole("nnodes").value_or(0),
                              .ranks = *ranks,
                              .bytes = shares ? *bytes * *ranks : *bytes,
                              .choice = choice,
                              .timer = perf.text("coll_timing_source")};
    times_[operation].push_back(*time);
  }

  TextLines lines_;
  std::string file_;
  std::map<Operation, std::vector<double>> times_;
  std::int64_t other_ = 0;  // Lines of other kinds, of nothing, or too short to be timed.
};

Measurements read_inspector(const std::string& text, const std::string& file,
                            const ImportOptions& options) {
  Log log(text, file);
  auto times = log.read();
  Measurements out;
  for (auto& [operation, samples] : times) {
    const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
    std::nth_element(samples.begin(), middle, samples.end());
    CollectiveSample row;
    row.sweep_id = fmt::format("{}-{}-{}", stem_of(file), operation.collective, operation.ranks);
    row.gpu = options.gpu;
    if (operation.nodes > 0) row.nodes = operation.nodes;
    if (options.nodes) row.nodes = options.nodes;
    row.gpus = operation.ranks;
    row.collective = operation.collective;
    row.bytes = static_cast<double>(operation.bytes);
    row.time_us = *middle;
    row.algo_proto = operation.choice;
    row.source = "NCCL Inspector";
    row.how = "read";
    row.notes = fmt::format("median of {}{}", samples.size(),
                            operation.timer.empty() ? "" : ", timer " + operation.timer);
    set_bandwidths(row);
    out.collectives.push_back(std::move(row));
  }
  if (log.other() > 0) {
    out.remarks.push_back(fmt::format(
        "{}: passed over {} lines: point to point, of other operations, or without a time or size",
        file, log.other()));
  }
  if (options.gpu.empty()) out.remarks.push_back(file + ": the device is not named: give --gpu");
  if (out.collectives.empty()) log.lines().refuse("no collective of NCCL Inspector was found");
  return out;
}

}  // namespace

extern const ImportKind kNcclInspectorImport{.name = "nccl-inspector",
                                             .summary = "JSON lines of the NCCL Inspector plugin",
                                             .read = read_inspector};

}  // namespace tenk
