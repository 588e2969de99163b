#include "sim/base/units.h"

#include <fmt/format.h>

#include <span>
#include <string_view>

namespace tenk {
namespace {

struct Unit {
  std::string_view name;
  double scale;
  double from = scale;  // Used for values of at least this.
};

// The largest unit that keeps the value at 1 or more; 3 or 4 digits, no zeros at the end.
std::string in_units(double value, std::span<const Unit> units) {
  if (value < 0) return "-" + in_units(-value, units);
  std::size_t i = units.size() - 1;
  while (i > 0 && value < units[i].from) --i;
  const auto digits = [&](double v) {
    if (v >= 1e6) return fmt::format("{:.3g}", v);  // Beyond the largest unit.
    const int decimals = i == 0 && v == std::floor(v) ? 0 : v >= 9.995 ? 1 : 2;
    std::string text = fmt::format("{:.{}f}", v, decimals);
    if (decimals > 0) text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text;
  };
  std::string text = digits(value / units[i].scale);
  if (i + 1 < units.size() && std::stod(text) * units[i].scale >= units[i + 1].from) {
    ++i;  // 999.96 ns is 1 us.
    text = digits(value / units[i].scale);
  }
  return fmt::format("{} {}", text, units[i].name);
}

std::string rate_text(double value, std::string_view unit) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return "unlimited";
  static constexpr Unit kPrefixes[] = {{"", 1},     {"k", 1e3},  {"M", 1e6},  {"G", 1e9},
                                       {"T", 1e12}, {"P", 1e15}, {"E", 1e18}, {"Z", 1e21}};
  return in_units(value, kPrefixes) + std::string(unit);
}

}  // namespace

std::string to_text(Time t) {
  static constexpr Unit kUnits[] = {{"ps", 1},
                                    {"ns", 1e3},
                                    {"us", 1e6},
                                    {"ms", 1e9},
                                    {"s", 1e12},
                                    {"h", 3.6e15, 3.6e15},
                                    {"d", 8.64e16, 1.728e17}};
  return in_units(static_cast<double>(t.ps()), kUnits);
}

std::string to_text(Bytes b) {
  static constexpr Unit kUnits[] = {{"B", 1},        {"KiB", 0x1p10}, {"MiB", 0x1p20},
                                    {"GiB", 0x1p30}, {"TiB", 0x1p40}, {"PiB", 0x1p50},
                                    {"EiB", 0x1p60}};
  return in_units(b.value(), kUnits);
}

std::string to_text(Bandwidth b) { return rate_text(b.value(), "B/s"); }
std::string to_text(FlopRate f) { return rate_text(f.value(), "FLOP/s"); }

}  // namespace tenk
