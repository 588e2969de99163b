// How do fitted numbers get into the text of a profile, so that people still know the file?
//
// Only the fitted numbers change: comments, order and what was not fitted stay as they are. A
// number keeps the unit it stands in.
#pragma once
#include <span>
#include <string>

#include "calibration/constant_fit.h"

namespace tenk {

// `yaml` is the text of a profile, `file` its name for messages. Where it does not hold one of the
// numbers as {value, unit, ...} (it may say `like` another) the whole tree is written anew, under
// the comment that the text begins with. Values are written with four digits, so they read back
// within 5e-5. Throws Error for text that is no YAML.
std::string with_numbers(const std::string& yaml, const std::string& file,
                         std::span<const FittedNumber> numbers);

}  // namespace tenk
