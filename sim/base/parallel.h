// How do independent tasks use all cores without anybody noticing in the results?
//
// Each task writes only what is its own, so results do not depend on how many threads there are or
// which of them took what.
#pragma once
#include <cstddef>
#include <functional>

namespace tenk {

// Calls task(0), ..., task(count - 1), each once, on as many threads as there are cores, the
// caller's included; returns when all have ended. What a task throws is thrown here; of several
// that throw the one with the lowest number, after which no further task starts. Calls may nest.
void in_parallel(std::size_t count, const std::function<void(std::size_t)>& task);

}  // namespace tenk
