// tenk flows: raw flows on a network, a simulator's case or a list on a scenario's cluster.
#include "analysis/cli/command.h"
#include "analysis/cli/output.h"
#include "analysis/packet_case.h"
#include "sim/base/error.h"
#include "sim/base/text_file.h"

namespace tenk {
namespace {

FlowTable run_case(const PredictOptions& options) {
  if (!options.set.empty()) {
    throw Error(ErrorKind::kUsage,
                "--set changes a scenario, which needs --flows FILE (tenk help flows)");
  }
  return predict_flows(read_packet_case(read_text_file(options.scenario), options.scenario));
}

FlowTable run_list(const Scenario& scenario, const std::string& file) {
  return predict_flows(scenario,
                       read_flows(read_text_file(file), file,
                                  static_cast<std::uint32_t>(scenario.cluster.accelerators())));
}

}  // namespace

int execute(const FlowsCommand& command) {
  const PredictOptions& options = command.options;
  const ResultFolder folder(options.out);
  FlowTable table;
  if (command.flows.empty()) {
    table = run_case(options);
  } else {
    const Scenario scenario =
        read_scenario(load_with_overrides(options), ScenarioUse::kClusterOnly);
    for (const std::string& warning : scenario.warnings) print_warning(warning);
    table = run_list(scenario, command.flows);
    if (folder) folder.write("resolved.yaml", scenario.source.to_yaml());
  }
  if (folder) folder.write("result.json", flows_json(table));
  print(report(table, options.format, style_of_output(options.no_colour)));
  return 0;
}

}  // namespace tenk
