// Any bytes at all as a file of tenk-probe (tests/fuzz/import.h).
#include "tests/fuzz/import.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return tenk::fuzz_import("probe", data, size);
}
