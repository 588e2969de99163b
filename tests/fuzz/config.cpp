// Any bytes at all as YAML: a tree that survives being written and read again, or an Error.
#include <cstdint>

#include "sim/base/config.h"
#include "sim/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tenk;
  try {
    const Config tree = Config::parse({reinterpret_cast<const char*>(data), size}, "fuzz.yaml");
    const std::string once = tree.to_yaml();
    TENK_CHECK(Config::parse(once, "again.yaml").to_yaml() == once, "writing is stable");
  } catch (const Error&) {}
  return 0;
}
