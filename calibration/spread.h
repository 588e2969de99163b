// How far did the repeats behind a measured row spread?
//
// The tables have no columns for it; tenk-probe writes it first in `notes`, always in this form, in
// the unit of the row's value:
//   median of 15, p10 101.2 us, p90 104.9 us; further words
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tenk {

struct RepeatSpread {
  std::int64_t repeats = 0;
  double p10 = 0;
  double p90 = 0;
  std::string unit;  // us, ns, GB/s
};

// nullopt if the notes do not begin so.
std::optional<RepeatSpread> spread_of(std::string_view notes);

}  // namespace tenk
