// Small training jobs for tests, and what happens when their programs run on a free network.
#pragma once
#include <string>
#include <vector>

#include "sim/plan/device_profile.h"
#include "workloads/training.h"

namespace tenk::cases {

// profiles/accelerators/h100-sxm.yaml.
DeviceProfile h100();

// Reads {job: ..., placement: ...} as a scenario would; throws Error with all faults.
TrainingSpec read(const std::string& yaml, const std::string& file = "scenario.yaml");

// The text of all faults of that scenario, each "line: message", or "" if there are none.
std::string faults_of(const std::string& yaml);

// A tiny GPT that its host issues in no time: 4 heads, hidden 64, vocab 512, sequences of 128
// tokens, micro-batch 1, global batch m x dp; `more` continues the map `parallel`.
std::string tiny_gpt(int layers, int micro_batches, const std::string& parallel, int dp = 1,
                     const std::string& more = "");

// A file in the temporary directory that vanishes with the object.
class TemporaryFile {
 public:
  TemporaryFile(const std::string& name, const std::string& text);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Runs a workload by the rules of workloads/workload.h with communication that takes no time.
// `finished`: all operations ended, the last at `end`; else it is a deadlock.
struct Rehearsal {
  bool finished = false;
  Time end;
};
Rehearsal rehearse(const Workload& workload);

}  // namespace tenk::cases
