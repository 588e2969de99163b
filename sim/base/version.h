// Which release is this?
#pragma once
#include <string_view>

namespace tenk {
inline constexpr std::string_view kVersion = "0.1.0";
}  // namespace tenk
