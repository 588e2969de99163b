#include "analysis/topo.h"

#include "analysis/cli/command.h"
#include "analysis/cli/output.h"

namespace tenk {

int execute(const TopoCommand& command) {
  const PredictOptions& options = command.options;
  const Config file = load_with_overrides(options);
  const Scenario scenario = read_scenario(file, ScenarioUse::kClusterOnly);
  const ResultFolder folder(options.out);
  for (const std::string& warning : scenario.warnings) print_warning(warning);
  const TopoReport topology = describe_topology(scenario);
  if (folder) {
    folder.write("resolved.yaml", scenario.source.to_yaml());
    folder.write("topology.json", topo_json(topology));
    folder.write("topology.svg", topo_svg(topology));
  }
  print(command.picture ? topo_svg(topology)
                        : report(topology, options.format, style_of_output(options.no_colour)));
  return 0;
}

}  // namespace tenk
