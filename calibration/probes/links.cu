// Copies between host and GPU, inside the GPU and between GPUs: size, direction, pinned or pageable
// memory, one or several streams. The time of each, and above 32 KiB the bandwidth too.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <memory>

#include "calibration/probes/check.h"
#include "calibration/probes/shapes.h"

namespace tenk::probe {
namespace {

constexpr std::int64_t kSmall = 32 * 1024;  // Bytes; up to here latency is the story.

// Host memory: pinned, or as malloc gives it with every page touched.
class HostMemory {
 public:
  HostMemory(std::int64_t bytes, bool pinned) : bytes_(bytes) {
    require_memory(bytes);
    if (pinned) {
      pinned_ = std::make_unique<Memory>(bytes, Memory::Where::kPinned);
      data_ = pinned_->as();
    } else {
      pageable_.resize(static_cast<std::size_t>(bytes));
      data_ = pageable_.data();
    }
    fill(1);
  }
  unsigned char* data() const { return data_; }
  // A pattern that depends on place and seed.
  void fill(unsigned seed) const {
    std::uint64_t state = seed * 0x9E3779B97F4A7C15ull + 1;
    for (std::int64_t i = 0; i < bytes_; i += 8) {
      state = state * 6364136223846793005ull + 1442695040888963407ull;
      std::memcpy(data_ + i, &state,
                  static_cast<std::size_t>(std::min<std::int64_t>(8, bytes_ - i)));
    }
  }
  void clear() const { std::memset(data_, 0xEE, static_cast<std::size_t>(bytes_)); }

 private:
  // A third of what is free without swapping, as Linux states it; elsewhere no limit.
  static void require_memory(std::int64_t bytes) {
    std::ifstream file("/proc/meminfo");
    std::string word;
    std::int64_t free = 0;  // KiB
    while (file >> word && word != "MemAvailable:") continue;
    if (!(file >> free)) return;
    if (bytes > free * 1024 / 3) {
      throw NotPossible("the host has " + std::to_string(free / 1024) + " MiB free");
    }
  }

  std::int64_t bytes_;
  std::unique_ptr<Memory> pinned_;
  std::vector<unsigned char> pageable_;
  unsigned char* data_ = nullptr;
};

void copy(void* to, const void* from, std::int64_t bytes, cudaStream_t stream) {
  TENK_CUDA_CALL(
      cudaMemcpyAsync(to, from, static_cast<std::size_t>(bytes), cudaMemcpyDefault, stream));
}

std::string link_name(const Context& context) { return context.nvml.pcie().text(); }

// The rows of a copy that took `seconds`.
void add_row(Context& context, const std::string& kind, const std::string& endpoints,
             const std::string& conditions, std::int64_t bytes, const Spread& seconds,
             const std::string& notes) {
  LinkRow row;
  row.kind = kind;
  row.endpoints = endpoints;
  row.conditions = std::to_string(bytes) + " B, " + conditions;
  row.notes = notes;
  row.metric = "copy time";
  row.unit = "us";
  row.value = scaled(seconds, 1e6);
  context.session.add(row);
  if (bytes <= kSmall) return;
  row.metric = "copy bandwidth";
  row.unit = "GB/s";
  row.value = scaled(rate_of(static_cast<double>(bytes), seconds), 1e-9);
  context.session.add(row);
}

// There and back: what arrives is what was sent.
void check_copies(const HostMemory& host, const Memory& device, std::int64_t bytes,
                  cudaStream_t stream) {
  host.fill(2);
  std::vector<unsigned char> sent(host.data(), host.data() + bytes);
  poison(device, stream);
  copy(device.as(), host.data(), bytes, stream);
  TENK_CUDA_CALL(cudaStreamSynchronize(stream));
  host.clear();
  copy(host.data(), device.as(), bytes, stream);
  TENK_CUDA_CALL(cudaStreamSynchronize(stream));
  if (std::memcmp(sent.data(), host.data(), static_cast<std::size_t>(bytes)) != 0) {
    throw WrongResult("a copy of " + std::to_string(bytes) + " B came back changed");
  }
}

// Pageable copies return when they are done: host clock. Pinned ones run beside the host: events.
Spread time_copy(Context& context, bool pinned, std::int64_t bytes,
                 const std::function<void()>& work) {
  const TimeRule rule = {3, 15, 0.15};
  if (pinned) return context.bench.warm(work, bytes <= kSmall ? 10 : 1, rule);
  std::vector<double> seconds;
  double all = 0;
  for (int i = -2; i < rule.most && (i < rule.least || all < rule.seconds); ++i) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    context.bench.wait();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    if (i < 0) continue;
    seconds.push_back(took.count());
    all += took.count();
  }
  return summarize(seconds);
}

void measure_host(Context& context, std::int64_t bytes, bool pinned) {
  const cudaStream_t stream = context.bench.stream();
  const HostMemory host(bytes, pinned);
  const Memory device(bytes);
  constexpr std::int64_t kChecked = 64 << 20;
  if (bytes <= kChecked) check_copies(host, device, bytes, stream);
  const std::string kind = link_name(context);
  const std::string conditions = pinned ? "pinned, one stream" : "pageable, one stream";
  const char* const notes =
      pinned ? "cudaMemcpyAsync between events" : "cudaMemcpyAsync and wait, host clock";
  add_row(context, kind, "host->device", conditions, bytes,
          time_copy(context, pinned, bytes, [&] { copy(device.as(), host.data(), bytes, stream); }),
          notes);
  add_row(context, kind, "device->host", conditions, bytes,
          time_copy(context, pinned, bytes, [&] { copy(host.data(), device.as(), bytes, stream); }),
          notes);
}

// Both directions at once, or one in parts on several streams; host clock around all.
void measure_together(Context& context, std::int64_t bytes, int streams, bool both) {
  const HostMemory out(bytes, true), back(bytes, true);
  const Memory to(bytes), from(bytes);
  std::vector<std::unique_ptr<Stream>> lanes;
  for (int i = 0; i < streams; ++i) lanes.push_back(std::make_unique<Stream>());
  const std::int64_t part = bytes / streams;
  std::vector<double> seconds;
  for (int i = -2; i < 8; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    for (int lane = 0; lane < streams; ++lane) {
      const std::int64_t at = lane * part;
      if (both && lane % 2 == 1) continue;
      const std::int64_t size = both ? bytes : part;
      copy(to.as() + (both ? 0 : at), out.data() + (both ? 0 : at), size,
           *lanes[static_cast<std::size_t>(lane)]);
    }
    if (both) copy(back.data(), from.as(), bytes, *lanes[1]);
    for (const auto& lane : lanes) lane->wait();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    if (i >= 0) seconds.push_back(took.count());
  }
  const std::string conditions = both ? "pinned, both directions at once"
                                      : "pinned, in " + std::to_string(streams) + " streams";
  add_row(context, link_name(context), both ? "host<->device" : "host->device", conditions, bytes,
          summarize(seconds), both ? "bytes of one direction; host clock" : "host clock");
}

void measure_inside(Context& context, std::int64_t bytes) {
  const cudaStream_t stream = context.bench.stream();
  const Memory from(bytes), to(bytes);
  fill_random(from.as<float>(), std::max<std::int64_t>(bytes / 4, 1), 3, stream);
  poison(to, stream);
  const auto work = [&] { copy(to.as(), from.as(), bytes, stream); };
  work();
  check_written(to.as<float>(), bytes / 4, "copy inside the GPU", stream);
  add_row(context, "device memory", "device->device", "one GPU, one stream", bytes,
          context.bench.warm(work, bytes <= kSmall ? 10 : 1),
          "cudaMemcpyAsync; bytes copied, each is read and written");
}

// The sizes, large ones first: they matter most.
std::vector<std::int64_t> sizes_of(const Context& context) {
  std::vector<std::int64_t> sizes;
  for (const std::int64_t bytes : link_sizes()) {
    if (!context.trial() || bytes <= 1 << 18) sizes.push_back(bytes);
  }
  std::reverse(sizes.begin(), sizes.end());
  std::stable_partition(sizes.begin(), sizes.end(),
                        [](std::int64_t bytes) { return bytes <= std::int64_t{1} << 30; });
  return sizes;
}

void run_host(Context& context) {
  for (const std::int64_t bytes : sizes_of(context)) {
    for (const bool pinned : {true, false}) {
      const double about = 0.1 + 25.0 * static_cast<double>(bytes) / (pinned ? 20e9 : 5e9) /
                                     (bytes > std::int64_t{1} << 28 ? 2 : 1);
      if (!context.session.goes_on(std::min(about, 8.0))) continue;
      context.session.attempt(std::to_string(bytes) + (pinned ? " B pinned" : " B pageable"),
                              [&] { measure_host(context, bytes, pinned); });
    }
  }
  const std::int64_t large = context.size(std::int64_t{1} << 28, 1 << 16);
  const std::int64_t middle = context.size(std::int64_t{1} << 24, 1 << 16);
  for (const std::int64_t bytes : {large, middle}) {
    if (!context.session.goes_on(1)) continue;
    context.session.attempt("both directions", [&] { measure_together(context, bytes, 2, true); });
    for (const int streams : {1, 2, 4}) {
      context.session.attempt("streams", [&] { measure_together(context, bytes, streams, false); });
    }
  }
}

void run_inside(Context& context) {
  for (const std::int64_t bytes : sizes_of(context)) {
    if (!context.session.goes_on()) continue;
    context.session.attempt(std::to_string(bytes) + " B inside the GPU",
                            [&] { measure_inside(context, bytes); });
  }
}

// --- Other GPUs ---------------------------------------------------------------------------------

// Sets the device back when it goes out of scope.
class OnDevice {
 public:
  OnDevice(int device, int before) : before_(before) { TENK_CUDA_CALL(cudaSetDevice(device)); }
  ~OnDevice() { static_cast<void>(cudaSetDevice(before_)); }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;

 private:
  int before_;
};

Memory memory_on(int device, std::int64_t bytes, int mine) {
  const OnDevice there(device, mine);
  return Memory(bytes);
}

bool enable_peer(int from, int to, int mine) {
  int can = 0;
  TENK_CUDA_CALL(cudaDeviceCanAccessPeer(&can, from, to));
  if (can == 0) return false;
  const OnDevice there(from, mine);
  const cudaError_t result = cudaDeviceEnablePeerAccess(to, 0);
  static_cast<void>(cudaGetLastError());  // Enabled already is no failure.
  return result == cudaSuccess || std::strstr(cudaGetErrorString(result), "already") != nullptr;
}

void measure_peer(Context& context, int peer, std::int64_t bytes, bool direct) {
  const cudaStream_t stream = context.bench.stream();
  const int mine = context.device.index;
  const Memory here(bytes);
  const Memory there = memory_on(peer, bytes, mine);
  fill_random(here.as<float>(), std::max<std::int64_t>(bytes / 4, 1), 4, stream);
  const auto peer_copy = [&](const Memory& to, int to_device, const Memory& from, int from_device) {
    TENK_CUDA_CALL(cudaMemcpyPeerAsync(to.as(), to_device, from.as(), from_device,
                                       static_cast<std::size_t>(bytes), stream));
  };
  const std::vector<unsigned char> sent =
      fetch(here.as(), std::min<std::int64_t>(bytes, 1 << 20), stream);
  peer_copy(there, peer, here, mine);
  poison(here, stream);
  peer_copy(here, mine, there, peer);
  if (fetch(here.as(), static_cast<std::int64_t>(sent.size()), stream) != sent) {
    throw WrongResult("a copy to GPU " + std::to_string(peer) + " came back changed");
  }
  const std::string name = "GPU " + std::to_string(mine) + "->GPU " + std::to_string(peer);
  const std::string kind = direct ? "GPU peer" : "through host";
  const int calls = bytes <= kSmall ? 10 : 1;
  add_row(context, kind, name, "one stream", bytes,
          context.bench.warm([&] { peer_copy(there, peer, here, mine); }, calls),
          "cudaMemcpyPeerAsync, writes");
  add_row(context, kind, name, "one stream, other way", bytes,
          context.bench.warm([&] { peer_copy(here, mine, there, peer); }, calls),
          "cudaMemcpyPeerAsync, reads");
}

void run_peers(Context& context) {
  if (context.device.count < 2) throw NotPossible("there is one GPU");
  const int mine = context.device.index;
  for (int peer = 0; peer < context.device.count; ++peer) {
    if (peer == mine) continue;
    const bool direct = enable_peer(mine, peer, mine) && enable_peer(peer, mine, mine);
    for (const std::int64_t bytes : sizes_of(context)) {
      if (!context.session.goes_on()) continue;
      context.session.attempt("GPU " + std::to_string(peer),
                              [&] { measure_peer(context, peer, bytes, direct); });
    }
  }
}

}  // namespace

extern const Probe kLinksHost{"links-host", "host and GPU, pinned and pageable, 8 B to 4 GiB", 45,
                              run_host};
extern const Probe kLinksInside{"links-inside", "copies inside the GPU, 8 B to 4 GiB", 6,
                                run_inside};
extern const Probe kLinksPeer{"links-peer", "copies between GPUs, where there are more", 20,
                              run_peers};

}  // namespace tenk::probe
