#include "calibration/probes/nvml.h"

#include <algorithm>
#include <array>

#include "calibration/probes/library.h"

namespace tenk::probe {
namespace {

// NVML API reference: all functions return nvmlReturn_t, 0 is success; clocks 1 = SM, 2 = memory.
using Device = void*;
constexpr int kSuccess = 0;
constexpr unsigned kSmClock = 1;
constexpr unsigned kMemoryClock = 2;
constexpr unsigned kGpuTemperature = 0;
constexpr double kWattsPerMilliwatt = 1e-3;

struct Functions {
  int (*init)() = nullptr;
  int (*shutdown)() = nullptr;
  int (*by_bus)(const char*, Device*) = nullptr;
  int (*driver)(char*, unsigned) = nullptr;
  int (*clock)(Device, unsigned, unsigned*) = nullptr;
  int (*most_clock)(Device, unsigned, unsigned*) = nullptr;
  int (*power)(Device, unsigned*) = nullptr;
  int (*power_limit)(Device, unsigned*) = nullptr;
  int (*temperature)(Device, unsigned, unsigned*) = nullptr;
  int (*generation)(Device, unsigned*) = nullptr;
  int (*width)(Device, unsigned*) = nullptr;
  int (*most_generation)(Device, unsigned*) = nullptr;
  int (*most_width)(Device, unsigned*) = nullptr;
};

// The value, or 0 where the function or the value is not there.
template <class Function, class... Arguments>
unsigned value_of(Function function, Arguments... arguments) {
  unsigned value = 0;
  if (function == nullptr || function(arguments..., &value) != kSuccess) return 0;
  return value;
}

}  // namespace

struct Nvml::State {
  Library library{{"libnvidia-ml.so.1", "libnvidia-ml.so"}};
  Functions call;
  Device device = nullptr;

  void find_functions() {
    library.find("nvmlInit_v2", call.init);
    library.find("nvmlShutdown", call.shutdown);
    library.find("nvmlDeviceGetHandleByPciBusId_v2", call.by_bus);
    library.find("nvmlSystemGetDriverVersion", call.driver);
    library.find("nvmlDeviceGetClockInfo", call.clock);
    library.find("nvmlDeviceGetMaxClockInfo", call.most_clock);
    library.find("nvmlDeviceGetPowerUsage", call.power);
    library.find("nvmlDeviceGetEnforcedPowerLimit", call.power_limit);
    library.find("nvmlDeviceGetTemperature", call.temperature);
    library.find("nvmlDeviceGetCurrPcieLinkGeneration", call.generation);
    library.find("nvmlDeviceGetCurrPcieLinkWidth", call.width);
    library.find("nvmlDeviceGetMaxPcieLinkGeneration", call.most_generation);
    library.find("nvmlDeviceGetMaxPcieLinkWidth", call.most_width);
  }
};

std::string PcieLink::text() const {
  if (generation == 0 || width == 0) return "PCIe";
  return "PCIe Gen" + std::to_string(generation) + " x" + std::to_string(width);
}

PowerAndClocks summarize(const std::vector<ClockSample>& samples, double begin, double end) {
  std::vector<double> clocks, power;
  PowerAndClocks out;
  for (const ClockSample& sample : samples) {
    if (sample.seconds < begin || sample.seconds > end) continue;
    clocks.push_back(sample.sm_MHz);
    power.push_back(sample.power_W);
    out.most_sm_MHz = std::max(out.most_sm_MHz, sample.sm_MHz);
    out.most_temperature_C = std::max(out.most_temperature_C, sample.temperature_C);
  }
  out.sm_MHz = summarize(clocks);
  out.power_W = summarize(power);
  return out;
}

Nvml::Nvml(const std::string& pci_bus) : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.find_functions();
  if (s.call.init == nullptr || s.call.by_bus == nullptr || s.call.init() != kSuccess) return;
  if (s.call.by_bus(pci_bus.c_str(), &s.device) != kSuccess) {
    s.device = nullptr;
    if (s.call.shutdown != nullptr) s.call.shutdown();
  }
}

Nvml::~Nvml() {
  if (is_open() && state_->call.shutdown != nullptr) state_->call.shutdown();
}

bool Nvml::is_open() const { return state_->device != nullptr; }

std::string Nvml::driver() const {
  std::array<char, 128> text{};
  if (!is_open() || state_->call.driver == nullptr) return "";
  const int result = state_->call.driver(text.data(), static_cast<unsigned>(text.size() - 1));
  return result == kSuccess ? text.data() : "";
}

double Nvml::power_limit_W() const {
  return is_open() ? value_of(state_->call.power_limit, state_->device) * kWattsPerMilliwatt : 0;
}

double Nvml::most_sm_clock_MHz() const {
  return is_open() ? value_of(state_->call.most_clock, state_->device, kSmClock) : 0;
}

PcieLink Nvml::pcie() const {
  if (!is_open()) return {};
  const auto number = [&](int (*function)(Device, unsigned*)) {
    return static_cast<int>(value_of(function, state_->device));
  };
  return {number(state_->call.generation), number(state_->call.width),
          number(state_->call.most_generation), number(state_->call.most_width)};
}

ClockSample Nvml::sample() const {
  if (!is_open()) return {};
  const Functions& call = state_->call;
  ClockSample sample;
  sample.sm_MHz = value_of(call.clock, state_->device, kSmClock);
  sample.memory_MHz = value_of(call.clock, state_->device, kMemoryClock);
  sample.power_W = value_of(call.power, state_->device) * kWattsPerMilliwatt;
  sample.temperature_C = value_of(call.temperature, state_->device, kGpuTemperature);
  return sample;
}

Sampler::Sampler(const Nvml& nvml, std::chrono::steady_clock::time_point start)
    : nvml_(nvml), start_(start) {
  if (nvml_.is_open()) thread_ = std::thread([this] { run(); });
}

Sampler::~Sampler() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

void Sampler::name(const std::string& probe) {
  const std::lock_guard<std::mutex> lock(mutex_);
  probe_ = probe;
}

std::vector<ClockSample> Sampler::samples() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return samples_;
}

void Sampler::run() {
  constexpr std::chrono::milliseconds kPeriod(50);
  while (!stop_) {
    ClockSample sample = nvml_.sample();
    const std::chrono::duration<double> since = std::chrono::steady_clock::now() - start_;
    sample.seconds = since.count();
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      sample.probe = probe_;
      samples_.push_back(sample);
    }
    std::this_thread::sleep_for(kPeriod);
  }
}

}  // namespace tenk::probe
