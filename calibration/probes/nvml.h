// At which clocks, power and temperature does the GPU run, and over which PCIe link?
//
// NVML (NVIDIA Management Library; part of the driver) is opened when the program runs. The few
// declarations needed are our own, after its published API reference; without it every value is
// absent, and the run says so. Nothing here changes a setting. Host-only C++17; no CUDA.
#pragma once
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "calibration/probes/statistics.h"

namespace tenk::probe {

struct ClockSample {
  double seconds = 0;  // Since the run began.
  std::string probe;   // Which was running.
  double sm_MHz = 0;
  double memory_MHz = 0;
  double power_W = 0;
  double temperature_C = 0;
};

struct PcieLink {
  int generation = 0;  // 0: unknown.
  int width = 0;
  int most_generation = 0;
  int most_width = 0;
  std::string text() const;  // "PCIe Gen5 x16", or "PCIe"
};

struct PowerAndClocks {
  Spread sm_MHz;
  double most_sm_MHz = 0;
  Spread power_W;
  double most_temperature_C = 0;
};

// Over samples from `begin` to `end` seconds.
PowerAndClocks summarize(const std::vector<ClockSample>& samples, double begin, double end);

class Nvml {
 public:
  // `pci_bus` as CUDA names it ("0000:19:00.0").
  explicit Nvml(const std::string& pci_bus);
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  bool is_open() const;
  std::string driver() const;    // "580.95.05"; empty: unknown.
  double power_limit_W() const;  // 0: unknown.
  double most_sm_clock_MHz() const;
  PcieLink pcie() const;  // As it is now: an idle link may have slowed down.
  ClockSample sample() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Samples on a thread of its own, every 50 ms, until it is destroyed.
class Sampler {
 public:
  Sampler(const Nvml& nvml, std::chrono::steady_clock::time_point start);
  ~Sampler();
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  void name(const std::string& probe);       // Of the samples from now on.
  std::vector<ClockSample> samples() const;  // So far.

 private:
  void run();

  const Nvml& nvml_;
  std::chrono::steady_clock::time_point start_;
  mutable std::mutex mutex_;
  std::string probe_;
  std::vector<ClockSample> samples_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace tenk::probe
