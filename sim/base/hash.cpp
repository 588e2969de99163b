#include "sim/base/hash.h"

#include <fmt/format.h>

namespace tenk {

std::string Fingerprint::hex() const { return fmt::format("{:016x}", state_); }

}  // namespace tenk
