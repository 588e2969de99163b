#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

#include "sim/base/error.h"
#include "workloads/buckets.h"
#include "workloads/layer_times.h"
#include "workloads/optimizer.h"
#include "workloads/schedules/list.h"
#include "workloads/shard.h"
#include "workloads/training.h"

namespace tenk {
namespace {

constexpr std::int64_t kElement = 2;  // BF16.

using OpIndex = std::uint32_t;
using OpIndices = std::vector<OpIndex>;

SlotId slot_of(std::vector<Slot>& slots, FamilyId family, Collective op, Bytes bytes) {
  const auto same = [&](const Slot& s) {
    return s.family == family && s.op == op && s.bytes == bytes;
  };
  const auto found = std::find_if(slots.begin(), slots.end(), same);
  if (found != slots.end()) return SlotId(static_cast<std::size_t>(found - slots.begin()));
  slots.push_back({family, op, bytes});
  return SlotId(slots.size() - 1);
}

class StageBuilder {
 public:
  StageBuilder(const TrainingSpec& training, const TrainingFamilies& families, std::int64_t stage,
               std::vector<Slot>& slots, const ModelPasses& model);
  Program run(const DeviceProfile& device);

 private:
  // What a step of the schedule has to do with parameters and gradients.
  struct Duty {
    bool awaits_parameters = false;  // Bucket by bucket.
    bool sends_gradients = false;    // Likewise.
  };
  struct Gather {  // Of ZeRO-3: a bucket that comes for a pass.
    std::size_t chunk = 0, bucket = 0;
  };

  const ChunkPasses& chunk_of(const PipelineStep& step) const {
    return chunks_[static_cast<std::size_t>(step.chunk)];
  }
  bool has_experts() const { return t_.model.experts.routed > 0; }
  bool exchanges() const {
    return t_.layout.data_ranks() > 1 || (has_experts() && t_.layout.expert_data() > 1);
  }
  bool cuts() const {
    return t_.layout.shards() > 1 || (has_experts() && t_.layout.expert_shards() > 1);
  }
  bool overlaps_dp() const { return t_.overlap.dp && exchanges(); }
  bool gathers_always() const { return t_.layout.zero == 3 && cuts(); }
  bool gathers_once() const { return t_.layout.zero != 3 && cuts(); }

  void check_length() const;
  void find_duties();
  void find_gathers();
  void add_in_order(Op op);
  void add_issue(const Pass& pass);
  OpIndices add_aside(const Piece& piece, OpIndices before);
  void add_pass(const Pass& pass);
  void add_pair(std::size_t index);
  OpIndex add_neighbour(const PipelineStep& step, bool sends);
  OpIndex add_exchange(FamilyId family, Collective op, std::int64_t bytes);
  OpIndices add_gradients(const LocalParameters& held);
  OpIndices add_gather(const LocalParameters& held);
  void wait_for(const OpIndices& ops) { due_.insert(due_.end(), ops.begin(), ops.end()); }
  void add_first_gathers();
  void add_next_gather();
  void await_parameters(const PipelineStep& step, std::size_t bucket);
  void send_gradients(const Bucket& bucket);
  void add_step(std::size_t index);
  void add_steps();
  void add_host_update(std::int64_t updated);
  void add_shared_gradients(const LocalParameters& held);
  void add_update(const DeviceProfile& device);

  const TrainingSpec& t_;
  const TrainingFamilies& families_;
  std::vector<Slot>& slots_;
  std::int64_t stage_;
  bool host_bound_;  // Can the host be behind the accelerator?
  std::vector<ChunkPasses> chunks_;
  std::vector<PipelineStep> steps_;
  std::vector<Duty> duties_;                            // By step.
  std::array<SlotId, 2> forward_slot_, backward_slot_;  // By direction.

  Program program_;
  OpIndices due_;                                 // What the next operation on kCompute waits for.
  OpIndices last_;                                // The last one on kCompute, if any.
  OpIndices issued_;                              // The pass that the host issues now.
  OpIndices exchanged_;                           // Gradient exchanges under way.
  std::vector<std::vector<OpIndices>> gathered_;  // [chunk][bucket]: its gathers for the step.
  std::vector<Gather> gathers_;                   // ZeRO-3, in the order of their passes,
  std::size_t next_gather_ = 0;                   // the first that has no operation yet,
  std::deque<OpIndices> arriving_;                // and operations whose pass has not come yet.
  std::vector<std::vector<std::size_t>> needs_;   // [step]: buckets that a gather brings.
};

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

Bytes message_of(const TrainingSpec& t) {
  return Bytes(shard_of(t).whole_tokens * t.model.hidden * kElement);
}

StageBuilder::StageBuilder(const TrainingSpec& training, const TrainingFamilies& families,
                           std::int64_t stage, std::vector<Slot>& slots, const ModelPasses& model)
    : t_(training),
      families_(families),
      slots_(slots),
      stage_(stage),
      host_bound_(can_be_host_bound(model)) {
  const LayoutSpec& layout = t_.layout;
  const auto all = assign_chunks(layout, t_.model.layers);
  for (const Chunk& chunk : chunks_of_stage(layout, all, stage)) {
    chunks_.push_back(chunk_passes(t_, chunk, model));
  }
  check_length();
  steps_ =
      find_schedule(layout.schedule)->steps({layout.pp, layout.vpp, t_.micro_batches()}, stage);
  if (layout.pp > 1) {
    const auto slot = [&](FamilyId family) {
      return slot_of(slots_, family, Collective::kSend, message_of(t_));
    };
    forward_slot_[0] = slot(families_.pp_forward);
    backward_slot_[0] = slot(families_.pp_backward);
    if (layout.directions == 2) {
      forward_slot_[1] = slot(families_.back_forward);
      backward_slot_[1] = slot(families_.back_backward);
    }
  }
  find_duties();
  if (gathers_always()) find_gathers();
}

void StageBuilder::check_length() const {
  double seconds = 0;
  std::size_t ops = 0;
  for (const ChunkPasses& chunk : chunks_) {
    for (const PassKind kind : {PassKind::kForward, PassKind::kBackward}) {
      const Pass& pass = chunk.passes[static_cast<std::size_t>(kind)];
      ops += pass.size() + 2 + (gathers_always() ? 2 * chunk.buckets.size() : 0);
      for (const Piece& piece : pass) seconds += piece.compute.s();
    }
  }
  const auto times = static_cast<double>(t_.micro_batches());
  if (seconds * times > kLongestStep) fail_too_long();
  if (static_cast<double>(ops) * times > static_cast<double>(kMostOps)) fail_too_many_ops();
}

// Without overlap whole gradients are exchanged after the last pass (add_update), and parameters
// gathered after the optimizer; under overlap bucket by bucket beside the passes that complete and
// need them. ZeRO-3 gathers for every pass; shards of gradients are kept by reducing every pass.
void StageBuilder::find_duties() {
  duties_.resize(steps_.size());
  if (!exchanges()) return;
  const bool in_buckets = overlaps_dp() || gathers_always();
  std::vector<bool> ran(chunks_.size(), false);
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const auto chunk = static_cast<std::size_t>(steps_[i].chunk);
    const bool first = steps_[i].forward() && !ran[chunk];
    ran[chunk] = true;
    const bool needs = steps_[i].forward() || steps_[i].backward();
    duties_[i].awaits_parameters =
        gathers_always() ? needs : first && gathers_once() && overlaps_dp();
    duties_[i].sends_gradients = t_.gradients.keeps_shards && steps_[i].grades();
  }
  std::vector<bool> done(chunks_.size(), false);
  for (std::size_t i = steps_.size(); i-- > 0 && in_buckets;) {
    const auto chunk = static_cast<std::size_t>(steps_[i].chunk);
    if (!steps_[i].grades() || done[chunk]) continue;
    duties_[i].sends_gradients = done[chunk] = true;
  }
}

// Layers are gathered for each of their passes and freed after it. Embedding and head stay from a
// micro-batch's forward pass to its backward pass (PyTorch: the root is not freed after forward).
void StageBuilder::find_gathers() {
  needs_.resize(steps_.size());
  std::vector<std::vector<std::int64_t>> holders;
  for (const ChunkPasses& chunk : chunks_) holders.emplace_back(chunk.buckets.size(), 0);
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    if (!duties_[i].awaits_parameters) continue;
    const auto c = static_cast<std::size_t>(steps_[i].chunk);
    const std::size_t n = chunks_[c].buckets.size();
    for (std::size_t k = 0; k < n; ++k) {
      const std::size_t b = steps_[i].forward() ? k : n - 1 - k;
      const Bucket& bucket = chunks_[c].buckets[b].bucket;
      if (bucket.held.all == 0) continue;
      std::int64_t& held = holders[c][b];
      const bool stays = bucket.part.layers == 0;
      const bool here = stays && (held > 0 || !steps_[i].forward());
      if (stays) held += steps_[i].forward() ? 1 : -1;
      if (here) continue;
      needs_[i].push_back(b);
      gathers_.push_back({c, b});
    }
  }
}

// --- Single operations --------------------------------------------------------------------------

// On kCompute: in order after `last_`, and after all that is due.
void StageBuilder::add_in_order(Op op) {
  op.stream = Stream::kCompute;
  last_ = {program_.add(op, due_)};
  due_.clear();
}

// The host issues pass after pass and runs ahead; the accelerator starts no pass before the one in
// front of it has been issued whole.
void StageBuilder::add_issue(const Pass& pass) {
  Op op;
  op.stream = Stream::kHost;
  op.category = Category::kOther;
  for (const Piece& piece : pass) op.duration += piece.host;
  if (op.duration > Time()) issued_ = {program_.add(op)};
}

Category category_of(Peers peers) {
  if (peers == Peers::kTp) return Category::kTp;
  return peers == Peers::kCp || peers == Peers::kCpNext ? Category::kCp : Category::kEp;
}

// A communication on a stream of its own; to the next of a ring it is a send and a receive.
OpIndices StageBuilder::add_aside(const Piece& piece, OpIndices before) {
  Op op;
  op.kind = Op::Kind::kCommunicate;
  op.category = category_of(piece.peers);
  op.slot = slot_of(slots_, families_.of(piece.peers), piece.op, piece.bytes);
  op.stream = op.category == Category::kTp   ? Stream::kTp
              : op.category == Category::kCp ? Stream::kCp
                                             : Stream::kEp;
  op.sends = piece.op == Collective::kSend;
  OpIndices ops = {program_.add(op, before)};
  if (!op.sends) return ops;
  op.sends = false;
  op.stream = Stream::kCpReceive;
  ops.push_back(program_.add(op, before));
  return ops;
}

void StageBuilder::add_pass(const Pass& pass) {
  wait_for(issued_);
  issued_.clear();
  if (host_bound_) add_issue(pass);
  OpIndices beside;  // Runs beside the computation that comes next.
  for (const Piece& piece : pass) {
    Op op;
    if (!piece.communicates) {
      op.duration = piece.compute;
      add_in_order(op);
      due_.swap(beside);
      continue;
    }
    if (piece.beside_next || piece.op == Collective::kSend) {
      OpIndices before = due_;
      before.insert(before.end(), last_.begin(), last_.end());
      OpIndices ops = add_aside(piece, std::move(before));
      if (piece.beside_next) {
        beside = std::move(ops);
      } else {
        wait_for(ops);
      }
      continue;
    }
    op.kind = Op::Kind::kCommunicate;
    op.category = category_of(piece.peers);
    op.slot = slot_of(slots_, families_.of(piece.peers), piece.op, piece.bytes);
    add_in_order(op);
  }
}

// One of two passes that take turns on the device: its own order of things.
struct Chain {
  const Pass* pass = nullptr;
  std::size_t next = 0;
  OpIndices before = {};  // What its next piece waits for,
  OpIndices beside = {};  // and the one after the next computation.

  bool done() const { return next == pass->size(); }
};

// A forward and a backward pass of different micro-batches: while one communicates the other
// computes. They take turns at their computations; each waits for its own communication only.
void StageBuilder::add_pair(std::size_t index) {
  std::array<Chain, 2> chains;
  for (std::size_t k = 0; k < 2; ++k) {
    const PipelineStep& step = steps_[index + k];
    chains[k].pass = &chunk_of(step).passes[static_cast<std::size_t>(step.pass)];
    chains[k].before = issued_;
    if (chunk_of(step).receives(step)) chains[k].before.push_back(add_neighbour(step, false));
  }
  issued_.clear();
  for (const Chain& chain : chains) {
    if (host_bound_) add_issue(*chain.pass);
  }
  for (Chain& chain : chains) chain.before.insert(chain.before.end(), due_.begin(), due_.end());
  due_.clear();
  const auto advance = [&](Chain& chain) {  // To behind its next computation.
    while (!chain.done()) {
      const Piece& piece = (*chain.pass)[chain.next++];
      if (piece.communicates) {
        OpIndices ops = add_aside(piece, chain.before);
        (piece.beside_next ? chain.beside : chain.before) = std::move(ops);
        continue;
      }
      Op op;
      op.duration = piece.compute;
      last_ = {program_.add(op, chain.before)};
      chain.before = last_;
      chain.before.insert(chain.before.end(), chain.beside.begin(), chain.beside.end());
      chain.beside.clear();
      return;
    }
  };
  while (!chains[0].done() || !chains[1].done()) {
    for (Chain& chain : chains) advance(chain);
  }
  for (std::size_t k = 0; k < 2; ++k) {
    const PipelineStep& step = steps_[index + k];
    const OpIndices last = std::exchange(last_, chains[k].before);
    if (chunk_of(step).sends(step)) add_neighbour(step, true);
    last_ = last;
    wait_for(chains[k].before);
  }
}

// A receive, or a send of what was computed last.
OpIndex StageBuilder::add_neighbour(const PipelineStep& step, bool sends) {
  constexpr Stream kStreamsOf[2][2][2] = {
      // [direction][forward][sends]
      {{Stream::kReceiveBackward, Stream::kSendBackward},
       {Stream::kReceiveForward, Stream::kSendForward}},
      {{Stream::kBackReceiveBackward, Stream::kBackSendBackward},
       {Stream::kBackReceiveForward, Stream::kBackSendForward}}};
  const std::size_t way = t_.layout.directions == 2 && step.chunk == 1 ? 1 : 0;
  Op op;
  op.kind = Op::Kind::kCommunicate;
  op.stream = kStreamsOf[way][step.forward() ? 1 : 0][sends ? 1 : 0];
  op.category = Category::kPp;
  op.sends = sends;
  op.slot = step.forward() ? forward_slot_[way] : backward_slot_[way];
  const bool early = !sends && t_.overlap.pp;  // Posted before it is needed.
  return program_.add(op, early ? OpIndices{} : last_);
}

OpIndex StageBuilder::add_exchange(FamilyId family, Collective op_kind, std::int64_t bytes) {
  Op op;
  op.kind = Op::Kind::kCommunicate;
  op.stream = Stream::kDp;
  op.category = Category::kDp;
  op.slot = slot_of(slots_, family, op_kind, Bytes(bytes));
  return program_.add(op, last_);
}

// --- Parameters and gradients -------------------------------------------------------------------

OpIndices StageBuilder::add_gather(const LocalParameters& held) {
  OpIndices ops;
  const auto add = [&](FamilyId family, std::int64_t ranks, std::int64_t parameters) {
    if (ranks == 1 || parameters == 0) return;
    ops.push_back(add_exchange(family, Collective::kAllGather, parameters * kElement));
  };
  add(families_.dp, t_.layout.shards(), held.dense());
  add(families_.expert_dp, t_.layout.expert_shards(), held.experts);
  return ops;
}

// Each rank ends with its shard of the sum over all copies.
OpIndices StageBuilder::add_gradients(const LocalParameters& held) {
  const LayoutSpec& layout = t_.layout;
  const std::int64_t bytes = t_.gradients.bytes();
  OpIndices ops;
  if (layout.shards() > 1 && held.dense() > 0) {
    ops.push_back(add_exchange(families_.dp, Collective::kReduceScatter, held.dense() * bytes));
  }
  if (layout.copies() > 1 && held.dense() > 0) {  // After the reduction: both are on kDp.
    const std::int64_t part = (held.dense() + layout.shards() - 1) / layout.shards();
    ops.push_back(add_exchange(families_.dp_copies, Collective::kAllReduce, part * bytes));
  }
  if (layout.expert_data() > 1 && held.experts > 0) {
    ops.push_back(add_exchange(
        families_.expert_dp, layout.zero == 0 ? Collective::kAllReduce : Collective::kReduceScatter,
        held.experts * bytes));
  }
  return ops;
}

// Under overlap the parameters that the optimizer of the step before updated are gathered bucket by
// bucket while the first micro-batch already runs (Megatron: overlap-param-gather). Step follows
// step, so that costs this step what it would cost the next.
void StageBuilder::add_first_gathers() {
  for (const ChunkPasses& chunk : chunks_) {
    auto& of_chunk = gathered_.emplace_back();
    for (const BucketPasses& b : chunk.buckets) of_chunk.push_back(add_gather(b.bucket.trained));
  }
}

void StageBuilder::add_next_gather() {
  if (next_gather_ == gathers_.size()) return;
  const Gather& g = gathers_[next_gather_++];
  arriving_.push_back(add_gather(chunks_[g.chunk].buckets[g.bucket].bucket.held));
}

// ZeRO-3 under overlap: while a bucket computes, the next one arrives and the one before has been
// freed (PyTorch: backward prefetch, and at most two gathered units beside the root).
void StageBuilder::await_parameters(const PipelineStep& step, std::size_t bucket) {
  if (!gathers_always()) {
    return wait_for(gathered_[static_cast<std::size_t>(step.chunk)][bucket]);
  }
  if (arriving_.empty()) add_next_gather();
  wait_for(arriving_.front());
  arriving_.pop_front();
  if (overlaps_dp()) add_next_gather();
}

void StageBuilder::send_gradients(const Bucket& bucket) {
  const OpIndices ops = add_gradients(bucket.trained);
  OpIndices& until = overlaps_dp() ? exchanged_ : due_;
  until.insert(until.end(), ops.begin(), ops.end());
}

// --- Steps --------------------------------------------------------------------------------------

// One pass. Where its parameters arrive or its gradients leave in buckets, bucket by bucket.
void StageBuilder::add_step(std::size_t index) {
  const PipelineStep& step = steps_[index];
  const ChunkPasses& chunk = chunk_of(step);
  const auto [awaits, sends] = duties_[index];
  const auto kind = static_cast<std::size_t>(step.pass);
  if (!awaits && !sends) return add_pass(chunk.passes[kind]);
  const std::size_t n = chunk.buckets.size();
  for (std::size_t k = 0; k < n; ++k) {
    const std::size_t b = step.forward() ? k : n - 1 - k;
    const BucketPasses& part = chunk.buckets[b];
    const bool has_some = part.bucket.held.all > 0;
    const bool comes =
        !gathers_always() || std::count(needs_[index].begin(), needs_[index].end(), b);
    if (awaits && has_some && comes) await_parameters(step, b);
    add_pass(part.passes[kind]);
    if (sends && has_some) send_gradients(part.bucket);
  }
}

// Without overlap a stage posts the receives of its next passes with the sends of its last ones,
// and waits for all of them before it computes on. Between exchanges stands one pass; under
// interleaving a forward and the backward after it, since rings of stages would wait for each other
// otherwise (Megatron: send_forward_backward_recv_forward_backward).
void StageBuilder::add_steps() {
  const bool pairs = !t_.overlap.pp && t_.layout.vpp > 1;
  for (std::size_t i = 0; i < steps_.size();) {
    if (steps_[i].with_next) {
      add_pair(i);
      i += 2;
      continue;
    }
    const bool pair =
        pairs && i + 1 < steps_.size() && steps_[i].forward() && !steps_[i + 1].forward();
    const std::size_t end = i + (pair ? 2 : 1);
    std::vector<OpIndices> received;
    for (std::size_t k = i; k < end; ++k) {
      OpIndices& input = received.emplace_back();
      if (chunk_of(steps_[k]).receives(steps_[k])) input = {add_neighbour(steps_[k], false)};
    }
    OpIndices sent;
    for (std::size_t k = i; k < end; ++k) {
      wait_for(received[k - i]);
      add_step(k);
      if (chunk_of(steps_[k]).sends(steps_[k])) sent.push_back(add_neighbour(steps_[k], true));
    }
    if (!t_.overlap.pp) wait_for(sent);
    i = end;
  }
}

// Gradients of what several ranks of one replica hold alike.
void StageBuilder::add_shared_gradients(const LocalParameters& held) {
  const LayoutSpec& layout = t_.layout;
  const std::int64_t bytes = t_.gradients.bytes();
  if (layout.shards_sequence() && held.replicated > 0) {
    Op op;  // Each rank saw its own tokens only.
    op.kind = Op::Kind::kCommunicate;
    op.category = Category::kTp;
    op.slot = slot_of(slots_, families_.tp, Collective::kAllReduce, Bytes(held.replicated * bytes));
    add_in_order(op);
  }
  const bool has_embedding = stage_ == 0 || stage_ == layout.pp - 1;
  if (shares_embedding(t_) && has_embedding && !t_.frozen()) {
    due_.push_back(
        add_exchange(families_.embedding, Collective::kAllReduce, local_embedding(t_) * bytes));
  }
}

// What follows the last backward pass. Megatron-LM: finalize_model_grads, then the optimizer.
void StageBuilder::add_update(const DeviceProfile& device) {
  wait_for(issued_);
  const LocalParameters trained = trained_of_stage(t_, stage_);
  add_shared_gradients(trained);
  const bool all_sent =
      std::any_of(duties_.begin(), duties_.end(), [](const Duty& x) { return x.sends_gradients; });
  wait_for(exchanged_);
  if (exchanges() && !all_sent) wait_for(add_gradients(trained));
  const std::int64_t updated = updated_parameters(t_, trained);
  const std::int64_t kept = t_.gradients.keeps_shards ? updated : trained.all;
  Op update;
  update.duration = optimizer_time(t_, device, updated, kept);
  add_in_order(update);
  if (t_.optimizer.offload) add_host_update(updated);
  if (gathers_once() && !overlaps_dp()) {
    const OpIndices gathers = add_gather(trained);
    if (!gathers.empty()) last_ = gathers;
  }
  if (t_.step_overhead > Time()) {
    Op overhead;
    overhead.category = Category::kOther;
    overhead.duration = t_.step_overhead;
    wait_for(last_);
    add_in_order(overhead);
  }
}

// Gradients go to the host and weights come back, slice by slice, while the host updates the slice
// between (ZeRO-Offload, Ren et al. 2021, section 4; ours waits for the gradient's norm first).
void StageBuilder::add_host_update(std::int64_t updated) {
  constexpr int kSlices = 8;
  const auto copied = [&](std::int64_t bytes) {
    return Time::seconds(static_cast<double>(bytes) * static_cast<double>(updated) / kSlices /
                         t_.optimizer.link.value());
  };
  const auto add = [&](Stream stream, Time duration, const OpIndices& before) {
    Op op;
    op.category = Category::kOther;
    op.stream = stream;
    op.duration = duration;
    return OpIndices{program_.add(op, before)};
  };
  const Time update = Time::seconds(host_update_time(t_.optimizer, updated).s() / kSlices);
  OpIndices back;
  for (int i = 0; i < kSlices; ++i) {
    const OpIndices there = add(Stream::kToHost, copied(t_.gradients.bytes()), last_);
    back = add(Stream::kFromHost, copied(kElement), add(Stream::kOnHost, update, there));
  }
  last_ = back;
}

Program StageBuilder::run(const DeviceProfile& device) {
  if (gathers_once() && overlaps_dp()) add_first_gathers();
  add_steps();
  add_update(device);
  return std::move(program_);
}

}  // namespace

void fail_too_many_ops() {
  throw Error(ErrorKind::kInvalid,
              fmt::format("one step has too many operations: more than {}", kMostOps));
}

Program build_stage_program(const TrainingSpec& training, const DeviceProfile& device,
                            const TrainingFamilies& families, std::int64_t stage,
                            std::vector<Slot>& slots) {
  const ModelPasses passes = model_passes(training, device);
  return StageBuilder(training, families, stage, slots, passes).run(device);
}

}  // namespace tenk
