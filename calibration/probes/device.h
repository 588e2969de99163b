// How is the GPU called: with every call checked, memory owned, kernels launched and timed?
//
// Only .cu files include this. All sizes are bytes as int64. A failed call throws CudaError with
// the call's text; too little memory throws NotPossible before or at the allocation.
#pragma once
#include <cuda_runtime.h>

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "calibration/probes/device_info.h"
#include "calibration/probes/session.h"
#include "calibration/probes/statistics.h"

namespace tenk::probe {

class CudaError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

void check_cuda(cudaError_t result, const char* call, const char* file, int line);
#define TENK_CUDA_CALL(call) ::tenk::probe::check_cuda((call), #call, __FILE__, __LINE__)

// Number of usable GPUs; 0 with the reason if there is none.
int device_count(std::string& reason);
DeviceInfo describe_device(int index);

// Memory of the GPU, of another GPU, or pinned memory of the host; freed at the end.
class Memory {
 public:
  enum class Where { kDevice, kPinned };
  explicit Memory(std::int64_t bytes, Where where = Where::kDevice);
  ~Memory();
  Memory(Memory&& other) noexcept;
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  template <class T = unsigned char>
  T* as() const {
    return static_cast<T*>(data_);
  }
  std::int64_t bytes() const { return bytes_; }

 private:
  void* data_ = nullptr;
  std::int64_t bytes_ = 0;
  Where where_ = Where::kDevice;
};

class Stream {
 public:
  Stream();
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  operator cudaStream_t() const { return stream_; }
  void wait() const { TENK_CUDA_CALL(cudaStreamSynchronize(stream_)); }

 private:
  cudaStream_t stream_ = nullptr;
};

class Event {
 public:
  Event();
  ~Event();
  Event(Event&& other) noexcept : event_(std::exchange(other.event_, nullptr)) {}
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  operator cudaEvent_t() const { return event_; }
  void record(cudaStream_t stream) const { TENK_CUDA_CALL(cudaEventRecord(event_, stream)); }

 private:
  cudaEvent_t event_ = nullptr;
};

double seconds_between(const Event& begin, const Event& end);  // Both have happened.

// kernel<<<grid, block, shared, stream>>>(arguments...), checked. More than 48 KiB of shared memory
// is opted into, which NotPossible refuses where the GPU has less.
template <class... Parameters, class... Arguments>
void launch_shared(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::int64_t shared,
                   cudaStream_t stream, Arguments... arguments) {
  constexpr std::int64_t kAlways = 48 * 1024;
  if (shared > kAlways) {
    const cudaError_t result =
        cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                             cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared));
    if (result != cudaSuccess) {
      static_cast<void>(cudaGetLastError());
      throw NotPossible("a block cannot have " + std::to_string(shared) + " B of shared memory");
    }
  }
#ifdef __CUDACC__
  kernel<<<grid, block, static_cast<std::size_t>(shared), stream>>>(Parameters(arguments)...);
#else
  static_cast<void>(stream);
  emulated::run_grid([&] { kernel(Parameters(arguments)...); }, grid, block, shared);
#endif
  TENK_CUDA_CALL(cudaGetLastError());
}
template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, cudaStream_t stream,
            Arguments... arguments) {
  launch_shared(kernel, grid, block, 0, stream, arguments...);
}

// Blocks for `items` with `per_block` each, never more than a grid may have in x.
unsigned blocks_for(std::int64_t items, std::int64_t per_block);

struct TimeRule {
  int least = 5;  // Repeats.
  int most = 20;
  double seconds = 0.06;  // Of all repeats, about.
};

// Times work on its one stream by events. Three untimed calls come first.
class Bench {
 public:
  // `trial`: two repeats are enough.
  Bench(const DeviceInfo& device, bool trial);

  cudaStream_t stream() const { return stream_; }
  // Seconds of one call whose data is not in the L2 cache: before each, twice its size is read.
  Spread cold(const std::function<void()>& work, TimeRule rule = {});
  // Seconds of one of `calls` back to back.
  Spread warm(const std::function<void()>& work, int calls, TimeRule rule = {});
  // Enough calls for the events' resolution to be below 1 %: at least 100 us together.
  int calls_for(const std::function<void()>& work);
  void wait() const { stream_.wait(); }
  void flush();  // Reads what fills the L2 cache.

 private:
  Spread timed(const std::function<void()>& work, int calls, bool flushed, TimeRule rule);

  bool trial_;
  Stream stream_;
  Memory filler_;
};

}  // namespace tenk::probe
