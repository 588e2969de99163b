// How is a calibration shown: constants and errors for people, every constant for programs, what is
// left of each row in a picture?
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "analysis/report/report.h"
#include "calibration/calibrate.h"

namespace tenk {

std::string calibration_table(const Calibration& calibration, Style style);
std::string calibration_markdown(const Calibration& calibration);
std::string calibration_json(const Calibration& calibration);  // docs/result.schema.json.
std::string calibration_csv(const Calibration& calibration);   // One line for each constant.

// One picture for each `picture` of the models, with the name of its file: predicted over measured
// by size, both logarithmic, a colour for each model; 1 is truth.
std::vector<std::pair<std::string, std::string>> residual_svgs(const Calibration& calibration);

std::string report(const Calibration& calibration, Format format, Style style = {});

// "H100 80GB, 2 x 8" as part of a file's name: "h100-80gb-2-x-8".
std::string file_name_of(std::string_view text);

}  // namespace tenk
