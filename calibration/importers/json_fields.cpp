#include "calibration/importers/json_fields.h"

#include <fmt/format.h>

#include <cmath>

#include "calibration/importers/text_lines.h"
#include "sim/base/text.h"

namespace tenk {

const Config* JsonFields::find(std::string_view key) const {
  const Config* value = map_ == nullptr ? nullptr : map_->find(key);
  if (value == nullptr || value->kind() == Config::Kind::kNull) return nullptr;
  if (value->kind() == Config::Kind::kScalar && value->text() == "N/A") return nullptr;
  return value;
}

Amount JsonFields::number(std::string_view key) const {
  const Config* value = find(key);
  if (value == nullptr) return std::nullopt;
  const bool scalar = value->kind() == Config::Kind::kScalar;
  const Amount number = scalar ? number_of(trimmed(value->text())) : std::nullopt;
  if (number && *number >= 0) return number;
  fail(key, fmt::format("found \"{}\", expected a number that is not negative",
                        scalar ? shown(value->text()) : "a list or map"));
  return std::nullopt;
}

Count JsonFields::whole(std::string_view key) const {
  const Amount number = this->number(key);
  if (!number) return std::nullopt;
  if (*number == std::floor(*number)) return static_cast<std::int64_t>(*number);
  fail(key, fmt::format("found {}, expected a whole number", *number));
  return std::nullopt;
}

std::string JsonFields::text(std::string_view key) const {
  const Config* value = find(key);
  if (value == nullptr) return {};
  if (value->kind() == Config::Kind::kScalar) return std::string(trimmed(value->text()));
  fail(key, "found a list or map, expected a text");
  return {};
}

JsonFields JsonFields::map(std::string_view key) const {
  const Config* value = find(key);
  if (value != nullptr && value->kind() != Config::Kind::kMap) {
    fail(key, "expected a map");
    value = nullptr;
  }
  return {value, what_.empty() ? std::string(key) : fmt::format("{}.{}", what_, key), *faults_};
}

const std::vector<Config>& JsonFields::list(std::string_view key) const {
  static const std::vector<Config> none;
  const Config* value = find(key);
  if (value == nullptr) return none;
  if (value->kind() != Config::Kind::kList) fail(key, "expected a list");
  return value->items();  // Empty unless a list.
}

void JsonFields::fail(std::string_view key, std::string message) const {
  if (faults_->size() >= kMostJsonFaults) return;
  const Config* value = map_ == nullptr ? nullptr : map_->find(key);
  const Config* at = value != nullptr ? value : map_;
  faults_->push_back({fmt::format("{}{}{}: {}", what_, what_.empty() ? "" : ".", key, message),
                      at == nullptr ? Where{} : at->where()});
}

}  // namespace tenk
