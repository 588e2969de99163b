// Any bytes at all as a list of flows: flows in their ranges, or an Error.
#include <cstdint>

#include "analysis/flows.h"
#include "sim/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tenk;
  try {
    for (const Flow& f : read_flows({reinterpret_cast<const char*>(data), size}, "fuzz.csv", 64)) {
      TENK_CHECK(f.src < 64 && f.dst < 64 && f.src != f.dst, "two different ends");
      TENK_CHECK(f.bytes > 0 && f.start_us >= 0, "something to move");
    }
  } catch (const Error&) {}
  return 0;
}
