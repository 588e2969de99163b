// How long does the optimizer take to update a rank's weights?
//
// Bytes that its fused kernels move, each operand once (assumed), at the rate of the memory that
// holds its state: the device's, or the host's where it is offloaded.
#pragma once
#include "workloads/layout.h"

namespace tenk {

// One step of the optimizer on `updated` parameters (the shard under ZeRO) of `held` ones; under
// fp8 with the casts of those held (assumed: once a step). Offloaded, the device zeroes and casts
// only, and the host moves the same bytes through its own memory (assumed: nothing else limits it).
Time optimizer_time(const TrainingSpec& training, const DeviceProfile& device, std::int64_t updated,
                    std::int64_t held);
Time host_update_time(const OptimizerSpec& optimizer, std::int64_t updated);

}  // namespace tenk
