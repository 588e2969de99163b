#include <fmt/format.h>

#include <charconv>

#include "sim/base/config.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

struct Step {
  std::string key;  // Empty: an index.
  std::size_t index = 0;
};

[[noreturn]] void refuse(std::string_view path, const std::string& why) {
  throw Error(ErrorKind::kUsage, fmt::format("cannot set \"{}\": {}", shown(path), why));
}

// "a.b[2].c" -> a, b, [2], c.
std::vector<Step> split(std::string_view path) {
  std::vector<Step> steps;
  bool key_due = true;  // At the start and after a dot.
  for (std::size_t at = 0; at < path.size() || key_due;) {
    if (steps.size() > kMaxDepth) refuse(path, fmt::format("more than {} levels", kMaxDepth));
    if (key_due) {
      const std::size_t end = std::min(path.find_first_of(".[", at), path.size());
      if (end == at) refuse(path, "a key is missing; write a.b[0].c");
      steps.push_back({std::string(path.substr(at, end - at))});
      at = end;
      key_due = false;
    } else if (path[at] == '.') {
      ++at;
      key_due = true;
    } else {
      const std::size_t end = std::min(path.find(']', at), path.size());
      Step step;
      const char* last = path.data() + end;
      const auto [stop, error] = std::from_chars(path.data() + at + 1, last, step.index);
      if (path[at] != '[' || error != std::errc() || stop != last || end == path.size()) {
        refuse(path, "a list index must be a whole number in brackets; write a.b[0].c");
      }
      steps.push_back(step);
      at = end + 1;
    }
  }
  return steps;
}

std::string kind_name(Config::Kind kind) {
  switch (kind) {
    case Config::Kind::kList:
      return "a list";
    case Config::Kind::kMap:
      return "a map";
    case Config::Kind::kScalar:
      return "a single value";
    case Config::Kind::kNull:
      break;
  }
  return "nothing";
}

struct Edit {
  std::string_view path;
  const std::vector<Step>& steps;
  const Config& value;

  Config apply(const Config& node, std::size_t at) const {
    if (at == steps.size()) return value;
    const Step& step = steps[at];
    const Config::Kind kind = node.kind();
    if (step.key.empty()) {
      if (kind != Config::Kind::kList || step.index >= node.items().size()) {
        const std::string found = kind != Config::Kind::kList
                                      ? kind_name(kind)
                                      : fmt::format("a list of {} items", node.items().size());
        refuse(path, fmt::format("[{}] does not exist; there is {}", step.index, found));
      }
      std::vector<Config> items = node.items();
      items[step.index] = apply(items[step.index], at + 1);
      check_depth(items[step.index]);
      return Config::list(std::move(items), node.place());
    }
    if (kind != Config::Kind::kMap && kind != Config::Kind::kNull) {
      refuse(path, fmt::format("\"{}\" needs a map above it; there is {}", shown(step.key),
                               kind_name(kind)));
    }
    const Config* old = node.find(step.key);
    const Config changed = apply(old != nullptr ? *old : Config::null(value.place()), at + 1);
    check_depth(changed);
    std::vector<Config::Entry> entries = node.entries();
    bool found = false;
    for (Config::Entry& entry : entries) {
      if (entry.key == step.key) entry.value = changed;
      found = found || entry.key == step.key;
    }
    if (!found) entries.push_back({step.key, value.place(), changed});
    return Config::map(std::move(entries), node.place());
  }

  void check_depth(const Config& below) const {
    if (below.depth() >= kMaxDepth) refuse(path, fmt::format("more than {} levels", kMaxDepth));
  }
};

}  // namespace

Config Config::with(std::string_view path, const Config& value) const {
  const std::vector<Step> steps = split(path);
  return Edit{path, steps, value}.apply(*this, 0);
}

Config apply_override(const Config& base, std::string_view assignment) {
  const std::string file = "--set " + shown(assignment);
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos) {
    throw Error(ErrorKind::kUsage, "expected KEY=VALUE, such as cluster.nodes=64", {.file = file});
  }
  const std::string_view text = assignment.substr(equals + 1);
  Config value = Config::null(Where{.file = file});
  try {
    if (text.find_first_not_of(" \t\n\r") != std::string_view::npos) {
      value = Config::parse(text, file);
    }
  } catch (const Error& error) {
    const bool syntax = error.kind() == ErrorKind::kFile;
    throw Error(syntax ? ErrorKind::kUsage : error.kind(), error.faults());
  }
  return base.with(assignment.substr(0, equals), value);
}

}  // namespace tenk
