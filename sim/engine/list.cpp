// The engines, one word each.
#include <array>

#include "sim/engine/engine.h"

namespace tenk {

extern const EngineKind kFluid;

std::span<const EngineKind* const> engine_kinds() {
  static constexpr std::array<const EngineKind*, 1> kKinds = {&kFluid};
  return kKinds;
}

}  // namespace tenk
