#include "analysis/compare.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "analysis/cli/command.h"
#include "analysis/cli/output.h"
#include "sim/base/error.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

// The faults of all files, each with the name of its file, and each once.
class AllFaults {
 public:
  void add(const std::string& file, const Error& error) {
    worst_ = std::max(worst_, error.kind());
    for (Fault fault : error.faults()) {
      if (fault.where.file != file) fault.message = printable(file) + ": " + fault.message;
      faults_.push_back(std::move(fault));
    }
  }
  void throw_if_any() const {
    if (!faults_.empty()) throw Error(worst_, faults_);
  }

 private:
  std::vector<Fault> faults_;
  ErrorKind worst_ = ErrorKind::kUsage;
};

std::vector<Scenario> read_all(const CompareCommand& command) {
  std::vector<Scenario> scenarios;
  AllFaults faults;
  for (const std::string& file : command.files) {
    try {
      PredictOptions options = command.options;
      options.scenario = file;
      scenarios.push_back(read_scenario(load_with_overrides(options), ScenarioUse::kOneJob));
    } catch (const Error& error) {
      faults.add(file, error);
    }
  }
  faults.throw_if_any();
  return scenarios;
}

// Files without folder and ending; whole paths where two would be alike, numbered where those are.
std::vector<std::string> labels_of(const std::vector<std::string>& files) {
  std::vector<std::string> labels;
  for (const std::string& file : files) {
    labels.push_back(std::filesystem::path(file).stem().string());
  }
  if (std::set<std::string>(labels.begin(), labels.end()).size() < labels.size()) labels = files;
  std::multiset<std::string> seen;
  for (std::string& label : labels) {
    seen.insert(label);
    const std::size_t times = seen.count(label);
    if (times > 1) label += fmt::format(" ({})", times);
  }
  return labels;
}

}  // namespace

int execute(const CompareCommand& command) {
  const PredictOptions& options = command.options;
  const std::vector<Scenario> scenarios = read_all(command);
  const ResultFolder folder(options.out);
  const Comparison comparison =
      compare(scenarios, {.labels = labels_of(command.files), .baseline = command.baseline});
  if (folder) {
    for (std::size_t i = 0; i < scenarios.size(); ++i) {
      folder.write(fmt::format("resolved-{}.yaml", i + 1), scenarios[i].source.to_yaml());
    }
    folder.write("result.json", compare_json(comparison));
  }
  print(report(comparison, options.format, style_of_output(options.no_colour)));
  return 0;
}

}  // namespace tenk
