#include "sim/base/source.h"

#include <algorithm>

#include "sim/base/text.h"

namespace tenk {
namespace {

constexpr std::size_t kWindowBytes = 400;  // Of a line, before and after the column.

bool continues(char c) { return (c & 0xC0) == 0x80; }

}  // namespace

SourceText::SourceText(std::string file, std::string text)
    : given_{.file = std::move(file)}, text_(std::move(text)), starts_{0} {
  for (std::size_t at = text_.find('\n'); at != std::string::npos; at = text_.find('\n', at + 1)) {
    starts_.push_back(static_cast<std::uint32_t>(at + 1));
  }
}

SourceText::SourceText(Where given) : given_(std::move(given)) {}

std::uint32_t SourceText::offset(int line, int byte_column) const {
  const auto l = static_cast<std::size_t>(std::max(line, 0));
  const std::size_t start = l < starts_.size() ? starts_[l] : text_.size();
  const std::size_t at = start + static_cast<std::size_t>(std::max(byte_column, 0));
  return static_cast<std::uint32_t>(std::min(at, text_.size()));
}

Where SourceText::where(std::uint32_t offset) const {
  if (starts_.empty()) return given_;
  const std::size_t at = std::min<std::size_t>(offset, text_.size());
  const auto line = std::prev(std::upper_bound(starts_.begin(), starts_.end(), at));
  const std::string_view text(text_);
  std::size_t end = std::min(text.find('\n', at), text.size());
  if (end > at && text[end - 1] == '\r') --end;
  std::size_t first = std::max<std::size_t>(*line, at - std::min(at, kWindowBytes));
  std::size_t last = std::min(end, at + kWindowBytes);
  while (first < at && continues(text[first])) ++first;
  while (last < end && continues(text[last])) ++last;
  Where where = given_;
  where.line = static_cast<int>(line - starts_.begin()) + 1;
  where.column = static_cast<int>(count_characters(text.substr(*line, at - *line))) + 1;
  where.source_line = text.substr(first, last - first);
  where.source_column = static_cast<int>(count_characters(text.substr(*line, first - *line))) + 1;
  return where;
}

Place::Place(const Where& where) {
  if (where.line == 0 && where.file.empty()) return;
  source_ = std::make_shared<const SourceText>(where);
}

Place::operator Where() const { return source_ ? source_->where(offset_) : Where{}; }

}  // namespace tenk
