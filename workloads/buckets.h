// Which weights of a chunk travel together, when gradients and parameters are exchanged?
//
// A bucket is an embedding, a head, or a run of whole layers of at least `gradients.bucket`
// parameters (Megatron-LM: ddp-bucket-size; PyTorch's FSDP calls it a unit and wraps single
// blocks). A layer is never cut (assumed; Megatron cuts at parameters).
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "workloads/layer_times.h"
#include "workloads/schedules/schedule.h"
#include "workloads/shard.h"

namespace tenk {

struct Bucket {
  Chunk part;
  LocalParameters held;  // On this rank, whole.
};

// Least parameters of a bucket: as the job says, else a layer each under ZeRO-3, else Megatron's
// default: 40 million, more for many replicas (megatron/core/distributed/
// distributed_data_parallel.py).
std::int64_t bucket_size(const TrainingSpec& training);

// In the order a token passes them. O(layers).
std::vector<Bucket> buckets_of(const TrainingSpec& training, const Chunk& chunk);

using PassesByKind = std::array<Pass, 4>;  // By PassKind.

// A bucket with its work, and a chunk with its buckets.
struct BucketPasses {
  Bucket bucket;
  PassesByKind passes;
};
struct ChunkPasses {
  std::vector<BucketPasses> buckets;
  PassesByKind passes;          // Those of all buckets, in order.
  bool after_another = false;   // There is a chunk before this one in the pipeline,
  bool before_another = false;  // one behind it.

  bool receives(const PipelineStep& step) const {
    return (step.forward() && after_another) || (step.backward() && before_another);
  }
  bool sends(const PipelineStep& step) const {
    return (step.forward() && before_another) || (step.backward() && after_another);
  }
};
ChunkPasses chunk_passes(const TrainingSpec& training, const Chunk& chunk,
                         const ModelPasses& passes);

}  // namespace tenk
