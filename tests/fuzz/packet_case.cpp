// Any bytes at all as a packet-level case: it runs within its bounds, or is refused with an Error.
#include <cstdint>

#include "analysis/packet_case.h"
#include "sim/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tenk;
  try {
    predict_flows(read_packet_case({reinterpret_cast<const char*>(data), size}, "fuzz.json"));
  } catch (const Error&) {}
  return 0;
}
