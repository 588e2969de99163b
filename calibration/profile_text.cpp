#include "calibration/profile_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "calibration/calibrate_profile.h"
#include "sim/base/config.h"

namespace tenk {
namespace {

constexpr std::size_t kColumns = 100;

// The value at "a.b.c"; nullptr if there is none.
const Config* at_path(const Config& tree, std::string_view path) {
  const Config* node = &tree;
  while (node != nullptr && !path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    node = node->find(path.substr(0, dot));
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return node;
}

// The unit that a number stands in, and how many base units it is: "us" is 1e-6 "s".
struct Unit {
  std::string text;
  double scale = 1;
};
Unit unit_of(const Config* number, const std::string& base) {
  constexpr std::string_view kPrefixes = "num kMGT";
  constexpr double kScales[] = {1e-9, 1e-6, 1e-3, 1, 1e3, 1e6, 1e9, 1e12};
  const Config* unit = number == nullptr ? nullptr : number->find("unit");
  if (unit == nullptr || unit->kind() != Config::Kind::kScalar) return {base, 1};
  const std::string& text = unit->text();
  if (text.size() == base.size() + 1 && text.ends_with(base)) {
    const std::size_t prefix = kPrefixes.find(text.front());
    if (prefix != std::string_view::npos) return {text, kScales[prefix]};
  }
  return {base, 1};
}

// Begin and end of the braces of a number in the text; nullopt if it does not stand in braces.
struct Span {
  std::size_t begin = 0, end = 0;
};
std::optional<Span> braces_of(const std::string& text, const Config& number) {
  const Where where = number.where();
  std::size_t begin = 0;
  for (int line = 1; line < where.line; ++line) begin = text.find('\n', begin) + 1;
  begin = text.find('{', begin + static_cast<std::size_t>(std::max(0, where.column - 1)));
  if (begin == std::string::npos || number.entries().empty()) return std::nullopt;
  bool quoted = false;
  for (std::size_t at = begin; at < text.size(); ++at) {
    if (text[at] == '"' && text[at - 1] != '\\') quoted = !quoted;
    if (text[at] == '}' && !quoted) return Span{begin, at + 1};
  }
  return std::nullopt;
}

std::string quoted(const std::string& text) { return Config::scalar(text, {}, true).to_yaml(); }

// "source: ..." broken at spaces into lines that fit behind `indent`.
std::string source_lines(const std::string& source, const std::string& indent) {
  std::string text = "source: " + quoted(source);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::string out;
  for (std::string next = indent; !text.empty(); next = indent + "        ") {
    std::size_t cut = text.size();
    if (next.size() + cut + 1 > kColumns) {
      cut = text.rfind(' ', kColumns - 1 - next.size());
      if (cut == std::string::npos || cut < 10) cut = text.size();
    }
    out += "\n" + next + text.substr(0, cut);
    text.erase(0, std::min(cut + 1, text.size()));
  }
  return out;
}

// What stands behind "key:" for a number, as the profiles lay it out.
std::string number_text(const FittedNumber& number, const Unit& unit, std::size_t key_column,
                        std::size_t key_end) {
  constexpr std::string_view kHows[] = {"measured", "fitted", "datasheet", "assumed"};
  const Known& known = number.known;
  const std::string head = fmt::format(
      "{{value: {:.4g}, unit: {}, how: {}, ci: {:.2g},", known.value / unit.scale,
      unit.text == "1" ? "\"1\"" : unit.text, kHows[static_cast<std::size_t>(known.how)], known.ci);
  std::string source = quoted(known.source);
  while (!source.empty() && source.back() == '\n') source.pop_back();
  const std::string line = fmt::format("{} source: {}}}", head, source);
  const std::string indent(key_column + 2, ' ');
  if (key_end + 1 + line.size() <= kColumns) return " " + line;
  if (indent.size() + line.size() <= kColumns) return "\n" + indent + line;
  return "\n" + indent + head + source_lines(known.source, indent + " ") + "}";
}

// The text with one number replaced; nullopt where it does not stand in braces behind its key.
std::optional<std::string> replaced(const std::string& text, const Config& number,
                                    const FittedNumber& fitted) {
  const std::optional<Span> span = braces_of(text, number);
  if (!span) return std::nullopt;
  const std::size_t colon = text.find_last_not_of(" \n", span->begin - 1);
  if (colon == std::string::npos || text[colon] != ':') return std::nullopt;
  const std::size_t line = text.rfind('\n', colon) + 1;  // npos + 1 is 0: the first line.
  const std::size_t key = text.find_first_not_of(' ', line);
  return text.substr(0, colon + 1) +
         number_text(fitted, unit_of(&number, fitted.unit), key - line, colon + 1 - line) +
         text.substr(span->end);
}

std::string leading_comment(const std::string& text) {
  std::size_t end = 0;
  while (end < text.size() && text[end] == '#')
    end = std::min(text.find('\n', end), text.size()) + 1;
  return text.substr(0, std::min(end, text.size()));
}

}  // namespace

std::string with_numbers(const std::string& yaml, const std::string& file,
                         std::span<const FittedNumber> numbers) {
  std::optional<std::string> text = yaml;
  for (const FittedNumber& number : numbers) {
    const Config tree = Config::parse(*text, file);
    const Config* old = at_path(tree, number.path);
    text = old == nullptr ? std::nullopt : replaced(*text, *old, number);
    if (!text) break;
  }
  if (text) return *text;
  Config tree = Config::parse(yaml, file);
  for (const FittedNumber& number : numbers) {
    const Unit unit = unit_of(at_path(tree, number.path), number.unit);
    tree = tree.with(number.path, known_tree(number.known, unit.text, unit.scale));
  }
  return leading_comment(yaml) + tree.to_yaml();
}

}  // namespace tenk
