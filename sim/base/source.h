// Which place of which input did a value come from, at 24 bytes a value?
//
// A `SourceText` is the whole text of an input; a `Place` is an offset in it, which becomes a
// `Where` (line, column, the line's text) only when a fault is reported.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sim/base/error.h"

namespace tenk {

class SourceText {
 public:
  SourceText(std::string file, std::string text);  // UTF-8 below 4 GiB.
  explicit SourceText(Where given);                // No text: where() is always `given`.
  const std::string& file() const { return given_.file; }
  const std::string& text() const { return text_; }
  std::uint32_t offset(int line, int byte_column) const;  // Both from 0; clamped to the text.
  // The line is cut to a window round the column. O(log lines + length of the line).
  Where where(std::uint32_t offset) const;

 private:
  Where given_;
  std::string text_;
  std::vector<std::uint32_t> starts_;  // Of each line; empty if there is no text.
};

class Place {
 public:
  Place() = default;  // Nowhere.
  Place(std::shared_ptr<const SourceText> source, std::uint32_t offset)
      : source_(std::move(source)), offset_(offset) {}
  Place(const Where& where);  // NOLINT(google-explicit-constructor): every Where is a Place.
  operator Where() const;     // NOLINT(google-explicit-constructor): and the other way round.

 private:
  std::shared_ptr<const SourceText> source_;
  std::uint32_t offset_ = 0;
};

}  // namespace tenk
