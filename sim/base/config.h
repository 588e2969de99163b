// What does a YAML or JSON file say, and exactly where does it say it?
//
// `Config` is an immutable tree of maps, lists and scalars; every node knows its file, line and
// column. Nothing is interpreted here: a scalar is its text (`no` stays "no"). Parsing is strict
// and bounded: equal keys in one map, tags, merge keys, keys that are not text, more than one
// document, more than kMaxNodes lines or nodes (keys count; aliases each time they are expanded),
// more than kMaxDepth levels or kMaxFileBytes are errors. Copying a Config is O(1) (shared, never
// written).
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/source.h"

namespace tenk {

inline constexpr std::size_t kMaxFileBytes = 16u << 20;
inline constexpr std::size_t kMaxNodes = 1'000'000;
inline constexpr int kMaxDepth = 64;

class Config {
 public:
  enum class Kind { kNull, kScalar, kList, kMap };
  struct Entry;

  // Throws Error{kFile} for text that is not YAML, hostile or empty, Error{kInvalid} for duplicate
  // keys. All duplicate keys of the text are reported at once. O(bytes).
  static Config parse(std::string_view text, std::string file_name);
  // Reads and parses a file. Throws Error{kFile} if it is missing, a directory, or unreadable.
  static Config load(const std::string& path);

  // Building trees (for results and --set). `where` is what errors about it will show. Keys of a
  // map must differ, and a tree must have at most kMaxDepth levels.
  static Config scalar(std::string text, Place where = {}, bool quoted = false);
  static Config list(std::vector<Config> items, Place where = {});
  static Config map(std::vector<Entry> entries, Place where = {});
  static Config null(Place where);
  Config();  // null

  Kind kind() const;
  const Place& place() const;       // Where it is, cheaply.
  Where where() const;              // The same for messages: O(length of the line).
  int depth() const;                // Levels of lists and maps; 0 for a scalar.
  bool quoted() const;              // The scalar stood in quotes: text, never a number or bool.
  const std::string& text() const;  // Scalars only.
  const std::vector<Config>& items() const;        // Empty unless a list.
  const std::vector<Entry>& entries() const;       // Empty unless a map; in file order.
  const Config* find(std::string_view key) const;  // nullptr: absent, or not a map.

  // This tree with the value at `path` ("cluster.fabric.levels[0].down") replaced or added; missing
  // maps on the way are made. Throws Error{kUsage} if a list index or a scalar stands in the way,
  // the path is malformed, or the tree would become too deep.
  Config with(std::string_view path, const Config& value) const;

  // Canonical YAML text of the tree; parses back to a tree of the same kinds, keys and texts, in
  // the same order. Text that is neither word, number nor quantity comes out in quotes.
  std::string to_yaml() const;

 private:
  struct Data;
  explicit Config(std::shared_ptr<const Data> data);
  std::shared_ptr<const Data> data_;
};

struct Config::Entry {
  std::string key;
  Place where;  // Of the key.
  Config value;
};

// One `--set a.b=c`: c is parsed as YAML (so lists and maps work) with where.file "--set a.b=c".
// Throws Error{kUsage} if there is no '=', the path is malformed or c is not YAML.
Config apply_override(const Config& base, std::string_view assignment);

// The allowed name nearest to `word`, or empty. Distance: Damerau-Levenshtein of the lower-case
// forms, each piece edited once (optimal string alignment); at most 2 or a third of the length of
// `word`, whichever is more, but 1 for words of up to 3 letters. Ties: the first in `allowed`.
std::string nearest_name(std::string_view word, const std::vector<std::string>& allowed);

}  // namespace tenk
