#include "calibration/importers/text_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <utility>

namespace tenk {
namespace {

constexpr auto kMostWhole = static_cast<std::int64_t>(kMostNumber);

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\v' || c == '\f'; }

std::size_t past_digits(std::string_view text, std::size_t at) {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

}  // namespace

TextLines::TextLines(const std::string& text, const std::string& file)
    : source_(std::make_shared<const SourceText>(file, text)) {}

bool TextLines::next() {
  const std::string_view text = source_->text();
  if (faults_.size() >= kMostFaults || at_ >= text.size()) return false;
  const std::size_t end = std::min(text.find_first_of("\r\n", at_), text.size());
  offset_ = static_cast<std::uint32_t>(at_);
  line_ = text.substr(at_, end - at_);
  ended_ = end < text.size();
  const bool pair = text.substr(end).starts_with("\r\n");
  at_ = std::min(end + (pair ? 2 : 1), text.size());
  take_label();
  split();
  return true;
}

// "  3: rest" -> rest; "[1,3]<stdout>:rest" -> rest. A number and a colon open no line of a tool
// that is read here.
void TextLines::take_label() {
  label_ = {};
  std::size_t begin = 0;
  while (begin < line_.size() && line_[begin] == ' ') ++begin;
  std::size_t end = past_digits(line_, begin);
  std::size_t rest = std::string_view::npos;
  if (end > begin && end < line_.size() && line_[end] == ':' &&
      (end + 1 == line_.size() || line_[end + 1] == ' ')) {
    rest = end + 1;
  } else if (begin < line_.size() && line_[begin] == '[') {
    ++begin;
    end = line_.find(']', begin);
    const std::string_view tail = line_.substr(std::min(end, line_.size()));
    for (const std::string_view stream : {"]<stdout>:", "]<stderr>:"}) {
      if (tail.starts_with(stream)) rest = end + stream.size();
    }
  }
  if (rest == std::string_view::npos) return;
  label_ = line_.substr(begin, end - begin);
  line_.remove_prefix(rest);
  offset_ += static_cast<std::uint32_t>(rest);
}

void TextLines::split() {
  words_.clear();
  for (std::size_t at = 0; at < line_.size() && words_.size() < kMostWords;) {
    if (is_blank(line_[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < line_.size() && !is_blank(line_[end])) ++end;
    words_.push_back({line_.substr(at, end - at), offset_ + static_cast<std::uint32_t>(at)});
    at = end;
  }
}

std::string TextLines::place() const {
  return fmt::format("{}:{}", source_->file(), source_->where(offset_).line);
}

void TextLines::fail(std::uint32_t offset, std::string message) {
  if (faults_.size() < kMostFaults) faults_.push_back({std::move(message), source_->where(offset)});
}

bool TextLines::fail_if_open() {
  if (ended_) return false;
  fail("the last line has no line end, so it may be cut off; end it if it is whole");
  return true;
}

void TextLines::finish() const {
  if (!faults_.empty()) throw Error(ErrorKind::kFile, faults_);
}

void TextLines::refuse(const std::string& message) const {
  throw Error(ErrorKind::kFile, message, Where{.file = source_->file()});
}

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  if (!(std::abs(value) <= kMostNumber)) return std::nullopt;
  return std::abs(value) < kLeastNumber ? 0 : value;
}

std::optional<std::int64_t> whole_of(std::string_view text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end || value > kMostWhole) return std::nullopt;
  return value;
}

double last_digit(std::string_view number) {
  const std::size_t mark = std::min(number.find_first_of("eE"), number.size());
  const std::string_view mantissa = number.substr(0, mark);
  const std::size_t point = mantissa.find('.');
  const double decimals =
      point == std::string_view::npos ? 0 : static_cast<double>(mantissa.size() - point - 1);
  double exponent = 0;
  if (mark + 1 < number.size()) {
    std::string_view power = number.substr(mark + 1);
    if (power.starts_with('+')) power.remove_prefix(1);
    exponent = number_of(power).value_or(0);
  }
  return std::pow(10, exponent - decimals);
}

bool holds(std::string_view text, std::string_view part) {
  return std::search(text.begin(), text.end(), part.begin(), part.end(),
                     [](char a, char b) { return lower(a) == lower(b); }) != text.end();
}

std::string base_name(std::string_view file) {
  const std::size_t slash = file.rfind('/');
  return std::string(slash == std::string_view::npos ? file : file.substr(slash + 1));
}

std::string stem_of(std::string_view file) {
  std::string name = base_name(file);
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  const std::size_t dot = name.rfind('.');
  if (dot != std::string::npos && dot > 0) name.resize(dot);
  return name;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace tenk
