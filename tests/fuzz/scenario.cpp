// Any bytes at all as a scenario: read, or refused with an Error; never a crash, hang or bug.
#include <cstdint>

#include "analysis/scenario.h"
#include "sim/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tenk;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const ScenarioUse use : {ScenarioUse::kWholeJob, ScenarioUse::kClusterOnly}) {
    try {
      read_scenario(Config::parse(text, "fuzz.yaml"), use);
    } catch (const Error&) {}
  }
  return 0;
}
