// The engines, one word each.
#include <array>

#include "sim/engine/engine.h"

namespace tenk {

extern const EngineKind kFluid;
extern const EngineKind kBound;
extern const EngineKind kSimgrid;

std::span<const EngineKind* const> engine_kinds() {
  static constexpr std::array<const EngineKind*, 3> kKinds = {&kFluid, &kBound, &kSimgrid};
  return kKinds;
}

}  // namespace tenk
