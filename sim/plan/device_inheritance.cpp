#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "sim/base/error.h"
#include "sim/base/presets.h"
#include "sim/base/text.h"
#include "sim/plan/device_profile.h"

namespace tenk {
namespace {

constexpr int kMostSteps = 4;         // From a profile to the last one that it is like.
constexpr double kStrangeness = 0.2;  // How far relatives may differ in a constant.

double number_of(const Config* node) {
  double value = 0;
  if (node != nullptr && node->kind() == Config::Kind::kScalar) {
    const std::string& text = node->text();
    std::from_chars(text.data(), text.data() + text.size(), value);
  }
  return value;
}

// A number of another device, as this one may use it. Other trees: the same below them.
Config borrowed(const Config& tree, const std::string& from) {
  if (tree.kind() != Config::Kind::kMap) return tree;
  const bool is_number = tree.find("how") != nullptr && tree.find("source") != nullptr;
  std::vector<Config::Entry> entries;
  for (Config::Entry entry : tree.entries()) {
    if (!is_number) {
      entry.value = borrowed(entry.value, from);
    } else if (entry.key == "how") {
      entry.value = Config::scalar("assumed", entry.value.place());
    } else if (entry.key == "ci") {
      const double ci = std::hypot(number_of(&entry.value), kStrangeness);
      entry.value = Config::scalar(fmt::format("{:.3g}", ci), entry.value.place());
    } else if (entry.key == "source" && entry.value.kind() == Config::Kind::kScalar) {
      entry.value = Config::scalar(fmt::format("as {}: {}", from, entry.value.text()),
                                   entry.value.place(), true);
    }
    entries.push_back(std::move(entry));
  }
  return Config::map(std::move(entries), tree.place());
}

// `own` with what it lacks from `base`, map by map; numbers are never mixed from two devices.
Config overlay(const Config& base, const Config& own, const std::string& from) {
  std::vector<Config::Entry> entries;
  for (const Config::Entry& entry : base.entries()) {
    if (own.find(entry.key) == nullptr) {
      entries.push_back({entry.key, entry.where, borrowed(entry.value, from)});
    }
  }
  for (Config::Entry entry : own.entries()) {
    if (entry.value.kind() == Config::Kind::kNull) continue;
    const Config* below = base.find(entry.key);
    const bool sections = below != nullptr && below->kind() == Config::Kind::kMap &&
                          entry.value.kind() == Config::Kind::kMap &&
                          below->find("how") == nullptr && below->find("like") == nullptr &&
                          entry.value.find("like") == nullptr;
    if (sections) entry.value = overlay(*below, entry.value, from);
    entries.push_back(std::move(entry));
  }
  return Config::map(std::move(entries), own.place());
}

Config without(const Config& tree, std::string_view key) {
  std::vector<Config::Entry> entries = tree.entries();
  std::erase_if(entries, [&](const Config::Entry& entry) { return entry.key == key; });
  return Config::map(std::move(entries), tree.place());
}

Config inherited(const Config& file, int steps) {
  const Config* like = file.find("like");
  if (like == nullptr) return file;
  if (steps > kMostSteps) {
    throw Error(ErrorKind::kInvalid, "`like` leads in a circle, or through too many profiles",
                like->where());
  }
  const std::vector<std::string> names = preset_names("accelerators");
  const std::string name = like->kind() == Config::Kind::kScalar ? like->text() : "";
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    const std::string nearest = nearest_name(name, names);
    throw Error(ErrorKind::kInvalid,
                fmt::format("like: found \"{}\", expected an accelerator{}", shown(name),
                            nearest.empty() ? "" : fmt::format("; did you mean \"{}\"?", nearest)),
                like->where());
  }
  const Config base = inherited(load_preset("accelerators", name), steps + 1);
  return overlay(base, without(file, "like"), name);
}

}  // namespace

Config with_inherited(const Config& file) { return inherited(file, 1); }

}  // namespace tenk
