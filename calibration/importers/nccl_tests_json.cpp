// Output of nccl-tests -J: one JSON document a run. Its environment and the host names in it are
// read past and never stored.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "calibration/importers/importer.h"
#include "calibration/importers/json_fields.h"
#include "calibration/importers/nccl.h"
#include "calibration/importers/text_lines.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

constexpr double kSlack = 0.01;  // Of printed bandwidths against size over time.

// What all rows of the run have in common.
struct Run {
  CollectiveSample model;
  std::vector<std::string> remarks;
};

std::string collective_of_run(const JsonFields& root, const JsonFields& first,
                              const std::string& named) {
  const std::vector<Config>& args = root.list("args");
  std::optional<std::string> found;
  if (!args.empty() && args[0].kind() == Config::Kind::kScalar) {
    found = collective_of(base_name(args[0].text()));
  }
  if (!found) found = collective_of(first.text("experiment_name"));
  if (found && !named.empty() && *found != named) {
    root.fail("args", fmt::format("--collective says {}, the file {}", named, *found));
  }
  if (!found && named.empty()) {
    root.fail("args",
              fmt::format("neither args nor experiment_name names a collective: give --collective "
                          "allreduce (or {})",
                          fmt::join(collective_names(), ", ")));
  }
  return found ? *found : named;
}

void read_devices(const JsonFields& config, const ImportOptions& options, Run& run) {
  std::set<std::string> hosts, names;
  std::int64_t highest = -1, listed = 0;
  std::vector<Fault> ignored;
  for (const Config& device : config.list("devices")) {
    const JsonFields fields(&device, "device", ignored);
    hosts.insert(fields.text("hostname"));
    names.insert(fields.text("device_info"));
    highest = std::max(highest, fields.whole("rank").value_or(-1));
    ++listed;
  }
  constexpr std::int64_t kMost = 10'000'000;
  const std::int64_t of_process = std::min(kMost, config.whole("nthreads").value_or(1)) *
                                  std::min(kMost, config.whole("ngpus").value_or(0));
  CollectiveSample& model = run.model;
  const bool all = listed > 0 && listed == highest + 1 && listed >= of_process;
  if (all) {
    model.gpus = listed;
    model.nodes = static_cast<std::int64_t>(hosts.size());
  } else if (of_process > highest && of_process > 0) {  // One process, so one node.
    model.gpus = of_process;
    if (hosts.size() <= 1) model.nodes = 1;
  } else if (highest >= 0) {
    model.gpus = highest + 1;
    run.remarks.push_back("not all ranks are listed: nodes are not known; give --nodes");
  }
  model.gpu = !options.gpu.empty() ? options.gpu : fmt::format("{}", fmt::join(names, "; "));
  if (options.gpus) model.gpus = options.gpus;
  if (options.nodes) model.nodes = options.nodes;
  if (!model.gpus) run.remarks.push_back("ranks are not listed: give --gpus");
  if (model.gpu.empty()) run.remarks.push_back("the device is not named: give --gpu");
}

// Time of one of the two runs, checked against its bandwidths.
Amount timing_of(const JsonFields& timing, const CollectiveSample& row, bool& wrong) {
  wrong = wrong || timing.number("nwrong").value_or(0) > 0;
  const Amount time = timing.has("time") ? timing.number("time") : timing.number("cpu_time");
  if (!time) return std::nullopt;
  if (!(*time > 0)) {
    timing.fail("time", "found 0, expected microseconds above 0");
    return std::nullopt;
  }
  const double algbw = *row.bytes / *time * 1e-3;
  const Amount printed = timing.number("alg_bw");
  if (printed && std::abs(*printed - algbw) > kSlack * algbw + 1e-5) {
    timing.fail("alg_bw", fmt::format("{} GB/s is not {} B in {} us: other units?", *printed,
                                      *row.bytes, *time));
  }
  const Amount busbw = timing.number("bus_bw");
  const auto factor =
      row.gpus ? bus_factor(row.collective, static_cast<double>(*row.gpus)) : std::nullopt;
  if (printed && busbw && factor &&
      std::abs(*busbw - *printed * *factor) > kSlack * *printed + 1e-5) {
    timing.fail("bus_bw", fmt::format("{} GB/s is not {} GB/s x {:.4f}, the factor of {} over {}",
                                      *busbw, *printed, *factor, row.collective, *row.gpus));
  }
  return time;
}

void read_result(const Config& result, const Run& run, std::vector<Fault>& faults,
                 Measurements& out) {
  const JsonFields fields(&result, "results", faults);
  CollectiveSample row = run.model;
  const Count size = fields.whole("size");
  const Where where = result.where();
  const auto remark = [&](const std::string& text) {
    out.remarks.push_back(fmt::format("{}:{}: {}", where.file, where.line, text));
  };
  if (!size) {
    if (!fields.has("size")) fields.fail("size", "is missing");
    return;
  }
  if (*size == 0) return remark("passed over: nothing is sent (size 0)");
  row.bytes = static_cast<double>(*size);
  bool wrong = false;
  row.time_us = timing_of(fields.map("out_of_place"), row, wrong);
  row.inplace_time_us = timing_of(fields.map("in_place"), row, wrong);
  if (wrong) return remark(fmt::format("passed over: the results of {} B are wrong", *size));
  if (!row.time_us && !row.inplace_time_us) {
    return remark(fmt::format("passed over: no time for {} B", *size));
  }
  const std::string redop = fields.text("redop");
  row.notes =
      "type " + fields.text("type") + (redop.empty() || redop == "none" ? "" : ", op " + redop);
  set_bandwidths(row);
  out.collectives.push_back(std::move(row));
}

Measurements read_json(const std::string& text, const std::string& file,
                       const ImportOptions& options) {
  const std::string named =
      options.collective.empty() ? "" : checked_collective(options.collective);
  const Config tree = Config::parse(text, file);
  std::vector<Fault> faults;
  const JsonFields root(&tree, "", faults);
  const std::vector<Config>& results = root.list("results");
  if (results.empty() && faults.empty()) {
    root.fail("results", "expected the list of results that nccl-tests -J writes");
  }
  Run run;
  const JsonFields first(results.empty() ? nullptr : &results[0], "results", faults);
  run.model.collective = collective_of_run(root, first, named);
  read_devices(root.map("config"), options, run);
  if (const Count code = root.whole("nccl_version")) {
    run.model.lib_version = "NCCL " + nccl_version_text(*code);
  }
  run.model.source = "nccl-tests -J";
  run.model.how = "read";
  run.model.sweep_id = fmt::format("{}-{}{}", stem_of(file), run.model.collective,
                                   run.model.gpus ? fmt::format("-{}", *run.model.gpus) : "");
  Measurements out;
  for (const std::string& remark : run.remarks) out.remarks.push_back(file + ": " + remark);
  for (const Config& result : results) read_result(result, run, faults, out);
  if (!faults.empty()) throw Error(ErrorKind::kFile, faults);
  return out;
}

}  // namespace

extern const ImportKind kNcclTestsJsonImport{
    .name = "nccl-tests-json", .summary = "JSON of nccl-tests -J", .read = read_json};

}  // namespace tenk
