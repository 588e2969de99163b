#include "analysis/cli/command.h"
#include "analysis/cli/output.h"
#include "analysis/interference.h"
#include "analysis/predict.h"
#include "sim/base/error.h"

namespace tenk {

int execute(const RunCommand& command) {
  const PredictOptions& options = command.options;
  const Config file = load_with_overrides(options);
  const Scenario scenario = read_scenario(file, ScenarioUse::kWholeJob);
  const ResultFolder folder(options.out);
  if (!scenario.jobs.empty()) {
    const JobsTable table = predict_jobs(scenario);
    if (folder) {
      folder.write("resolved.yaml", scenario.source.to_yaml());
      folder.write("result.json", jobs_json(table));
    }
    print(report(table, options.format, style_of_output(options.no_colour)));
    return 0;
  }
  const Prediction prediction = predict(scenario);
  if (folder) {
    folder.write("resolved.yaml", scenario.source.to_yaml());
    write_result_h5(folder.path_of("result.h5"), prediction);
    folder.write("result.json", run_json(prediction));
  }
  print(report(prediction, options.format, style_of_output(options.no_colour)));
  return 0;
}

}  // namespace tenk
