// In which order does a pipeline stage run the forward and backward passes of its chunks?
//
// A schedule is a fixed order per stage; when each pass starts follows from its inputs. A chunk's
// forward needs the forward of the same micro-batch on the chunk before, its backward that on the
// chunk after (the last chunk's: its own forward). A backward pass may be cut in two: the gradient
// of the input, which the chunk before waits for, and that of the weights, which nobody does (Qi et
// al. 2023, "Zero Bubble Pipeline Parallelism"). Schedules must not deadlock for any shape they
// accept, and neighbours must send and receive in the same order.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tenk {

struct PipelineShape {
  std::int64_t stages = 1;
  std::int64_t chunks = 1;  // Of a stage, as `vpp` says.
  std::int64_t micro_batches = 1;
};

enum class PassKind : std::uint8_t { kForward, kBackward, kBackwardInput, kBackwardWeight };

struct PipelineStep {
  PassKind pass = PassKind::kForward;
  std::int64_t chunk = 0;
  std::int64_t micro_batch = 0;  // Counted by chunk 0 and 1 apart where the model goes both ways.
  bool with_next = false;        // Its communication may run beside the next step's computation.

  bool forward() const { return pass == PassKind::kForward; }
  // Needs the gradient of its output and makes that of its input.
  bool backward() const { return pass == PassKind::kBackward || pass == PassKind::kBackwardInput; }
  // Leaves the gradient of the weights behind.
  bool grades() const { return pass == PassKind::kBackward || pass == PassKind::kBackwardWeight; }
};

struct ScheduleKind {
  std::string_view name;
  std::string_view summary;
  // Why not this shape; empty if it is accepted.
  std::string (*refusal)(const PipelineShape& shape);
  // Each (chunk, micro-batch) once forward and later once backward, whole or in its two parts.
  // O(chunks x micro-batches).
  std::vector<PipelineStep> (*steps)(const PipelineShape& shape, std::int64_t stage);
  // Two copies of the model cross the stages in opposite directions, half of the micro-batches
  // each: stage s holds part s as chunk 0 and part p - 1 - s as chunk 1.
  bool both_ways = false;

  std::int64_t chunks_of_stage(const PipelineShape& shape) const {
    return both_ways ? 2 : shape.chunks;
  }
  // Which part of the model, in the order a token passes them, is that chunk?
  std::int64_t part_of(const PipelineShape& shape, std::int64_t stage, std::int64_t chunk) const {
    if (both_ways && chunk == 1) return shape.stages - 1 - stage;
    return chunk * shape.stages + stage;
  }
};

}  // namespace tenk
