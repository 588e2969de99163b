#include "calibration/spread.h"

#include "sim/base/csv.h"

namespace tenk {
namespace {

// Takes `what` off the front of `text`; false if it does not begin with it.
bool take(std::string_view& text, std::string_view what) {
  if (!text.starts_with(what)) return false;
  text.remove_prefix(what.size());
  return true;
}

// Takes all up to one of `ends`.
std::string_view take_until(std::string_view& text, std::string_view ends) {
  const std::string_view word = text.substr(0, text.find_first_of(ends));
  text.remove_prefix(word.size());
  return word;
}

}  // namespace

std::optional<RepeatSpread> spread_of(std::string_view notes) {
  if (!take(notes, "median of ")) return std::nullopt;
  const auto repeats = parse_number(take_until(notes, ","));
  if (!repeats || *repeats < 1 || *repeats > 1e9 || !take(notes, ", p10 ")) return std::nullopt;
  const auto p10 = parse_number(take_until(notes, " "));
  if (!p10 || !take(notes, " ")) return std::nullopt;
  const std::string_view unit = take_until(notes, ",");
  if (unit.empty() || !take(notes, ", p90 ")) return std::nullopt;
  const auto p90 = parse_number(take_until(notes, " "));
  if (!p90 || !take(notes, " ") || take_until(notes, ";") != unit) return std::nullopt;
  return RepeatSpread{static_cast<std::int64_t>(*repeats), *p10, *p90, std::string(unit)};
}

}  // namespace tenk
