// Shipped accelerators for tests, with constants that a test may change.
#pragma once
#include <string>

#include "sim/plan/device_profile.h"

namespace tenk::testing {

// profiles/accelerators/<name>.yaml.
inline DeviceProfile accelerator(const std::string& name) {
  return read_device_profile(
      Config::load(std::string(TENK_SOURCE_DIR) + "/profiles/accelerators/" + name + ".yaml"));
}

inline GemmModel& gemm_of(DeviceProfile& device, Precision precision = Precision::kBf16) {
  return device.gemms[static_cast<std::size_t>(precision)].value();
}
inline const GemmModel& gemm_of(const DeviceProfile& device,
                                Precision precision = Precision::kBf16) {
  return device.gemms[static_cast<std::size_t>(precision)].value();
}

}  // namespace tenk::testing
