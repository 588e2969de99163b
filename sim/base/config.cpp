#include "sim/base/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "sim/base/text.h"
#include "sim/base/text_file.h"
#include "sim/base/yaml_reader.h"

namespace tenk {

using Items = std::vector<Config>;
using Entries = std::vector<Config::Entry>;

struct Config::Data {
  std::variant<std::monostate, std::string, Items, Entries> value;  // In the order of Kind.
  Place where;
  int depth = 0;
  bool quoted = false;
};

Config::Config(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
Config::Config() : Config(null({})) {}

Config Config::null(Place where) {
  return Config(std::make_shared<const Data>(Data{{}, std::move(where)}));
}

Config Config::scalar(std::string text, Place where, bool quoted) {
  return Config(std::make_shared<const Data>(Data{std::move(text), std::move(where), 0, quoted}));
}

Config Config::list(Items items, Place where) {
  int depth = 0;
  for (const Config& item : items) depth = std::max(depth, item.depth());
  TENK_CHECK(depth < kMaxDepth, "a list is nested too deep");
  return Config(
      std::make_shared<const Data>(Data{std::move(items), std::move(where), depth + 1, false}));
}

Config Config::map(Entries entries, Place where) {
  int depth = 0;
  for (const Entry& entry : entries) depth = std::max(depth, entry.value.depth());
  TENK_CHECK(depth < kMaxDepth, "a map is nested too deep");
  return Config(
      std::make_shared<const Data>(Data{std::move(entries), std::move(where), depth + 1, false}));
}

Config::Kind Config::kind() const { return static_cast<Kind>(data_->value.index()); }
const Place& Config::place() const { return data_->where; }
Where Config::where() const { return data_->where; }
int Config::depth() const { return data_->depth; }
bool Config::quoted() const { return data_->quoted; }

const std::string& Config::text() const {
  const auto* text = std::get_if<std::string>(&data_->value);
  TENK_CHECK(text != nullptr, "the text of something that is no scalar");
  return *text;
}

const Items& Config::items() const {
  static const Items kNone;
  const auto* items = std::get_if<Items>(&data_->value);
  return items != nullptr ? *items : kNone;
}

const Entries& Config::entries() const {
  static const Entries kNone;
  const auto* entries = std::get_if<Entries>(&data_->value);
  return entries != nullptr ? *entries : kNone;
}

const Config* Config::find(std::string_view key) const {
  const Entries& all = entries();
  const auto at =
      std::find_if(all.begin(), all.end(), [&](const Entry& e) { return e.key == key; });
  return at == all.end() ? nullptr : &at->value;
}

Config Config::parse(std::string_view text, std::string file_name) {
  return read_yaml(std::string(text), std::move(file_name));
}

Config Config::load(const std::string& path) {
  return read_yaml(read_text_file(path, kMaxFileBytes), path);
}

}  // namespace tenk
