#include <array>
#include <charconv>
#include <cmath>
#include <span>

#include "sim/base/section.h"

namespace tenk {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t scale;
};
// Case matters: b is a bit, B a byte; m is milli, M mega.
constexpr std::array kTimeUnits{Unit{"ps", 1},
                                Unit{"ns", 1'000},
                                Unit{"us", 1'000'000},
                                Unit{"\u00b5s", 1'000'000},
                                Unit{"\u03bcs", 1'000'000},
                                Unit{"ms", 1'000'000'000},
                                Unit{"s", 1'000'000'000'000},
                                Unit{"min", 60'000'000'000'000},
                                Unit{"h", 3'600'000'000'000'000},
                                Unit{"d", 86'400'000'000'000'000}};
constexpr std::array kPrefixes{Unit{"", 1},
                               Unit{"k", 1'000},
                               Unit{"K", 1'000},
                               Unit{"M", 1'000'000},
                               Unit{"G", 1'000'000'000},
                               Unit{"T", 1'000'000'000'000},
                               Unit{"P", 1'000'000'000'000'000},
                               Unit{"Ki", 1LL << 10},
                               Unit{"Mi", 1LL << 20},
                               Unit{"Gi", 1LL << 30},
                               Unit{"Ti", 1LL << 40},
                               Unit{"Pi", 1LL << 50}};

struct Measure {
  double value = 0;
  std::optional<std::int64_t> whole = {};  // The same where no fraction or exponent was written.
  std::string_view unit;
};

std::optional<Measure> split(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const char* last = text.data() + text.size();
  Measure m;
  const auto number = std::from_chars(text.data(), last, m.value);
  if (number.ec != std::errc() || !std::isfinite(m.value)) return std::nullopt;
  std::int64_t whole = 0;
  const auto digits = std::from_chars(text.data(), last, whole);
  if (digits.ec == std::errc() && digits.ptr == number.ptr) m.whole = whole;
  m.unit = std::string_view(number.ptr, static_cast<std::size_t>(last - number.ptr));
  while (m.unit.starts_with(' ')) m.unit.remove_prefix(1);
  return m;
}

std::optional<std::int64_t> scale_of(std::string_view unit, std::span<const Unit> units) {
  for (const Unit& u : units) {
    if (u.name == unit) return u.scale;
  }
  return std::nullopt;
}

// value x scale to the nearest integer; nullopt beyond int64, or if a value would vanish.
std::optional<std::int64_t> scaled(const Measure& m, std::int64_t scale) {
  std::int64_t exact = 0;
  if (m.whole && !__builtin_mul_overflow(*m.whole, scale, &exact)) return exact;
  const double product = m.value * static_cast<double>(scale);
  if (!(std::abs(product) < 9.2e18) || (m.value != 0 && std::abs(product) < 0.5)) return {};
  return std::llround(product);
}

}  // namespace

std::optional<Time> parse_time(std::string_view text) {
  const auto m = split(text);
  const auto scale = m ? scale_of(m->unit, kTimeUnits) : std::nullopt;
  const auto ps = scale ? scaled(*m, *scale) : std::nullopt;
  return ps ? std::optional(Time::picoseconds(*ps)) : std::nullopt;
}

std::optional<Bytes> parse_bytes(std::string_view text) {
  const auto m = split(text);
  if (!m || !m->unit.ends_with('B')) return std::nullopt;
  const auto scale = scale_of(m->unit.substr(0, m->unit.size() - 1), kPrefixes);
  const auto count = scale ? scaled(*m, *scale) : std::nullopt;
  return count ? std::optional(Bytes(*count)) : std::nullopt;
}

std::optional<Bandwidth> parse_bandwidth(std::string_view text) {
  static constexpr std::array kEndings{Unit{"B/s", 8}, Unit{"Bps", 8}, Unit{"bps", 1},
                                       Unit{"b/s", 1}, Unit{"bit/s", 1}};
  const auto m = split(text);
  if (!m) return std::nullopt;
  for (const Unit& ending : kEndings) {
    if (!m->unit.ends_with(ending.name)) continue;
    const auto prefix = m->unit.substr(0, m->unit.size() - ending.name.size());
    if (const auto scale = scale_of(prefix, kPrefixes)) {
      const double bits = m->value * static_cast<double>(ending.scale);
      const double rate = bits * static_cast<double>(*scale) / 8;
      return std::isfinite(rate) ? std::optional(Bandwidth::per_second(rate)) : std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace tenk
