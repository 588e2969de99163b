// tenk calibrate: constants of hardware and libraries from measurements.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "analysis/calibration_presets.h"
#include "analysis/cli/command.h"
#include "analysis/cli/output.h"
#include "analysis/report/calibration.h"
#include "calibration/calibrate.h"
#include "sim/base/error.h"

namespace tenk {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMeasured = "calibration/measured";

bool is_table(const std::string& path) {
  return path.ends_with(".csv") || path.ends_with(".csv.gz");
}

// All tables below the folder of what we measured ourselves; empty if it is not here.
std::vector<std::string> own_tables() {
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::recursive_directory_iterator at(kMeasured, error), end; !error && at != end;
       at.increment(error)) {
    const std::string path = at->path().generic_string();
    if (at->is_regular_file(error) && is_table(path)) paths.push_back(path);
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

bool is_own(const std::string& path) {
  return path.find(std::string(kMeasured) + "/") != std::string::npos;
}

struct Loaded {
  Measurements own, published;
};

Loaded load(const CalibrateCommand& command) {
  std::vector<std::string> files = command.files;
  if (command.all || files.empty()) {
    for (std::string& path : own_tables()) {
      if (std::find(files.begin(), files.end(), path) == files.end()) {
        files.push_back(std::move(path));
      }
    }
    if (files.empty()) {
      throw Error(ErrorKind::kUsage,
                  fmt::format("no FILE is given, and {} holds no table here", kMeasured));
    }
  }
  Loaded loaded;
  for (const std::string& file : files) {
    if (file.ends_with(".h5")) {
      throw Error(ErrorKind::kFile, "HDF5 is not read: give the .csv that was written with it",
                  Where{.file = file});
    }
    (is_own(file) ? loaded.own : loaded.published).append(load_measurements(file));
  }
  return loaded;
}

// A name that ends in .yaml is the one profile's file, any other a folder.
void write(const CalibrateCommand& command, const Calibration& calibration) {
  if (command.out.ends_with(".yaml") || command.out.ends_with(".yml")) {
    if (calibration.profiles.size() != 1) {
      std::vector<std::string> names;
      for (const FittedProfile& profile : calibration.profiles) names.push_back(profile.name);
      throw Error(
          ErrorKind::kInvalid,
          fmt::format("{} profiles were fitted ({}): -o DIR writes each to a file of its own",
                      names.size(), fmt::join(names, ", ")));
    }
    const fs::path path(command.out);
    const std::string folder = path.parent_path().generic_string();
    ResultFolder(folder.empty() ? "." : folder)
        .write(path.filename().generic_string(), calibration.profiles[0].yaml);
    print_message(command.out);
    return;
  }
  const ResultFolder folder(command.out);
  for (const FittedProfile& profile : calibration.profiles) {
    const fs::path path(folder.path_of(profile.name + ".yaml"));
    ResultFolder(path.parent_path().generic_string())
        .write(path.filename().generic_string(), profile.yaml);
    print_message(path.generic_string());
  }
  folder.write("calibration.json", calibration_json(calibration));
  folder.write("calibration.md", calibration_markdown(calibration));
  folder.write("constants.csv", calibration_csv(calibration));
  for (const auto& [name, text] : residual_svgs(calibration)) folder.write(name, text);
}

}  // namespace

int execute(const CalibrateCommand& command) {
  Loaded loaded = load(command);
  const CalibrateOptions options = calibrate_options_for(loaded.own, loaded.published);
  const Calibration calibration =
      calibrate(std::move(loaded.own), std::move(loaded.published), options);
  if (!command.out.empty()) write(command, calibration);
  print(report(calibration, command.format, style_of_output(command.no_colour)));
  constexpr int kGoalMissed = static_cast<int>(ErrorKind::kGoalMissed);
  return calibration.models.empty() ? kGoalMissed : 0;
}

}  // namespace tenk
