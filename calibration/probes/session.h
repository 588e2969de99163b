// How far may the running probe go, what did it leave out, and how did each probe end?
//
// A run has so many seconds, a probe its share of them; both are asked for before each shape. What
// is left out is always said, with its reason. Host-only C++17; no CUDA.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "calibration/probes/device_info.h"
#include "calibration/probes/nvml.h"
#include "calibration/probes/options.h"
#include "calibration/probes/results.h"

namespace tenk::probe {

// A result differs from its FP64 reference, or was not written: the probe fails and reports
// nothing.
class WrongResult : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// This GPU, library or memory cannot do it: left out with the reason, no failure.
class NotPossible : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Session;
class Bench;

// What a probe works with.
struct Context {
  const Options& options;
  const DeviceInfo& device;
  const Nvml& nvml;
  const Sampler& sampler;
  Session& session;
  Bench& bench;

  // Under --shrink: a few of each kind are enough.
  bool trial() const { return options.shrink > 1; }
  // A size of the full set, or its trial under --shrink: a multiple of `step`, at least that.
  std::int64_t size(std::int64_t full, std::int64_t step = 64) const {
    if (!trial()) return full;
    const std::int64_t less = full / options.shrink / step * step;
    return less > step ? less : step;
  }
};

struct Probe {
  const char* name;     // Family, then part: "gemm-bf16".
  const char* summary;  // What it measures, one line.
  double seconds;       // Its share of the full set.
  void (*run)(Context&);
};

// All probes, the most valuable first.
std::vector<const Probe*> probes();

class Session {
 public:
  using Clock = std::chrono::steady_clock;

  Session(Results& results, double seconds, Clock::time_point start);

  // Runs one probe of `share` seconds, commits or drops its rows and says how it ended. False if it
  // failed. The run's own faults (FileError) pass through.
  bool run(const std::string& name, double share, const std::function<void()>& probe);

  // Is there time for another shape that takes about so long? Counts those refused.
  bool goes_on(double about_seconds = 0.2);
  // Does it, or notes why that was not possible.
  void attempt(const std::string& what, const std::function<void()>& work);
  void skip(const std::string& what, const std::string& why);

  void add(const KernelRow& row) { results_.add(row); }
  void add(const LinkRow& row) { results_.add(row); }
  void say(const std::string& line) { results_.say(line); }
  Results& results() { return results_; }

  double elapsed() const;  // Seconds since the run began.
  double left() const;     // Seconds of the run; may be negative.
  int failures() const { return failures_; }

 private:
  void finish(const std::string& name, const std::string& state, double begin);

  Results& results_;
  Clock::time_point start_;
  double seconds_;
  double probe_end_ = 0;
  std::int64_t refused_ = 0;  // Shapes of the running probe that no time was left for.
  std::int64_t skips_ = 0;    // Notes in the run.
  int failures_ = 0;
};

}  // namespace tenk::probe
