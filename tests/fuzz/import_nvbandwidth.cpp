// Any bytes at all as text or JSON of nvbandwidth (tests/fuzz/import.h).
#include "tests/fuzz/import.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return tenk::fuzz_import("nvbandwidth", data, size);
}
