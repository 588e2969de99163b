#include "analysis/cli/command.h"
#include "analysis/cli/output.h"
#include "analysis/predict.h"

namespace tenk {

int execute(const CollectiveCommand& command) {
  const PredictOptions& options = command.options;
  const Config file = load_with_overrides(options);
  const Scenario scenario = read_scenario(file, ScenarioUse::kClusterOnly);
  const ResultFolder folder(options.out);
  for (const std::string& warning : scenario.warnings) print_warning(warning);
  const CollectiveTable table = predict_collective(scenario, command.op, command.sizes);
  if (folder) {
    folder.write("resolved.yaml", scenario.source.to_yaml());
    folder.write("result.json", collective_json(table));
  }
  print(report(table, options.format, style_of_output(options.no_colour)));
  return 0;
}

}  // namespace tenk
