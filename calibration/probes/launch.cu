// What does the host pay to start work: launches, events, graphs, changes of stream?
//
// Host clock for what the host pays, events for what the GPU sees. Queues are empty before each.
#include <chrono>

#include "calibration/probes/device.h"

namespace tenk::probe {
namespace {

constexpr int kMany =
    400;  // Below the 1,024 launches a queue holds: the host never waits for room.
constexpr int kRepeats = 15;

__global__ void empty_kernel() {}
__global__ void mark_kernel(unsigned* counter) { atomicAdd(counter, 1u); }

void launch_empty(cudaStream_t stream) { launch(empty_kernel, 1, 32, stream); }

double host_seconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Seconds of one of `count` parts of `work`; `after` is not timed.
Spread per_part(int count, const std::function<void()>& work, const std::function<void()>& after) {
  std::vector<double> seconds;
  for (int i = -3; i < kRepeats; ++i) {
    const double one = host_seconds(work) / count;
    after();
    if (i >= 0) seconds.push_back(one);
  }
  return summarize(seconds);
}

void add_row(Context& context, const char* kernel, const Spread& seconds, const char* notes,
             std::int64_t n = 0) {
  KernelRow row;
  row.kernel = kernel;
  row.n = n;
  row.seconds = seconds;
  row.software = "CUDA " + version_text(context.device.runtime_version);
  row.notes = notes;
  context.session.add(row);
}

void measure_launches(Context& context, const Stream& stream) {
  const auto wait = [&] { stream.wait(); };
  const auto many = [&] {
    for (int i = 0; i < kMany; ++i) launch_empty(stream);
  };
  add_row(context, "launch, host", per_part(kMany, many, wait), "host time of one launch call");
  const auto many_waited = [&] {
    many();
    stream.wait();
  };
  add_row(context, "launch, back to back", per_part(kMany, many_waited, wait),
          "one of 400 empty kernels, host or GPU whichever is slower");
  const auto one_waited = [&] {
    launch_empty(stream);
    stream.wait();
  };
  add_row(context, "launch and wait", per_part(1, one_waited, wait),
          "empty kernel, from the call to the return of the wait");
  add_row(context, "empty kernel between events",
          context.bench.cold([&] { launch_empty(context.bench.stream()); }),
          "what two events around one kernel add to every cold row");
}

void measure_events(Context& context, const Stream& stream, const Stream& other) {
  const auto wait = [&] {
    stream.wait();
    other.wait();
  };
  const Event event;
  const auto record = [&] {
    for (int i = 0; i < kMany; ++i) event.record(stream);
  };
  add_row(context, "event record, host", per_part(kMany, record, wait), "host time of one call");
  const auto hop = [&] {  // Each kernel waits for the one before it, in the other stream.
    for (int i = 0; i < kMany; ++i) {
      const Stream& from = i % 2 == 0 ? stream : other;
      const Stream& to = i % 2 == 0 ? other : stream;
      launch_empty(from);
      event.record(from);
      TENK_CUDA_CALL(cudaStreamWaitEvent(to, event, 0));
    }
    wait();
  };
  add_row(context, "stream switch", per_part(kMany, hop, wait),
          "empty kernel, event record and wait of the other stream");
}

struct Graph {
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t ready = nullptr;
  Graph(cudaStream_t stream, int kernels, unsigned* counter) {
    TENK_CUDA_CALL(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    for (int i = 0; i < kernels; ++i) launch(mark_kernel, 1, 1, stream, counter);
    TENK_CUDA_CALL(cudaStreamEndCapture(stream, &graph));
    TENK_CUDA_CALL(cudaGraphInstantiate(&ready, graph, 0));
  }
  ~Graph() {
    if (ready != nullptr) static_cast<void>(cudaGraphExecDestroy(ready));
    if (graph != nullptr) static_cast<void>(cudaGraphDestroy(graph));
  }
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
};

void measure_graph(Context& context, const Stream& stream, int kernels) {
  const Memory counter(4);
  TENK_CUDA_CALL(cudaMemsetAsync(counter.as(), 0, 4, stream));
  const Graph graph(stream, kernels, counter.as<unsigned>());
  const auto wait = [&] { stream.wait(); };
  TENK_CUDA_CALL(cudaGraphLaunch(graph.ready, stream));
  unsigned ran = 0;
  TENK_CUDA_CALL(cudaMemcpyAsync(&ran, counter.as(), sizeof(ran), cudaMemcpyDeviceToHost, stream));
  stream.wait();
  if (ran != static_cast<unsigned>(kernels)) throw WrongResult("a graph ran too few kernels");
  const auto replay = [&] {
    TENK_CUDA_CALL(cudaGraphLaunch(graph.ready, stream));
    stream.wait();
  };
  add_row(context, "graph replay and wait", per_part(1, replay, wait),
          "one launch of a chain of n nearly empty kernels", kernels);
  const auto call = [&] { TENK_CUDA_CALL(cudaGraphLaunch(graph.ready, stream)); };
  add_row(context, "graph launch, host", per_part(1, call, wait),
          "host time of one launch of a chain of n kernels", kernels);
}

void run(Context& context) {
  const Stream stream, other;
  measure_launches(context, stream);
  measure_events(context, stream, other);
  for (const int kernels : {1, 10, 100, 1000}) {
    if (context.session.goes_on()) measure_graph(context, stream, kernels);
  }
}

}  // namespace

extern const Probe kLaunch{"launch", "launches, events, graphs, changes of stream", 6, run};

}  // namespace tenk::probe
