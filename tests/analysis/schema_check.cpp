#include "tests/analysis/schema_check.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace tenk {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 15> kKeywords = {"$schema",
                                                        "title",
                                                        "description",
                                                        "$defs",
                                                        "$ref",
                                                        "type",
                                                        "enum",
                                                        "required",
                                                        "items",
                                                        "properties",
                                                        "additionalProperties",
                                                        "oneOf",
                                                        "minItems",
                                                        "maxItems",
                                                        "minimum"};

// `type` is a name or a list of names.
bool has_type(const Json& value, const Json& types) {
  if (types.is_array()) {
    return std::any_of(types.begin(), types.end(),
                       [&](const Json& one) { return has_type(value, one); });
  }
  const std::string type = types;
  if (type == "null") return value.is_null();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_boolean();
  if (type == "string") return value.is_string();
  if (type == "array") return value.is_array();
  return type == "object" && value.is_object();
}

class Checker {
 public:
  explicit Checker(const Json& root) : root_(root) {}
  std::vector<std::string> faults;

  void check(const Json& value, const Json& schema, const std::string& path) {
    for (const auto& [keyword, rule] : schema.items()) {
      if (std::find(kKeywords.begin(), kKeywords.end(), keyword) == kKeywords.end()) {
        fault(path, "the schema has a keyword that is not checked: " + keyword);
      }
    }
    if (schema.contains("$ref")) {
      const std::string target = schema["$ref"];
      check(value, root_.at(Json::json_pointer(target.substr(1))), path);
    }
    if (schema.contains("oneOf")) check_one_of(value, schema["oneOf"], path);
    if (schema.contains("type") && !has_type(value, schema["type"])) {
      return fault(path, value.dump() + " is no " + schema["type"].dump());
    }
    if (schema.contains("enum")) {
      const Json& all = schema["enum"];
      const bool found = std::find(all.begin(), all.end(), value) != all.end();
      if (!found) fault(path, value.dump() + " is none of " + all.dump());
    }
    if (schema.contains("minimum") && value.get<double>() < schema["minimum"].get<double>()) {
      fault(path, value.dump() + " is below " + schema["minimum"].dump());
    }
    if (value.is_object()) check_object(value, schema, path);
    if (value.is_array()) check_array(value, schema, path);
  }

 private:
  void check_one_of(const Json& value, const Json& choices, const std::string& path) {
    std::size_t valid = 0;
    for (const Json& choice : choices) {
      Checker one(root_);
      one.check(value, choice, path);
      valid += one.faults.empty();
    }
    if (valid != 1) fault(path, std::to_string(valid) + " of the choices fit, not one");
  }
  void check_object(const Json& value, const Json& schema, const std::string& path) {
    const Json known = schema.value("properties", Json::object());
    for (const Json& key : schema.value("required", Json::array())) {
      if (!value.contains(key.get<std::string>())) fault(path, "lacks " + key.get<std::string>());
    }
    for (const auto& [key, below] : value.items()) {
      if (known.contains(key)) {
        check(below, known[key], path + "/" + key);
        continue;
      }
      const Json others = schema.value("additionalProperties", Json(true));
      if (others.is_object()) {
        check(below, others, path + "/" + key);
      } else if (!others.get<bool>()) {
        fault(path, "has an unknown field " + key);
      }
    }
  }
  void check_array(const Json& value, const Json& schema, const std::string& path) {
    if (value.size() < schema.value("minItems", std::size_t{0})) fault(path, "is too short");
    if (value.size() > schema.value("maxItems", value.size())) fault(path, "is too long");
    if (!schema.contains("items")) return;
    for (std::size_t i = 0; i < value.size(); ++i) {
      check(value[i], schema["items"], path + "/" + std::to_string(i));
    }
  }
  void fault(const std::string& path, const std::string& what) {
    faults.push_back(path + ": " + what);
  }

  const Json& root_;
};

}  // namespace

std::vector<std::string> schema_faults(const Json& document, const Json& schema) {
  Checker checker(schema);
  checker.check(document, schema, "");
  return checker.faults;
}

std::vector<std::string> schema_faults(const Json& document, const Json& schema,
                                       const std::string& name) {
  Checker checker(schema);
  checker.check(document, schema.at("$defs").at(name), "");
  return checker.faults;
}

}  // namespace tenk
