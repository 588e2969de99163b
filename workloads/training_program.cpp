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

// A run of whole layers, an embedding or a head whose gradients and parameters travel as one
// bucket.
struct Bucket {
  Pass forward;
  Pass backward;
  LocalParameters held;  // On this rank.
};

// One chunk of a stage, and where its input comes from and its output goes.
struct ChunkPasses {
  Pass forward;
  Pass backward;
  std::vector<Bucket> buckets;  // What both are made of, in forward order.
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
  bool host_bound = false;  // Can the host be behind the accelerator?
  Program program = {};
  std::vector<std::uint32_t> due = {};   // What the next operation on kCompute waits for.
  std::vector<std::uint32_t> last = {};  // The last one on kCompute, if any.
  // [chunk][bucket]: its all-gathers.
  std::vector<std::vector<std::vector<std::uint32_t>>> gathered = {};
  std::vector<std::uint32_t> exchanged = {};  // Gradient exchanges under way.
  std::vector<std::uint32_t> issued = {};     // The pass that the host issues now.

  // On kCompute: in order after `last`, and after all that is due.
  void add_in_order(Op op) {
    op.stream = Stream::kCompute;
    last = {program.add(op, due)};
    due.clear();
  }

  // The host issues pass after pass and runs ahead; the accelerator starts no pass before the one
  // in front of it has been issued whole.
  void add_issue(const Pass& pass) {
    Op op;
    op.stream = Stream::kHost;
    op.category = Category::kOther;
    for (const Piece& piece : pass) op.duration += piece.host;
    if (op.duration > Time()) issued = {program.add(op)};
  }

  void add_pass(const Pass& pass) {
    due.insert(due.end(), issued.begin(), issued.end());
    issued.clear();
    if (host_bound) add_issue(pass);
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
      op.category = piece.peers == Peers::kTp ? Category::kTp : Category::kEp;
      op.slot = slot_of(slots, families.of(piece.peers), piece.op, piece.bytes);
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

  bool exchanges_dense() const { return t.layout.dp > 1; }
  bool exchanges_experts() const { return t.layout.expert_data() > 1; }
  bool overlaps_dp() const {
    return t.overlap.dp &&
           (exchanges_dense() || (t.model.experts.routed > 0 && exchanges_experts()));
  }
  bool sharded() const { return t.layout.zero == 1; }
  void add_gathers(const std::vector<ChunkPasses>& chunks);
  void add_step(const PipelineStep& step, const ChunkPasses& chunk);
  void add_steps(const std::vector<PipelineStep>& steps, const std::vector<ChunkPasses>& chunks,
                 SlotId forward_slot, SlotId backward_slot);

  std::uint32_t add_exchange(FamilyId family, Collective op_kind, std::int64_t bytes) {
    Op op;
    op.kind = Op::Kind::kCommunicate;
    op.stream = Stream::kDp;
    op.category = Category::kDp;
    op.slot = slot_of(slots, family, op_kind, Bytes(bytes));
    return program.add(op, last);
  }
  // Of the dense part among dp ranks, of the experts among those that hold the same.
  std::vector<std::uint32_t> add_exchanges(const LocalParameters& held, Collective op,
                                           std::int64_t bytes_each) {
    std::vector<std::uint32_t> ops;
    if (exchanges_dense() && held.dense() > 0) {
      ops.push_back(add_exchange(families.dp, op, held.dense() * bytes_each));
    }
    if (exchanges_experts() && held.experts > 0) {
      ops.push_back(add_exchange(families.expert_dp, op, held.experts * bytes_each));
    }
    return ops;
  }
  std::vector<std::uint32_t> add_gradients(const LocalParameters& held) {
    return add_exchanges(held, sharded() ? Collective::kReduceScatter : Collective::kAllReduce,
                         kGradient);
  }
  std::vector<std::uint32_t> add_parameters(const LocalParameters& held) {
    return add_exchanges(held, Collective::kAllGather, kElement);
  }
  void wait_for(const std::vector<std::uint32_t>& ops) {
    due.insert(due.end(), ops.begin(), ops.end());
  }

  void add_update(const DeviceProfile& device);
};

// What follows the last backward pass. Megatron-LM: finalize_model_grads, then the optimizer.
void StageBuilder::add_update(const DeviceProfile& device) {
  due.insert(due.end(), issued.begin(), issued.end());
  const LayoutSpec& layout = t.layout;
  const LocalParameters held = trained_of_stage(t, stage);
  if (layout.shards_sequence() && held.replicated > 0) {
    Op op;  // Each rank saw its own tokens only.
    op.kind = Op::Kind::kCommunicate;
    op.category = Category::kTp;
    op.slot =
        slot_of(slots, families.tp, Collective::kAllReduce, Bytes(held.replicated * kGradient));
    add_in_order(op);
  }
  const bool has_embedding = stage == 0 || stage == layout.pp - 1;
  if (shares_embedding(t) && has_embedding && !t.frozen()) {
    due.push_back(
        add_exchange(families.embedding, Collective::kAllReduce, local_embedding(t) * kGradient));
  }
  if (overlaps_dp()) {
    due.insert(due.end(), exchanged.begin(), exchanged.end());
  } else {
    wait_for(add_gradients(held));
  }
  Op adam;
  adam.duration = optimizer_time(device, t.precision, updated_parameters(t, held), held.all);
  add_in_order(adam);
  if (sharded() && !overlaps_dp()) add_parameters(held);
}

// Under overlap the parameters that the optimizer of the step before updated are gathered bucket by
// bucket while the first micro-batch already runs (Megatron: overlap-param-gather). Step follows
// step, so that costs this step what it would cost the next.
void StageBuilder::add_gathers(const std::vector<ChunkPasses>& chunks) {
  for (const ChunkPasses& chunk : chunks) {
    auto& of_chunk = gathered.emplace_back();
    for (const Bucket& b : chunk.buckets) {
      of_chunk.push_back(sharded() ? add_parameters(b.held) : std::vector<std::uint32_t>{});
    }
  }
}

// One pass. Under overlap the first forward waits for each bucket's parameters, and the last
// backward sends off each bucket's gradients as soon as they are complete.
void StageBuilder::add_step(const PipelineStep& step, const ChunkPasses& chunk) {
  const bool gathers = overlaps_dp() && sharded() && step.forward && step.micro_batch == 0;
  const bool reduces = overlaps_dp() && !step.forward && step.micro_batch + 1 == t.micro_batches();
  if (!gathers && !reduces) return add_pass(chunk.pass(step));
  if (gathers) {
    auto ready = gathered[static_cast<std::size_t>(step.chunk)].begin();
    for (const Bucket& b : chunk.buckets) {
      wait_for(*ready++);
      add_pass(b.forward);
    }
    return;
  }
  for (auto b = chunk.buckets.rbegin(); b != chunk.buckets.rend(); ++b) {
    add_pass(b->backward);
    const std::vector<std::uint32_t> sent = add_gradients(b->held);
    exchanged.insert(exchanged.end(), sent.begin(), sent.end());
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
      add_step(steps[k], chunk_of(steps[k]));
      if (!chunk_of(steps[k]).sends(steps[k])) continue;
      sent.push_back(steps[k].forward ? add_neighbour(Stream::kSendForward, forward_slot, true)
                                      : add_neighbour(Stream::kSendBackward, backward_slot, true));
    }
    if (!t.overlap.pp) due.insert(due.end(), sent.begin(), sent.end());
    i = end;
  }
}

// Megatron's default: at least 40 million parameters, more for many replicas (megatron/core/
// distributed/distributed_data_parallel.py). A layer is never cut (assumed).
std::int64_t bucket_size(const TrainingSpec& t) {
  return std::max<std::int64_t>(40'000'000, 1'000'000 * t.layout.dp);
}

std::vector<Bucket> buckets_of(const TrainingSpec& t, const Chunk& chunk,
                               const ModelPasses& passes) {
  std::vector<Bucket> buckets;
  if (chunk.embedding) {
    buckets.push_back({passes.embedding_forward, passes.embedding_backward,
                       trained_parameters(t, {.layers = 0, .embedding = true, .head = false})});
  }
  for (std::int64_t l = chunk.first; l < chunk.first + chunk.layers; ++l) {
    const bool opens = l == chunk.first || buckets.back().held.all >= bucket_size(t);
    if (opens) buckets.emplace_back();
    const LayerPasses& layer = passes.of(t.model.kind_of(l));
    append(buckets.back().forward, layer.forward);
    append(buckets.back().backward, layer.backward);
    buckets.back().held += trained_parameters(t, {.first = l, .layers = 1});
  }
  if (chunk.head) {
    buckets.push_back({passes.head_forward, passes.head_backward,
                       trained_parameters(t, {.layers = 0, .embedding = false, .head = true})});
  }
  return buckets;
}

std::vector<ChunkPasses> chunk_passes(const TrainingSpec& t, const std::vector<Chunk>& chunks,
                                      const ModelPasses& passes) {
  std::vector<ChunkPasses> all;
  for (const Chunk& chunk : chunks) {
    ChunkPasses& c = all.emplace_back();
    c.after_another = !chunk.embedding;
    c.before_another = !chunk.head;
    c.buckets = buckets_of(t, chunk, passes);
    for (const Bucket& b : c.buckets) append(c.forward, b.forward);
    for (auto b = c.buckets.rbegin(); b != c.buckets.rend(); ++b) append(c.backward, b->backward);
  }
  return all;
}

// While no layer is issued more slowly than it computes, the host, which runs ahead, never makes
// the accelerator wait.
bool can_be_host_bound(const ModelPasses& passes) {
  const auto slower = [](const Pass& pass) {
    Time host, compute;
    for (const Piece& piece : pass) {
      host += piece.host;
      compute += piece.compute;
    }
    return host > compute;
  };
  return std::any_of(passes.layers.begin(), passes.layers.end(), [&](const LayerPasses& layer) {
    return slower(layer.forward) || slower(layer.backward);
  });
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
  const ModelPasses passes = model_passes(training, device);
  const auto chunks = chunk_passes(
      training, chunks_of_stage(layout, assign_chunks(layout, training.model.layers), stage),
      passes);
  check_length(chunks, training.micro_batches());
  StageBuilder builder{.t = training,
                       .families = families,
                       .slots = slots,
                       .stage = stage,
                       .host_bound = can_be_host_bound(passes)};
  SlotId forward_slot, backward_slot;
  if (layout.pp > 1) {
    const Bytes message = message_of(training);
    forward_slot = slot_of(slots, families.pp_forward, Collective::kSend, message);
    backward_slot = slot_of(slots, families.pp_backward, Collective::kSend, message);
  }
  const ScheduleKind* schedule = find_schedule(layout.schedule);
  if (builder.overlaps_dp()) builder.add_gathers(chunks);
  builder.add_steps(schedule->steps({layout.pp, layout.vpp, training.micro_batches()}, stage),
                    chunks, forward_slot, backward_slot);
  builder.add_update(device);
  return std::move(builder.program);
}

}  // namespace tenk
