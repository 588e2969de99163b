#include "calibration/probes/device.h"

#include <algorithm>
#include <array>

namespace tenk::probe {
namespace {

constexpr std::int64_t kMiB = 1 << 20;
constexpr std::int64_t kReserve = 512 * kMiB;  // Of the GPU's memory, for libraries.
constexpr int kThreads = 256;
constexpr double kEnough = 100e-6;  // Seconds between two events; they resolve about 0.5 us.

// Reads all; the write never happens but the compiler cannot know.
__global__ void read_all(const uint4* data, std::int64_t count, unsigned* sink) {
  unsigned sum = 0;
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
       i += step) {
    const uint4 v = data[i];
    sum += v.x ^ v.y ^ v.z ^ v.w;
  }
  if (sum == 0x9E3779B9u) *sink = sum;
}

int attribute(cudaDeviceAttr name, int device) {
  int value = 0;
  TENK_CUDA_CALL(cudaDeviceGetAttribute(&value, name, device));
  return value;
}

}  // namespace

void check_cuda(cudaError_t result, const char* call, const char* file, int line) {
  if (result == cudaSuccess) return;
  throw CudaError(std::string(call) + ": " + cudaGetErrorString(result) + " (" + file + ":" +
                  std::to_string(line) + ")");
}

int device_count(std::string& reason) {
  int count = 0;
  const cudaError_t result = cudaGetDeviceCount(&count);
  if (result == cudaSuccess && count > 0) return count;
  reason = result == cudaSuccess ? "no CUDA device" : cudaGetErrorString(result);
  static_cast<void>(cudaGetLastError());
  return 0;
}

DeviceInfo describe_device(int index) {
  TENK_CUDA_CALL(cudaSetDevice(index));
  cudaDeviceProp found{};
  TENK_CUDA_CALL(cudaGetDeviceProperties(&found, index));
  DeviceInfo info;
  info.name = found.name;
  info.index = index;
  TENK_CUDA_CALL(cudaGetDeviceCount(&info.count));
  info.major = found.major;
  info.minor = found.minor;
  info.multiprocessors = found.multiProcessorCount;
  info.l2_bytes = found.l2CacheSize;
  info.shared_bytes = static_cast<std::int64_t>(found.sharedMemPerBlockOptin);
  info.sm_clock_MHz = attribute(cudaDevAttrClockRate, index) / 1e3;  // Stated in kHz.
  info.memory_clock_MHz = attribute(cudaDevAttrMemoryClockRate, index) / 1e3;
  info.bus_bits = attribute(cudaDevAttrGlobalMemoryBusWidth, index);
  std::size_t free = 0;
  std::size_t total = 0;
  TENK_CUDA_CALL(cudaMemGetInfo(&free, &total));
  info.free_bytes = static_cast<std::int64_t>(free);
  info.memory_bytes = static_cast<std::int64_t>(total);
  TENK_CUDA_CALL(cudaDriverGetVersion(&info.driver_version));
  TENK_CUDA_CALL(cudaRuntimeGetVersion(&info.runtime_version));
  std::array<char, 64> bus{};
  TENK_CUDA_CALL(cudaDeviceGetPCIBusId(bus.data(), static_cast<int>(bus.size()), index));
  info.pci_bus = bus.data();
  return info;
}

Memory::Memory(std::int64_t bytes, Where where) : bytes_(bytes), where_(where) {
  const auto size = static_cast<std::size_t>(std::max<std::int64_t>(bytes, 1));
  cudaError_t result = cudaSuccess;
  if (where == Where::kDevice) {
    std::size_t free = 0;
    std::size_t total = 0;
    TENK_CUDA_CALL(cudaMemGetInfo(&free, &total));
    const std::int64_t reserve =
        std::min<std::int64_t>(kReserve, static_cast<std::int64_t>(total) / 16);
    if (bytes > static_cast<std::int64_t>(free) - reserve) {
      throw NotPossible("needs " + std::to_string(bytes / kMiB) + " MiB more of " +
                        std::to_string(static_cast<std::int64_t>(free) / kMiB) + " MiB free");
    }
    result = cudaMalloc(&data_, size);
  } else {
    result = cudaMallocHost(&data_, size);
  }
  if (result == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());  // Not sticky: later calls work.
    throw NotPossible("no memory for " + std::to_string(bytes / kMiB) + " MiB");
  }
  TENK_CUDA_CALL(result);
}

Memory::Memory(Memory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(other.bytes_), where_(other.where_) {}

Memory::~Memory() {
  if (data_ == nullptr) return;
  static_cast<void>(where_ == Where::kDevice ? cudaFree(data_) : cudaFreeHost(data_));
}

Stream::Stream() { TENK_CUDA_CALL(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking)); }
Stream::~Stream() { static_cast<void>(cudaStreamDestroy(stream_)); }
Event::Event() { TENK_CUDA_CALL(cudaEventCreate(&event_)); }
Event::~Event() {
  if (event_ != nullptr) static_cast<void>(cudaEventDestroy(event_));
}

double seconds_between(const Event& begin, const Event& end) {
  float milliseconds = 0;
  TENK_CUDA_CALL(cudaEventElapsedTime(&milliseconds, begin, end));
  return static_cast<double>(milliseconds) * 1e-3;
}

unsigned blocks_for(std::int64_t items, std::int64_t per_block) {
  constexpr std::int64_t kMost = 0x7FFFFFFF;
  const std::int64_t blocks = (items + per_block - 1) / per_block;
  return static_cast<unsigned>(std::min(std::max<std::int64_t>(blocks, 1), kMost));
}

// At least 64 MiB, so that a GPU that states no L2 size is flushed too.
Bench::Bench(const DeviceInfo& device, bool trial)
    : trial_(trial),
      filler_(std::max<std::int64_t>(2 * device.l2_bytes,
                                     std::min(64 * kMiB, device.memory_bytes / 256))) {
  TENK_CUDA_CALL(
      cudaMemsetAsync(filler_.as(), 1, static_cast<std::size_t>(filler_.bytes()), stream_));
  stream_.wait();
}

void Bench::flush() {
  const std::int64_t count = filler_.bytes() / static_cast<std::int64_t>(sizeof(uint4));
  launch(read_all, std::min(blocks_for(count, kThreads), 2048u), kThreads, stream_,
         filler_.as<const uint4>(), count, filler_.as<unsigned>());
}

Spread Bench::cold(const std::function<void()>& work, TimeRule rule) {
  return timed(work, 1, true, rule);
}

Spread Bench::warm(const std::function<void()>& work, int calls, TimeRule rule) {
  return timed(work, calls, false, rule);
}

int Bench::calls_for(const std::function<void()>& work) {
  constexpr int kMost = 200;
  if (trial_) return 2;
  const Spread one = timed(work, 4, false, {3, 3, 0});
  return std::min(kMost, std::max(1, static_cast<int>(kEnough / std::max(one.median, 1e-7)) + 1));
}

Spread Bench::timed(const std::function<void()>& work, int calls, bool flushed, TimeRule rule) {
  const int warm_up = trial_ ? 2 : 3;
  const Event before, after;
  work();  // Loads code and chooses clocks; not counted in the estimate.
  before.record(stream_);
  for (int i = 1; i < warm_up; ++i) work();
  after.record(stream_);
  stream_.wait();
  const double one = std::max(seconds_between(before, after) / (warm_up - 1), 1e-7);
  const double wanted = std::min(rule.seconds / (one * calls), static_cast<double>(rule.most));
  const int repeats = trial_ ? 2 : std::max(rule.least, static_cast<int>(wanted));
  std::vector<Event> begins(static_cast<std::size_t>(repeats));
  std::vector<Event> ends(static_cast<std::size_t>(repeats));
  for (std::size_t i = 0; i < begins.size(); ++i) {
    if (flushed) flush();
    begins[i].record(stream_);
    for (int call = 0; call < calls; ++call) work();
    ends[i].record(stream_);
  }
  stream_.wait();
  std::vector<double> seconds;
  for (std::size_t i = 0; i < begins.size(); ++i) {
    seconds.push_back(seconds_between(begins[i], ends[i]) / calls);
  }
  return summarize(seconds);
}

}  // namespace tenk::probe
