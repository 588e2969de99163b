// How is a validation shown: error tables for people, every row for programs, a picture?
#pragma once
#include <string>

#include "analysis/report/report.h"
#include "analysis/validate/validation.h"

namespace tenk {

// Overall, by part, by profile and by cell; why rows were left out; what was assumed; the 20 worst.
std::string validation_table(const Validation& validation, Style style);
std::string validation_markdown(const Validation& validation);
// docs/result.schema.json: rows, predicted, skipped, mape, ..., by_part.
std::string validation_json(const Validation& validation);
// One line for each row predicted.
std::string validation_csv(const Validation& validation);
// Predicted over measured time, both logarithmic, a colour for each part; the diagonal is truth.
std::string validation_svg(const Validation& validation);

std::string report(const Validation& validation, Format format, Style style = {});

}  // namespace tenk
