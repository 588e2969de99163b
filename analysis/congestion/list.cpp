// The congestion models, one word each; the first is the default.
#include <array>

#include "analysis/congestion/congestion.h"

namespace tenk {

extern const CongestionKind kIdeal;
extern const CongestionKind kNscc;
extern const CongestionKind kPfc;

std::span<const CongestionKind* const> congestion_kinds() {
  static constexpr std::array<const CongestionKind*, 3> kKinds = {&kIdeal, &kNscc, &kPfc};
  return kKinds;
}

}  // namespace tenk
