// Does a JSON document keep to a JSON Schema, as far as docs/result.schema.json uses the language?
//
// Understands $ref (to #/$defs), type, enum, required, properties, additionalProperties: false,
// items, minItems, maxItems, minimum, oneOf; any other keyword that could allow or forbid is a
// fault, so that nothing in the schema goes unchecked.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace tenk {

// One line for each fault: "/links/0/count: -1 is below 0". Empty: the document is valid.
std::vector<std::string> schema_faults(const nlohmann::json& document,
                                       const nlohmann::json& schema);
// Against schema["$defs"][name].
std::vector<std::string> schema_faults(const nlohmann::json& document, const nlohmann::json& schema,
                                       const std::string& name);

}  // namespace tenk
