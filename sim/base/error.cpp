#include "sim/base/error.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/base/text.h"

namespace tenk {
namespace {

constexpr std::size_t kWindow = 80;  // Characters of a source line that are shown.

// The part of `line` round the character `at`, and where in that part `at` is.
std::pair<std::string, std::size_t> window(const std::string& line, std::size_t at) {
  std::vector<std::size_t> starts;  // Byte offset of each character.
  for (std::size_t i = 0; i < line.size(); ++i) {
    if ((line[i] & 0xC0) != 0x80) starts.push_back(i);
  }
  at = std::min(at, starts.size());
  if (starts.size() <= kWindow) return {line, at};
  const std::size_t first = std::min(at - std::min(at, kWindow / 2), starts.size() - kWindow);
  const std::size_t last = first + kWindow;
  const std::size_t end = last < starts.size() ? starts[last] : line.size();
  const std::string cut = line.substr(starts[first], end - starts[first]);
  const std::string before = first > 0 ? "..." : "";
  const std::string after = last < starts.size() ? "..." : "";
  return {before + cut + after, at - first + before.size()};
}

std::string to_text(const Fault& fault) {
  const Where& where = fault.where;
  std::string text = printable(where.file);
  if (where.line > 0) text += fmt::format(":{}:{}", where.line, where.column);
  text += (text.empty() ? "" : ": ") + printable(fault.message);
  if (where.line == 0 || where.column < where.source_column) return text;
  const std::string line = printable(where.source_line);
  if (line.find_first_not_of(' ') == std::string::npos) return text;
  const auto [part, at] =
      window(line, static_cast<std::size_t>(where.column - where.source_column));
  return fmt::format("{}\n  {}\n  {:>{}}", text, part, '^', at + 1);
}

}  // namespace

Error::Error(ErrorKind kind, std::string message, Where where)
    : Error(kind, std::vector<Fault>{{std::move(message), std::move(where)}}) {}

Error::Error(ErrorKind kind, std::vector<Fault> faults) : kind_(kind), faults_(std::move(faults)) {
  TENK_CHECK(!faults_.empty(), "an Error without a fault");
  for (const Fault& fault : faults_) text_ += (text_.empty() ? "" : "\n") + to_text(fault);
}

void fail_check(const char* condition, const char* file, int line, const std::string& why) {
  throw BugError(fmt::format("bug in tenk: {} ({} is false, {}:{})", why, condition, file, line));
}

}  // namespace tenk
