// What is a result as a JSON tree? What json.cpp prints and csv.cpp flattens.
#pragma once
#include <nlohmann/json.hpp>

#include "analysis/prediction.h"

namespace tenk {

// Fields and order of docs/result.schema.json. TENK_CHECKs that all numbers are finite.
nlohmann::ordered_json run_document(const Prediction& prediction);
nlohmann::ordered_json collective_document(const CollectiveTable& table);

}  // namespace tenk
