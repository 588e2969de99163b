#include "sim/base/csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "sim/base/text.h"

namespace tenk {
std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

CsvReader::CsvReader(std::string text, std::string file) {
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);  // A byte-order mark.
  source_ = std::make_shared<const SourceText>(std::move(file), std::move(text));
  if (!read_row()) {
    throw Error(ErrorKind::kFile, "is empty, expected a line that names the columns",
                Where{.file = source_->file()});
  }
  for (std::size_t i = 0; i < used_; ++i) {
    const Field& field = fields_[i];
    if (field.text.empty()) fault(field.offset, "a column has no name");
    if (has(field.text)) fault(field.offset, "column \"" + shown(field.text) + "\" comes twice");
    columns_.push_back(field.text);
  }
  finish();
}

bool CsvReader::has(std::string_view column) const {
  return std::find(columns_.begin(), columns_.end(), column) != columns_.end();
}

std::size_t CsvReader::column(std::string_view name) const {
  const auto found = std::find(columns_.begin(), columns_.end(), name);
  if (found != columns_.end()) return static_cast<std::size_t>(found - columns_.begin());
  const std::string nearest = nearest_name(name, columns_);
  throw Error(ErrorKind::kFile,
              fmt::format("expected a column \"{}\"{}", name,
                          nearest.empty() ? "" : "; the nearest is \"" + shown(nearest) + "\""),
              source_->where(0));
}

bool CsvReader::next() {
  while (faults_.size() < kMostFaults && read_row()) {
    if (used_ != columns_.size() && !malformed_) {
      fault(fields_[0].offset, fmt::format("found {} fields, expected {}", used_, columns_.size()));
    } else if (!malformed_) {
      return true;
    }
  }
  return false;
}

int CsvReader::line() const { return source_->where(fields_[0].offset).line; }

std::optional<double> CsvReader::number(std::size_t column, NumberRange range) {
  const std::string& field = text(column);
  if (field.empty()) return std::nullopt;
  const std::optional<double> value = parse_number(field);
  if (value && *value >= range.min && *value <= range.max) return value;
  const bool bounded = std::isfinite(range.min) || std::isfinite(range.max);
  fail(column, fmt::format("found \"{}\", expected a number{}", shown(field),
                           bounded ? fmt::format(" from {} to {}", range.min, range.max) : ""));
  return std::nullopt;
}

std::optional<std::int64_t> CsvReader::integer(std::size_t column, IntegerRange range) {
  const std::string& field = text(column);
  if (field.empty()) return std::nullopt;
  const std::optional<double> value = parse_number(field);
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (value && *value == std::floor(*value) && std::abs(*value) <= kExact) {
    const auto whole = static_cast<std::int64_t>(*value);
    if (whole >= range.min && whole <= range.max) return whole;
  }
  fail(column, fmt::format("found \"{}\", expected a whole number from {} to {}", shown(field),
                           range.min, range.max));
  return std::nullopt;
}

void CsvReader::fail(std::size_t column, std::string message) {
  fault(fields_[column].offset, columns_[column] + ": " + std::move(message));
}

void CsvReader::finish() const {
  if (!faults_.empty()) throw Error(ErrorKind::kFile, faults_);
}

void CsvReader::fault(std::uint32_t offset, std::string message) {
  malformed_ = true;
  if (faults_.size() < kMostFaults) faults_.push_back({std::move(message), source_->where(offset)});
}

bool CsvReader::read_row() {
  const std::string& text = source_->text();
  while (at_ < text.size() && (text[at_] == '\n' || text[at_] == '\r' || text[at_] == '#')) {
    at_ = std::min(text.find('\n', at_), text.size() - 1) + 1;
  }
  if (at_ >= text.size()) return false;
  used_ = 0;
  malformed_ = false;
  while (true) {
    if (used_ == fields_.size()) fields_.emplace_back();
    read_field(fields_[used_++]);
    if (at_ >= text.size()) return true;
    const char separator = text[at_++];
    if (separator == '\n') return true;
  }
}

// Reads up to the comma or line end, which is not consumed.
void CsvReader::read_field(Field& field) {
  const std::string& text = source_->text();
  field.text.clear();
  field.offset = static_cast<std::uint32_t>(at_);
  if (at_ < text.size() && text[at_] == '"') {
    for (++at_; at_ < text.size(); ++at_) {
      if (text[at_] == '"') {
        if (at_ + 1 >= text.size() || text[at_ + 1] != '"') break;
        ++at_;
      }
      field.text += text[at_];
    }
    if (at_ >= text.size()) {
      fault(field.offset, "the quote that opens here is never closed");
      return;
    }
    ++at_;
  }
  const std::size_t end = std::min(text.find_first_of(",\n", at_), text.size());
  std::string_view rest(text.data() + at_, end - at_);
  if (rest.ends_with('\r') && (end == text.size() || text[end] == '\n')) rest.remove_suffix(1);
  if (!rest.empty() && (text[field.offset] == '"' || rest.find('"') != std::string_view::npos)) {
    fault(static_cast<std::uint32_t>(at_), "found text beside quotes");
  }
  field.text += rest;
  at_ = end;
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos && !text.starts_with('#')) {
    return std::string(text);
  }
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

}  // namespace tenk
