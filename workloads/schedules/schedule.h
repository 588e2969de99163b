// In which order does a pipeline stage run the forward and backward passes of its chunks?
//
// A schedule is a fixed order per stage; when each pass starts follows from its inputs. A chunk's
// forward needs the forward of the same micro-batch on the chunk before, its backward that on the
// chunk after (the last chunk's: its own forward). Schedules must not deadlock for any shape they
// accept, and neighbours must send and receive in the same order.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tenk {

struct PipelineShape {
  std::int64_t stages = 1;
  std::int64_t chunks = 1;  // Of a stage.
  std::int64_t micro_batches = 1;
};

struct PipelineStep {
  bool forward = true;
  std::int64_t chunk = 0;
  std::int64_t micro_batch = 0;
};

struct ScheduleKind {
  std::string_view name;
  std::string_view summary;
  // Why not this shape; empty if it is accepted.
  std::string (*refusal)(const PipelineShape& shape);
  // Each (chunk, micro-batch) once forward and later once backward. O(chunks x micro-batches).
  std::vector<PipelineStep> (*steps)(const PipelineShape& shape, std::int64_t stage);
};

}  // namespace tenk
