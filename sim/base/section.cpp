#include "sim/base/section.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <tuple>

#include "sim/base/text.h"

namespace tenk {
namespace {

std::string kind_text(const Config& node) {
  switch (node.kind()) {
    case Config::Kind::kScalar:
      return node.quoted() ? "\"" + shown(node.text()) + "\"" : shown(node.text());
    case Config::Kind::kList:
      return "a list";
    case Config::Kind::kMap:
      return "a map";
    case Config::Kind::kNull:
      break;
  }
  return "nothing";
}

bool is_scalar(const Config& node) { return node.kind() == Config::Kind::kScalar; }

enum class Parsed { kYes, kNo, kTooLarge };

// Digits, or a form with a fraction or an exponent (1.5e6) that is a whole number.
Parsed parse_whole(std::string_view text, std::int64_t& out) {
  const auto all = [&](const char* stop) { return stop == text.data() + text.size(); };
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto digits = std::from_chars(text.data(), text.data() + text.size(), out);
  if (all(digits.ptr) && digits.ec == std::errc()) return Parsed::kYes;
  if (all(digits.ptr) && digits.ec == std::errc::result_out_of_range) return Parsed::kTooLarge;
  double value = 0;
  const auto number = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool exponent = text.find_first_of("eE") != std::string_view::npos;
  if (!all(number.ptr) || !exponent) return Parsed::kNo;
  if (number.ec != std::errc() || std::abs(value) > 9e15) return Parsed::kTooLarge;
  if (value != std::floor(value)) return Parsed::kNo;
  out = static_cast<std::int64_t>(value);  // Exact: below 2^53.
  return Parsed::kYes;
}

template <class Range, class Number>
std::string out_of(const Range& range, Number value) {
  if (value < range.min) return fmt::format("must be at least {}", range.min);
  if (value > range.max) return fmt::format("must be at most {}", range.max);
  return "";
}

template <class Range, class Number>
Number harmless(const Range& range, const std::optional<Number>& otherwise) {
  return otherwise ? *otherwise : std::clamp(Number{1}, range.min, range.max);
}

std::string suggestion(std::string_view word, const std::vector<std::string>& names,
                       const char* introduction) {
  const std::string nearest = nearest_name(word, names);
  if (!nearest.empty()) return fmt::format("; did you mean \"{}\"?", nearest);
  constexpr std::size_t kMost = 20;
  std::string list;
  for (std::size_t i = 0; i < std::min(names.size(), kMost); ++i) {
    list += (i > 0 ? ", " : "") + names[i];
  }
  if (names.size() > kMost) list += ", ...";
  return list.empty() ? "" : fmt::format("; {} {}", introduction, list);
}

}  // namespace

void Faults::add(const Where& where, std::string message) {
  if (full()) {
    ++uncounted_;
  } else {
    faults_.push_back({std::move(message), where});
  }
}

void Faults::throw_if_any() const {
  if (faults_.empty()) return;
  const auto order = [](const Fault& f) {
    return std::tie(f.where.file, f.where.line, f.where.column);
  };
  std::vector<Fault> sorted;
  for (const Fault& f : faults_) {
    const bool known = std::any_of(sorted.begin(), sorted.end(), [&](const Fault& s) {
      return order(s) == order(f) && s.message == f.message;
    });
    if (!known) sorted.push_back(f);
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const Fault& a, const Fault& b) { return order(a) < order(b); });
  if (uncounted_ > 0) sorted.push_back({fmt::format("and {} more faults", uncounted_)});
  throw Error(ErrorKind::kInvalid, std::move(sorted));
}

Section::Section(const Config& node, std::string what, Faults& faults)
    : node_(node), what_(std::move(what)), faults_(&faults) {
  if (node.kind() == Config::Kind::kMap) return;
  const std::string name = what_.empty() ? "the file" : what_;
  fault(node.place(), fmt::format("{} must be a map of keys; found {}", name, kind_text(node)));
  broken_ = true;
}

bool Section::has(std::string_view key) const {
  const Config* found = node_.find(key);
  return found != nullptr && found->kind() != Config::Kind::kNull;
}

const Config* Section::raw(std::string_view key) {
  if (std::find(read_.begin(), read_.end(), key) == read_.end()) read_.emplace_back(key);
  return has(key) ? node_.find(key) : nullptr;
}

const Config* Section::value(std::string_view key, bool has_default) {
  const Config* found = raw(key);
  if (found == nullptr && !has_default) {
    const Config* empty = node_.find(key);
    const std::string name = what_.empty() ? "the file" : what_;
    fault(empty != nullptr ? empty->place() : node_.place(),
          fmt::format("{} needs \"{}\"", name, key));
  }
  return found;
}

std::string Section::label(std::string_view key) const {
  return what_.empty() ? std::string(key) : fmt::format("{}.{}", what_, key);
}

void Section::fault(const Place& where, std::string message) {
  if (broken_) return;
  // A Where costs time in proportion to its line.
  faults_->add(faults_->full() ? Where{} : Where(where), std::move(message));
}

std::optional<std::int64_t> Section::to_integer(const Config& node, const std::string& label,
                                                IntegerRange range) {
  std::int64_t value = 0;
  const bool number = is_scalar(node) && !node.quoted();
  const Parsed parsed = number ? parse_whole(node.text(), value) : Parsed::kNo;
  std::string why = parsed == Parsed::kTooLarge ? "is too large" : "must be a whole number";
  if (parsed == Parsed::kYes) why = out_of(range, value);
  if (why.empty()) return value;
  fault(node.place(), fmt::format("{} {}; found {}", label, why, kind_text(node)));
  return std::nullopt;
}

std::int64_t Section::integer(std::string_view key, IntegerRange range,
                              std::optional<std::int64_t> otherwise) {
  const Config* node = value(key, otherwise.has_value());
  const auto found = node != nullptr ? to_integer(*node, label(key), range) : std::nullopt;
  return found ? *found : harmless(range, otherwise);
}

double Section::number(std::string_view key, NumberRange range, std::optional<double> otherwise) {
  const Config* node = value(key, otherwise.has_value());
  if (node == nullptr) return harmless(range, otherwise);
  std::string why = "must be a number";
  if (is_scalar(*node) && !node->quoted()) {
    std::string_view text = node->text();
    if (text.starts_with('+')) text.remove_prefix(1);
    double value = 0;
    const char* last = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), last, value);
    if (stop == last && error == std::errc::result_out_of_range) {
      why = "is beyond what a number can hold";
    } else if (text == ".nan" || text == ".inf" || (stop == last && !std::isfinite(value))) {
      why = "must be a finite number";
    } else if (stop == last && error == std::errc()) {
      why = out_of(range, value);
      if (why.empty()) return value;
    }
  }
  fault(node->place(), fmt::format("{} {}; found {}", label(key), why, kind_text(*node)));
  return harmless(range, otherwise);
}

bool Section::boolean(std::string_view key, std::optional<bool> otherwise) {
  const Config* node = value(key, otherwise.has_value());
  if (node == nullptr) return otherwise.value_or(false);
  if (is_scalar(*node) && !node->quoted()) {
    if (node->text() == "true") return true;
    if (node->text() == "false") return false;
  }
  fault(node->place(),
        fmt::format("{} must be true or false; found {}", label(key), kind_text(*node)));
  return otherwise.value_or(false);
}

std::string Section::text(std::string_view key, std::optional<std::string> otherwise) {
  const Config* node = value(key, otherwise.has_value());
  if (node != nullptr && is_scalar(*node)) return node->text();
  if (node != nullptr) {
    fault(node->place(), fmt::format("{} must be text; found {}", label(key), kind_text(*node)));
  }
  return otherwise ? std::move(*otherwise) : "";
}

std::string Section::word(std::string_view key, const std::vector<std::string>& allowed,
                          std::optional<std::string> otherwise) {
  const Config* node = value(key, otherwise.has_value());
  std::string harmless = otherwise ? *otherwise : allowed.empty() ? "" : allowed.front();
  if (node == nullptr) return harmless;
  if (!is_scalar(*node)) {
    fault(node->place(), fmt::format("{} must be a name; found {}", label(key), kind_text(*node)));
    return harmless;
  }
  const std::string& word = node->text();
  if (std::find(allowed.begin(), allowed.end(), word) != allowed.end()) return word;
  fault(node->place(), fmt::format("unknown {} \"{}\"{}", label(key), shown(word),
                                   suggestion(word, allowed, "known:")));
  return harmless;
}

template <class Quantity, class Parse>
Quantity Section::quantity(std::string_view key, const std::optional<Quantity>& otherwise,
                           Parse parse, const char* example) {
  const Config* node = value(key, otherwise.has_value());
  const std::string_view sample(example);
  const Quantity harmless = otherwise ? *otherwise : *parse(sample.substr(0, sample.find(' ')));
  if (node == nullptr) return harmless;
  std::string why = fmt::format("must be a number with a unit, such as {}", example);
  if (is_scalar(*node)) {
    const std::string& text = node->text();
    const std::optional<Quantity> found = parse(text);
    if (found && *found >= Quantity{}) return *found;
    double bare = 0;
    const char* last = text.data() + text.size();
    const auto number = std::from_chars(text.data(), last, bare);
    if (found) {
      why = "must not be negative";
    } else if (number.ptr == last && number.ec == std::errc() && std::isfinite(bare)) {
      why = fmt::format("needs a unit, such as {}", example);
    }
  }
  fault(node->place(), fmt::format("{} {}; found {}", label(key), why, kind_text(*node)));
  return harmless;
}

Time Section::time(std::string_view key, std::optional<Time> otherwise) {
  return quantity(key, otherwise, parse_time, "600ns or 2us");
}

Bytes Section::bytes(std::string_view key, std::optional<Bytes> otherwise) {
  return quantity(key, otherwise, parse_bytes, "80GB or 512MiB");
}

Bandwidth Section::bandwidth(std::string_view key, std::optional<Bandwidth> otherwise) {
  return quantity(key, otherwise, parse_bandwidth, "400Gbps or 50GB/s");
}

Section Section::section(std::string_view key, bool required) {
  const Config* node = value(key, !required);
  if (node != nullptr) return Section(*node, label(key), *faults_);
  Section empty(Config::map({}, node_.place()), label(key), *faults_);
  empty.broken_ = broken_ || required;
  return empty;
}

const Config* Section::list(std::string_view key) {
  const Config* node = value(key, true);
  if (node == nullptr || node->kind() == Config::Kind::kList) return node;
  fault(node->place(), fmt::format("{} must be a list; found {}", label(key), kind_text(*node)));
  return nullptr;
}

std::vector<Section> Section::sections(std::string_view key) {
  std::vector<Section> all;
  const Config* node = list(key);
  if (node == nullptr) return all;
  for (const Config& item : node->items()) {
    all.emplace_back(item, fmt::format("{}[{}]", label(key), all.size()), *faults_);
  }
  return all;
}

std::vector<std::string> Section::texts(std::string_view key) {
  std::vector<std::string> all;
  const Config* node = list(key);
  if (node == nullptr) return all;
  for (const Config& item : node->items()) {
    const bool good = is_scalar(item);
    if (!good) {
      fault(item.place(),
            fmt::format("{}[{}] must be text; found {}", label(key), all.size(), kind_text(item)));
    }
    all.push_back(good ? item.text() : "");
  }
  return all;
}

std::vector<std::int64_t> Section::integers(std::string_view key, IntegerRange range) {
  std::vector<std::int64_t> all;
  const Config* node = list(key);
  if (node == nullptr) return all;
  for (const Config& item : node->items()) {
    const auto found = to_integer(item, fmt::format("{}[{}]", label(key), all.size()), range);
    all.push_back(found ? *found : harmless<IntegerRange, std::int64_t>(range, {}));
  }
  return all;
}

void Section::fail(std::string_view key, std::string message) {
  const Config* node = node_.find(key);
  fault(node != nullptr ? node->place() : node_.place(), std::move(message));
}

void Section::fail(std::string message) { fault(node_.place(), std::move(message)); }

void Section::finish() {
  for (const Config::Entry& entry : node_.entries()) {
    if (std::find(read_.begin(), read_.end(), entry.key) != read_.end()) continue;
    if (faults_->full()) {
      fault({}, "");
      continue;
    }
    const std::string where = what_.empty() ? "at the top level" : "in " + what_;
    fault(entry.where, fmt::format("unknown key \"{}\" {}{}", shown(entry.key), where,
                                   suggestion(entry.key, read_, "known keys:")));
  }
}

}  // namespace tenk
