// What is a result as a JSON tree? What json.cpp prints and csv.cpp flattens.
#pragma once
#include <nlohmann/json.hpp>

#include "analysis/comparison.h"
#include "analysis/flows.h"
#include "analysis/prediction.h"
#include "analysis/topo.h"

namespace tenk {

// Fields and order of docs/result.schema.json. TENK_CHECKs that all numbers are finite.
nlohmann::ordered_json run_document(const Prediction& prediction);
nlohmann::ordered_json collective_document(const CollectiveTable& table);
nlohmann::ordered_json topo_document(const TopoReport& topology);
nlohmann::ordered_json compare_document(const Comparison& comparison);
nlohmann::ordered_json flows_document(const FlowTable& table);
nlohmann::ordered_json engine_document(const EngineReport& engine);
// A list of one, or empty.
nlohmann::ordered_json collisions_document(const std::optional<Collisions>& collisions);

}  // namespace tenk
