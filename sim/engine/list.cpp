// The engines, one word each.
#include <array>

#include "sim/engine/engine.h"

namespace tenk {

extern const EngineKind kFluid;
extern const EngineKind kBound;

std::span<const EngineKind* const> engine_kinds() {
  static constexpr std::array<const EngineKind*, 2> kKinds = {&kFluid, &kBound};
  return kKinds;
}

}  // namespace tenk
