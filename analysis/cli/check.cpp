#include <algorithm>
#include <initializer_list>

#include "analysis/cli/command.h"
#include "analysis/cli/output.h"
#include "analysis/scenario.h"
#include "calibration/calibrate_profile.h"
#include "sim/base/error.h"
#include "sim/base/text.h"
#include "topologies/nodes/node.h"
#include "workloads/formats/hf_config.h"

namespace tenk {
namespace {

bool has_any(const Config& file, std::initializer_list<const char*> keys) {
  return std::any_of(keys.begin(), keys.end(),
                     [&](const char* key) { return file.find(key) != nullptr; });
}

// With its degraded links, which only the fabric can tell right from wrong.
void check_scenario(const Config& file, const std::string& name) {
  const bool with_job = file.find("job") != nullptr || file.find("jobs") != nullptr;
  const Scenario scenario =
      read_scenario(file, with_job ? ScenarioUse::kWholeJob : ScenarioUse::kClusterOnly);
  if (!scenario.cluster.degrade.empty()) build_fabric(scenario.cluster);
  for (const std::string& warning : scenario.warnings) print_warning(name + ": " + warning);
}

void check_file(const std::string& name) {
  const Config file = Config::load(name);
  if (has_any(file, {"version", "cluster", "job", "jobs"})) return check_scenario(file, name);
  if (is_fitted_profile(file)) {
    read_fitted_curves(file);
  } else if (has_any(file, {"like", "sms", "bf16", "attention"})) {
    read_device_profile(file);
  } else if (has_any(file, {"ring", "tree"})) {
    read_collective_tuning(file);
  } else if (has_any(file, {"ring-step", "tree-efficiency"})) {
    read_nic_tuning(file);
  } else if (has_any(file, {"switch-port", "electricity"})) {
    read_prices(file);
  } else if (has_any(file, {"model_type"})) {
    Faults faults;
    read_hf_model(file, name, faults);
    faults.throw_if_any();
  } else if (has_any(file, {"kind"})) {
    read_node(file);
  } else {
    check_scenario(file, name);
  }
}

}  // namespace

int execute(const CheckCommand& command) {
  int worst = 0;
  for (const std::string& name : command.files) {
    try {
      check_file(name);
    } catch (const Error& error) {
      print_message(error.what());
      worst = std::max(worst, error.exit_code());
      continue;
    }
    print(printable(name) + ": ok\n");
  }
  return worst;
}

}  // namespace tenk
