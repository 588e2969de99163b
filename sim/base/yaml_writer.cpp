#include <fmt/format.h>

#include <algorithm>

#include "sim/base/config.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

constexpr std::size_t kLongKey = 500;     // YAML wants `? ` before keys of 1024 characters.
constexpr std::size_t kLineLength = 100;  // Of lists on one line.

// Text that every YAML reader takes as it stands: names, numbers, quantities. Leaves out much that
// would be safe too.
bool plain(const std::string& text) {
  static constexpr std::string_view kStart = "._/+";
  const auto letter = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  if (text.empty() || text.size() > kLongKey || text.back() == ' ') return false;
  if (text == "null" || text == "Null" || text == "NULL" || text.starts_with("..")) return false;
  const bool negative = text.size() > 1 && text[0] == '-' && (letter(text[1]) || text[1] == '.');
  if (!letter(text[0]) && !negative && kStart.find(text[0]) == std::string_view::npos) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return letter(c) || std::string_view("._/+- %()").find(c) != std::string_view::npos;
  });
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_utf8(text, at);
    if (c.value == '"' || c.value == '\\') {
      out += '\\';
      out += text[at];
    } else if (c.value == '\n') {
      out += "\\n";
    } else if (is_control(c.value)) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c.value));
    } else {
      append_utf8(out, c.value);
    }
    at += c.length;
  }
  return out + '"';
}

// A value that fits behind its key: scalars, what is empty, short lists of scalars.
std::string on_one_line(const Config& node) {
  switch (node.kind()) {
    case Config::Kind::kNull:
      return "null";
    case Config::Kind::kScalar:
      return !node.quoted() && plain(node.text()) ? node.text() : quoted(node.text());
    case Config::Kind::kMap:
      return node.entries().empty() ? "{}" : "";
    case Config::Kind::kList:
      break;
  }
  std::string line = "[";
  for (const Config& item : node.items()) {
    if (item.depth() > 0) return "";
    line += (line.size() > 1 ? ", " : "") + on_one_line(item);
    if (line.size() > kLineLength) return "";
  }
  return line + "]";
}

// Appends `node`; the text so far ends behind "key:" or "-". Recursion is bounded by kMaxDepth.
void append(std::string& out, const Config& node, int indent, bool in_list) {
  const std::string line = on_one_line(node);
  if (!line.empty()) {
    out += (out.empty() ? "" : " ") + line + "\n";
    return;
  }
  // "- key: value" and "- - item" go on in the same line.
  bool same_line = in_list || out.empty();
  const auto begin = [&] {
    if (!same_line) out.append(static_cast<std::size_t>(indent), ' ');
    if (same_line && !out.empty()) out += ' ';
    same_line = false;
  };
  if (!same_line) out += '\n';
  for (const Config& item : node.items()) {
    begin();
    out += '-';
    append(out, item, indent + 2, true);
  }
  for (const Config::Entry& entry : node.entries()) {
    begin();
    const std::string key = plain(entry.key) ? entry.key : quoted(entry.key);
    if (key.size() > kLongKey)
      out += fmt::format("? {}\n{:{}}", key, "", indent);
    else
      out += key;
    out += ':';
    append(out, entry.value, indent + 2, false);
  }
}

}  // namespace

std::string Config::to_yaml() const {
  std::string out;
  append(out, *this, 0, false);
  return out;
}

}  // namespace tenk
