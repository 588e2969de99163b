// The kinds of validation, one word each.
#include <array>

#include "analysis/validate/validation.h"

namespace tenk {

extern const ValidationKind kTrainingValidation;
extern const ValidationKind kCollectivesValidation;
extern const ValidationKind kKernelsValidation;
extern const ValidationKind kPacketValidation;
extern const ValidationKind kTransportValidation;

std::span<const ValidationKind* const> validation_kinds() {
  static constexpr std::array<const ValidationKind*, 5> kKinds = {
      &kTrainingValidation, &kCollectivesValidation, &kKernelsValidation, &kPacketValidation,
      &kTransportValidation};
  return kKinds;
}

}  // namespace tenk
