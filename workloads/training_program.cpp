#include <fmt/format.h>

#include <algorithm>

#include "sim/base/error.h"
#include "workloads/layer_times.h"
#include "workloads/schedules/list.h"
#include "workloads/shard.h"
#include "workloads/training.h"

namespace tenk {
namespace {

constexpr std::int64_t kElement = 2;   // BF16.
constexpr std::int64_t kGradient = 4;  // FP32.

SlotId slot_of(std::vector<Slot>& slots, FamilyId family, Collective op, Bytes bytes) {
  const auto same = [&](const Slot& s) {
    return s.family == family && s.op == op && s.bytes == bytes;
  };
  const auto found = std::find_if(slots.begin(), slots.end(), same);
  if (found != slots.end()) return SlotId(static_cast<std::size_t>(found - slots.begin()));
  slots.push_back({family, op, bytes});
  return SlotId(slots.size() - 1);
}

// One chunk of a stage, and where its input comes from and its output goes.
struct ChunkPasses {
  Pass forward;
  Pass backward;
  bool after_another = false;   // There is a chunk before this one in the pipeline,
  bool before_another = false;  // one behind it.

  const Pass& pass(const PipelineStep& step) const { return step.forward ? forward : backward; }
  bool receives(const PipelineStep& step) const {
    return step.forward ? after_another : before_another;
  }
  bool sends(const PipelineStep& step) const {
    return step.forward ? before_another : after_another;
  }
};

struct StageBuilder {
  const TrainingSpec& t;
  const TrainingFamilies& families;
  std::vector<Slot>& slots;
  std::int64_t stage = 0;
  Program program = {};
  std::vector<std::uint32_t> due = {};   // What the next operation on kCompute waits for.
  std::vector<std::uint32_t> last = {};  // The last one on kCompute, if any.

  // On kCompute: in order after `last`, and after all that is due.
  void add_in_order(Op op) {
    op.stream = Stream::kCompute;
    last = {program.add(op, due)};
    due.clear();
  }

  void add_pass(const Pass& pass) {
    std::vector<std::uint32_t> beside;  // Runs beside the computation that comes next.
    for (const Piece& piece : pass) {
      Op op;
      if (!piece.communicates) {
        op.duration = piece.compute;
        add_in_order(op);
        due.swap(beside);
        continue;
      }
      op.kind = Op::Kind::kCommunicate;
      op.category = Category::kTp;
      op.slot = slot_of(slots, families.tp, piece.op, piece.bytes);
      if (piece.beside_next) {
        op.stream = Stream::kTp;
        std::vector<std::uint32_t> before = due;
        before.insert(before.end(), last.begin(), last.end());
        beside = {program.add(op, before)};
      } else {
        add_in_order(op);
      }
    }
  }

  // A receive, or a send of what was computed last.
  std::uint32_t add_neighbour(Stream stream, SlotId slot, bool sends) {
    Op op;
    op.kind = Op::Kind::kCommunicate;
    op.stream = stream;
    op.category = Category::kPp;
    op.sends = sends;
    op.slot = slot;
    const bool early = !sends && t.overlap.pp;  // Posted before it is needed.
    return program.add(op, early ? std::vector<std::uint32_t>{} : last);
  }

  void add_steps(const std::vector<PipelineStep>& steps, const std::vector<ChunkPasses>& chunks,
                 SlotId forward_slot, SlotId backward_slot);

  std::uint32_t add_exchange(FamilyId family, Collective op_kind, Bytes bytes) {
    Op op;
    op.kind = Op::Kind::kCommunicate;
    op.stream = Stream::kDp;
    op.category = Category::kDp;
    op.slot = slot_of(slots, family, op_kind, bytes);
    return program.add(op, last);
  }

  void add_update(const DeviceProfile& device);
};

// What follows the last backward pass. Megatron-LM: finalize_model_grads, then the optimizer.
void StageBuilder::add_update(const DeviceProfile& device) {
  const LayoutSpec& layout = t.layout;
  const LocalParameters held = stage_parameters(t, stage);
  if (layout.shards_sequence() && held.replicated > 0) {
    Op op;  // Each rank saw its own tokens only.
    op.kind = Op::Kind::kCommunicate;
    op.category = Category::kTp;
    op.slot =
        slot_of(slots, families.tp, Collective::kAllReduce, Bytes(held.replicated * kGradient));
    add_in_order(op);
  }
  const bool has_embedding = stage == 0 || stage == layout.pp - 1;
  if (t.model.tied_embeddings && layout.pp > 1 && has_embedding) {
    due.push_back(add_exchange(families.embedding, Collective::kAllReduce,
                               Bytes(local_embedding(t) * kGradient)));
  }
  const bool sharded = layout.zero == 1;
  if (layout.dp > 1) {
    due.push_back(add_exchange(families.dp,
                               sharded ? Collective::kReduceScatter : Collective::kAllReduce,
                               Bytes(held.all * kGradient)));
  }
  Op adam;
  const std::int64_t ways = sharded ? layout.dp : 1;
  adam.duration = optimizer_time(device, (held.all + ways - 1) / ways, held.all);
  add_in_order(adam);
  if (layout.dp > 1 && sharded) {
    add_exchange(families.dp, Collective::kAllGather, Bytes(held.all * kElement));
  }
}

// Without overlap a stage posts the receives of its next passes with the sends of its last ones,
// and waits for all of them before it computes on. Between exchanges stands one pass; under
// interleaving a forward and the backward after it, since rings of stages would wait for each other
// otherwise (Megatron: send_forward_backward_recv_forward_backward).
void StageBuilder::add_steps(const std::vector<PipelineStep>& steps,
                             const std::vector<ChunkPasses>& chunks, SlotId forward_slot,
                             SlotId backward_slot) {
  const bool pairs = !t.overlap.pp && t.layout.vpp > 1;
  const auto chunk_of = [&](const PipelineStep& step) -> const ChunkPasses& {
    return chunks[static_cast<std::size_t>(step.chunk)];
  };
  for (std::size_t i = 0; i < steps.size();) {
    const bool pair = pairs && i + 1 < steps.size() && steps[i].forward && !steps[i + 1].forward;
    const std::size_t end = i + (pair ? 2 : 1);
    std::vector<std::vector<std::uint32_t>> received;
    for (std::size_t k = i; k < end; ++k) {
      auto& input = received.emplace_back();
      if (!chunk_of(steps[k]).receives(steps[k])) continue;
      input.push_back(steps[k].forward
                          ? add_neighbour(Stream::kReceiveForward, forward_slot, false)
                          : add_neighbour(Stream::kReceiveBackward, backward_slot, false));
    }
    std::vector<std::uint32_t> sent;
    for (std::size_t k = i; k < end; ++k) {
      due.insert(due.end(), received[k - i].begin(), received[k - i].end());
      add_pass(chunk_of(steps[k]).pass(steps[k]));
      if (!chunk_of(steps[k]).sends(steps[k])) continue;
      sent.push_back(steps[k].forward ? add_neighbour(Stream::kSendForward, forward_slot, true)
                                      : add_neighbour(Stream::kSendBackward, backward_slot, true));
    }
    if (!t.overlap.pp) due.insert(due.end(), sent.begin(), sent.end());
    i = end;
  }
}

std::vector<ChunkPasses> chunk_passes(const std::vector<Chunk>& chunks, const ModelPasses& passes) {
  std::vector<ChunkPasses> all;
  for (const Chunk& chunk : chunks) {
    ChunkPasses& c = all.emplace_back();
    c.after_another = !chunk.embedding;
    c.before_another = !chunk.head;
    if (chunk.embedding) append(c.forward, passes.embedding_forward);
    if (chunk.head) append(c.backward, passes.head_backward);
    for (std::int64_t l = 0; l < chunk.layers; ++l) {
      append(c.forward, passes.layer_forward);
      append(c.backward, passes.layer_backward);
    }
    if (chunk.head) append(c.forward, passes.head_forward);
    if (chunk.embedding) append(c.backward, passes.embedding_backward);
  }
  return all;
}

void check_length(const std::vector<ChunkPasses>& chunks, std::int64_t micro_batches) {
  double seconds = 0;
  std::size_t ops = 0;
  for (const ChunkPasses& chunk : chunks) {
    for (const Pass* pass : {&chunk.forward, &chunk.backward}) {
      ops += pass->size() + 2;
      for (const Piece& piece : *pass) seconds += piece.compute.s();
    }
  }
  const auto times = static_cast<double>(micro_batches);
  if (seconds * times > kLongestStep) fail_too_long();
  if (static_cast<double>(ops) * times > static_cast<double>(kMostOps)) fail_too_many_ops();
}

Bytes message_of(const TrainingSpec& t) {
  return Bytes(shard_of(t).whole_tokens * t.model.hidden * kElement);
}

}  // namespace

void fail_too_many_ops() {
  throw Error(ErrorKind::kInvalid,
              fmt::format("one step has too many operations: more than {}", kMostOps));
}

Program build_stage_program(const TrainingSpec& training, const DeviceProfile& device,
                            const TrainingFamilies& families, std::int64_t stage,
                            std::vector<Slot>& slots) {
  const LayoutSpec& layout = training.layout;
  const auto chunks =
      chunk_passes(chunks_of_stage(layout, assign_chunks(layout, training.model.layers), stage),
                   model_passes(training, device));
  check_length(chunks, training.micro_batches());
  StageBuilder builder{.t = training, .families = families, .slots = slots, .stage = stage};
  SlotId forward_slot, backward_slot;
  if (layout.pp > 1) {
    const Bytes message = message_of(training);
    forward_slot = slot_of(slots, families.pp_forward, Collective::kSend, message);
    backward_slot = slot_of(slots, families.pp_backward, Collective::kSend, message);
  }
  const ScheduleKind* schedule = find_schedule(layout.schedule);
  builder.add_steps(schedule->steps({layout.pp, layout.vpp, training.micro_batches()}, stage),
                    chunks, forward_slot, backward_slot);
  builder.add_update(device);
  return std::move(builder.program);
}

}  // namespace tenk
