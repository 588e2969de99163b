// Which message sizes does `--bytes 8B..8GiB,1.5MB` name?
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "sim/base/units.h"

namespace tenk {

inline constexpr Bytes kLargestSize = Bytes(std::int64_t{1} << 50);  // 1 PiB.
inline constexpr std::size_t kMostSizes = 10'000;

// A comma list of sizes ("8B") and of ranges ("8B..8GiB") that grow by `factor` >= 2 from their
// first size while they do not pass their last, as nccl-tests' -b, -e and -f. Sizes are > 0, at
// most kLargestSize, in the order written. Throws Error{kUsage} with what is wrong with which part.
std::vector<Bytes> parse_sizes(std::string_view text, std::int64_t factor);

}  // namespace tenk
