// Collectives between the GPUs of this machine through NCCL, all in one process; opened when the
// program runs. Bus bandwidth as nccl-tests defines it.
#include <algorithm>
#include <chrono>
#include <memory>

#include "calibration/probes/check.h"
#include "calibration/probes/library.h"
#include "calibration/probes/shapes.h"

#if __has_include(<nccl.h>)
#include <nccl.h>
#define TENK_HAS_NCCL 1
#endif

namespace tenk::probe {
namespace {

#ifdef TENK_HAS_NCCL

struct Functions {
  decltype(&ncclCommInitAll) init = nullptr;
  decltype(&ncclCommDestroy) destroy = nullptr;
  decltype(&ncclGroupStart) begin = nullptr;
  decltype(&ncclGroupEnd) end = nullptr;
  decltype(&ncclAllReduce) all_reduce = nullptr;
  decltype(&ncclAllGather) all_gather = nullptr;
  decltype(&ncclReduceScatter) reduce_scatter = nullptr;
  decltype(&ncclSend) send = nullptr;
  decltype(&ncclRecv) receive = nullptr;
  decltype(&ncclGetVersion) version = nullptr;
};

bool find_all(const Library& library, Functions& f) {
  return library.find("ncclCommInitAll", f.init) && library.find("ncclCommDestroy", f.destroy) &&
         library.find("ncclGroupStart", f.begin) && library.find("ncclGroupEnd", f.end) &&
         library.find("ncclAllReduce", f.all_reduce) &&
         library.find("ncclAllGather", f.all_gather) &&
         library.find("ncclReduceScatter", f.reduce_scatter) && library.find("ncclSend", f.send) &&
         library.find("ncclRecv", f.receive) && library.find("ncclGetVersion", f.version);
}

void check_nccl(ncclResult_t result, const char* what) {
  if (result == ncclSuccess) return;
  throw CudaError(std::string(what) + ": NCCL result " + std::to_string(static_cast<int>(result)));
}

__global__ void ones_kernel(float* to, std::int64_t count) {
  const std::int64_t step = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
       i += step) {
    to[i] = 1;
  }
}

// One GPU's part: its stream and buffers, made and freed on that GPU.
struct Rank {
  int device;
  std::unique_ptr<Stream> stream;
  std::unique_ptr<Memory> in, out;
};

class Ranks {
 public:
  Ranks(const Functions& call, int count, std::int64_t bytes, int mine)
      : call_(call), mine_(mine), comms_(static_cast<std::size_t>(count)) {
    std::vector<int> devices;
    for (int device = 0; device < count; ++device) {
      devices.push_back(device);
      TENK_CUDA_CALL(cudaSetDevice(device));
      ranks_.push_back({device, std::make_unique<Stream>(), std::make_unique<Memory>(bytes),
                        std::make_unique<Memory>(bytes)});
    }
    TENK_CUDA_CALL(cudaSetDevice(mine));
    check_nccl(call.init(comms_.data(), count, devices.data()), "ncclCommInitAll");
  }
  ~Ranks() {
    for (const ncclComm_t comm : comms_) {
      if (comm != nullptr) call_.destroy(comm);
    }
    for (Rank& rank : ranks_) {
      static_cast<void>(cudaSetDevice(rank.device));
      rank = {};
    }
    static_cast<void>(cudaSetDevice(mine_));
  }
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;

  // Calls `work(rank, comm)` for each, on its GPU, as one group.
  void together(const std::function<ncclResult_t(Rank&, ncclComm_t)>& work) {
    check_nccl(call_.begin(), "ncclGroupStart");
    for (std::size_t i = 0; i < ranks_.size(); ++i) {
      TENK_CUDA_CALL(cudaSetDevice(ranks_[i].device));
      check_nccl(work(ranks_[i], comms_[i]), "an NCCL call");
    }
    check_nccl(call_.end(), "ncclGroupEnd");
    TENK_CUDA_CALL(cudaSetDevice(mine_));
  }
  void each(const std::function<void(Rank&)>& work) {
    for (Rank& rank : ranks_) {
      TENK_CUDA_CALL(cudaSetDevice(rank.device));
      work(rank);
    }
    TENK_CUDA_CALL(cudaSetDevice(mine_));
  }
  std::size_t count() const { return ranks_.size(); }

 private:
  const Functions& call_;
  int mine_;
  std::vector<Rank> ranks_;
  std::vector<ncclComm_t> comms_;
};

struct Operation {
  const char* name;
  double factor;  // Bus bandwidth over algorithm bandwidth.
  std::function<ncclResult_t(Rank&, ncclComm_t, std::size_t)>
      call;  // Elements of the whole buffer.
};

std::vector<Operation> operations(const Functions& f, std::size_t n) {
  const double share = static_cast<double>(n - 1) / static_cast<double>(n);
  return {
      {"all_reduce", 2 * share,
       [&f](Rank& r, ncclComm_t comm, std::size_t count) {
         return f.all_reduce(r.in->as(), r.out->as(), count, ncclFloat, ncclSum, comm, *r.stream);
       }},
      {"all_gather", share,
       [&f, n](Rank& r, ncclComm_t comm, std::size_t count) {
         return f.all_gather(r.in->as(), r.out->as(), count / n, ncclFloat, comm, *r.stream);
       }},
      {"reduce_scatter", share,
       [&f, n](Rank& r, ncclComm_t comm, std::size_t count) {
         return f.reduce_scatter(r.in->as(), r.out->as(), count / n, ncclFloat, ncclSum, comm,
                                 *r.stream);
       }},
      {"all_to_all", share, [&f, n](Rank& r, ncclComm_t comm, std::size_t count) {
         for (std::size_t peer = 0; peer < n; ++peer) {
           const std::size_t at = peer * (count / n);
           const auto to = static_cast<int>(peer);
           ncclResult_t result =
               f.send(r.in->as<float>() + at, count / n, ncclFloat, to, comm, *r.stream);
           if (result != ncclSuccess) return result;
           result = f.receive(r.out->as<float>() + at, count / n, ncclFloat, to, comm, *r.stream);
           if (result != ncclSuccess) return result;
         }
         return ncclSuccess;
       }}};
}

// All ranks hold ones: a sum over n ranks is n, what was only moved is 1, all in the first part.
void check_ones(Ranks& ranks, const Operation& op, std::int64_t count) {
  const bool sums = std::string(op.name).find("reduce") != std::string::npos;
  const double wanted = sums ? static_cast<double>(ranks.count()) : 1;
  ranks.each([&](Rank& r) {
    const std::int64_t part =
        std::max<std::int64_t>(count / static_cast<std::int64_t>(ranks.count()), 1);
    for (const std::int64_t i : sample_places(part, 10, 4)) {
      check_value(fetch(r.out->as<float>() + i, 1, *r.stream)[0], wanted, 0, op.name);
    }
  });
}

void measure(Context& context, Ranks& ranks, const Operation& op, std::int64_t bytes,
             const std::string& software) {
  const auto count = static_cast<std::size_t>(bytes) / sizeof(float);
  ranks.each([&](Rank& r) { poison(*r.out, *r.stream); });
  const auto once = [&] {
    ranks.together([&](Rank& r, ncclComm_t comm) { return op.call(r, comm, count); });
  };
  const auto wait = [&] { ranks.each([](Rank& r) { r.stream->wait(); }); };
  once();
  wait();
  check_ones(ranks, op, static_cast<std::int64_t>(count));
  const int calls = bytes <= 1 << 20 ? 20 : 3;
  std::vector<double> seconds;
  for (int i = -2; i < 7; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    for (int call = 0; call < calls; ++call) once();
    wait();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    if (i >= 0) seconds.push_back(took.count() / calls);
  }
  LinkRow row;
  row.kind = "NCCL";
  row.endpoints = std::string(op.name) + " " + std::to_string(ranks.count()) + " GPUs";
  row.conditions = std::to_string(bytes) + " B, float32, out of place, " + software;
  row.notes = "one process, " + std::to_string(calls) + " calls back to back, host clock";
  row.metric = "time";
  row.unit = "us";
  row.value = scaled(summarize(seconds), 1e6);
  context.session.add(row);
  row.metric = "busbw";
  row.unit = "GB/s";
  row.value = scaled(rate_of(static_cast<double>(bytes) * op.factor, summarize(seconds)), 1e-9);
  context.session.add(row);
}

void run(Context& context) {
  if (context.device.count < 2) throw NotPossible("there is one GPU");
  const Library library({"libnccl.so.2", "libnccl.so", "/usr/local/cuda/lib64/libnccl.so.2"});
  Functions call;
  if (!library.is_open()) throw NotPossible("libnccl.so.2 was not found");
  if (!find_all(library, call)) throw NotPossible(library.name() + " lacks a function");
  int version = 0;
  check_nccl(call.version(&version), "ncclGetVersion");
  const std::int64_t most = context.size(std::int64_t{1} << 32);
  Ranks ranks(call, context.device.count, most, context.device.index);
  ranks.each([&](Rank& r) {
    launch(ones_kernel, 1024, 256, *r.stream, r.in->as<float>(), most / 4);
    r.stream->wait();
  });
  std::vector<std::int64_t> sizes;
  for (std::int64_t bytes = most; bytes >= 1024; bytes /= 4) sizes.push_back(bytes);
  for (const std::int64_t bytes : sizes) {
    for (const Operation& op : operations(call, ranks.count())) {
      if (context.session.goes_on()) {
        measure(context, ranks, op, bytes, "NCCL " + std::to_string(version));
      }
    }
  }
}

#else

void run(Context&) { throw NotPossible("nccl.h was not there when this program was built"); }

#endif

}  // namespace

extern const Probe kNccl{"nccl", "collectives of NCCL, where there are more GPUs", 40, run};

}  // namespace tenk::probe
