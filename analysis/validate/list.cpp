// The kinds of validation, one word each.
#include <array>

#include "analysis/validate/validation.h"

namespace tenk {

extern const ValidationKind kTrainingValidation;

std::span<const ValidationKind* const> validation_kinds() {
  static constexpr std::array<const ValidationKind*, 1> kKinds = {&kTrainingValidation};
  return kKinds;
}

}  // namespace tenk
