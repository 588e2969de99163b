// The kinds of validation, one word each.
#include <array>

#include "analysis/validate/validation.h"

namespace tenk {

extern const ValidationKind kTrainingValidation;
extern const ValidationKind kCollectivesValidation;
extern const ValidationKind kKernelsValidation;
extern const ValidationKind kPacketValidation;

std::span<const ValidationKind* const> validation_kinds() {
  static constexpr std::array<const ValidationKind*, 4> kKinds = {
      &kTrainingValidation, &kCollectivesValidation, &kKernelsValidation, &kPacketValidation};
  return kKinds;
}

}  // namespace tenk
