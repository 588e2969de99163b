#include "analysis/sizes.h"

#include <catch2/catch.hpp>

#include "sim/base/error.h"

namespace tenk {
namespace {

std::vector<std::int64_t> counts(const std::string& text, std::int64_t factor = 2) {
  std::vector<std::int64_t> out;
  for (const Bytes size : parse_sizes(text, factor)) out.push_back(size.count());
  return out;
}

std::string fault(const std::string& text) {
  try {
    parse_sizes(text, 2);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kUsage);
    return error.what();
  }
  return "";
}

using Counts = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("sizes are single, listed, or ranges that grow by the factor up to their end") {
  CHECK(counts("8B") == Counts{8});
  CHECK(counts("8B..64B") == Counts{8, 16, 32, 64});
  CHECK(counts("8B..63B") == Counts{8, 16, 32});
  CHECK(counts("1KiB..1MiB", 32) == Counts{1024, 32768, 1048576});
  CHECK(counts("8B..8B") == Counts{8});
  CHECK(counts("3B, 1kB ,1KiB..2KiB") == Counts{3, 1000, 1024, 2048});
  CHECK(counts("8B..8GiB").size() == 31);
  CHECK(counts("1.5MB") == Counts{1'500'000});
  CHECK(counts("512TiB..1PiB").back() == kLargestSize.count());
}

TEST_CASE("sizes that make no sense are refused with the part that is wrong") {
  using Catch::Contains;
  CHECK_THAT(fault("8"), Contains("\"8\" has no unit; write 8B, 8KiB or 8MB"));
  CHECK_THAT(fault("8B..64"), Contains("\"64\" has no unit"));
  CHECK_THAT(fault("64B..8B"), Contains("\"64B..8B\" ends before it starts"));
  CHECK_THAT(fault("0B"), Contains("must be more than 0"));
  CHECK_THAT(fault("-8B"), Contains("must be more than 0"));
  CHECK_THAT(fault("2PiB"), Contains("is more than 1 PiB"));
  for (const char* bad : {"", ",", "8B,", "..", "8B..", "..8B", "8B..9B..10B", "8b", "x", "nanB"}) {
    CAPTURE(bad);
    CHECK_THAT(fault(bad), Contains("is no size"));
  }
  std::string many;
  for (std::size_t i = 0; i <= kMostSizes; ++i) many += "8B,";
  CHECK_THAT(fault(many + "8B"), Contains("more than 10000 sizes"));
}

}  // namespace tenk
