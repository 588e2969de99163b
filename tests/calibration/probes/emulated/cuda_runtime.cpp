#include "tests/calibration/probes/emulated/cuda_runtime.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

namespace {

constexpr std::size_t kTotal = 256u << 20;

struct Heap {
  std::map<void*, std::size_t> blocks;
  std::size_t used = 0;
};
Heap& heap() {
  static Heap* const kHeap = new Heap;
  return *kHeap;
}

}  // namespace

cudaError_t cudaGetDeviceCount(int* count) {
  const char* const set = std::getenv("TENK_EMULATED_GPUS");
  *count = set == nullptr ? 1 : std::atoi(set);
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* found, int) {
  *found = {};
  std::snprintf(found->name, sizeof(found->name), "Emulated GPU");
  found->major = 9;
  found->multiProcessorCount = 4;
  found->l2CacheSize = 64 * 1024;
  found->sharedMemPerBlockOptin = 227 * 1024;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr name, int) {
  *value = name == cudaDevAttrGlobalMemoryBusWidth ? 1024 : 1'000'000;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetPCIBusId(char* bus, int length, int) {
  std::snprintf(bus, static_cast<std::size_t>(length), "0000:00:00.0");
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  *free = kTotal - heap().used;
  *total = kTotal;
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** out, std::size_t bytes) {
  if (bytes > kTotal - heap().used) return cudaErrorMemoryAllocation;
  *out = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  std::memset(*out, 0xCD, bytes);
  heap().blocks[*out] = bytes;
  heap().used += bytes;
  return cudaSuccess;
}

cudaError_t cudaFree(void* memory) {
  const auto found = heap().blocks.find(memory);
  if (found == heap().blocks.end()) return cudaErrorInvalidValue;
  heap().used -= found->second;
  heap().blocks.erase(found);
  std::free(memory);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind,
                            cudaStream_t) {
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}

cudaError_t cudaMemcpyPeerAsync(void* to, int, const void* from, int, std::size_t bytes,
                                cudaStream_t) {
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t) {
  std::memset(to, value, bytes);
  return cudaSuccess;
}
