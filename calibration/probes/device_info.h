// What is the GPU, as found?
//
// Host-only C++17; filled by device.cu (emulated in tests).
#pragma once
#include <cstdint>
#include <string>

namespace tenk::probe {

struct DeviceInfo {
  std::string name;  // As the driver says: "NVIDIA H200".
  int index = 0;     // Of the CUDA runtime.
  int count = 1;     // GPUs in this machine.
  int major = 0;     // Compute capability.
  int minor = 0;
  int multiprocessors = 1;
  std::int64_t memory_bytes = 0;
  std::int64_t free_bytes = 0;  // When the run began.
  std::int64_t l2_bytes = 0;
  std::int64_t shared_bytes = 0;  // A block may have, after opting in.
  double sm_clock_MHz = 0;        // Highest that the device states.
  double memory_clock_MHz = 0;
  int bus_bits = 0;
  int driver_version = 0;  // 13000: CUDA 13.0
  int runtime_version = 0;
  std::string pci_bus;  // "0000:19:00.0"

  int capability() const { return 10 * major + minor; }
  // Two transfers a clock: DDR, HBM.
  double memory_rate() const { return memory_clock_MHz * 1e6 * 2 * bus_bits / 8; }
};

// 13000 -> "13.0"
inline std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

}  // namespace tenk::probe
