// The kinds of validation, one word each.
#include <array>

#include "analysis/validate/validation.h"

namespace tenk {

extern const ValidationKind kTrainingValidation;
extern const ValidationKind kCollectivesValidation;

std::span<const ValidationKind* const> validation_kinds() {
  static constexpr std::array<const ValidationKind*, 2> kKinds = {&kTrainingValidation,
                                                                  &kCollectivesValidation};
  return kKinds;
}

}  // namespace tenk
