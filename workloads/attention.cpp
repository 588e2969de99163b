#include "workloads/attention.h"

#include "workloads/kernels.h"
#include "workloads/shard.h"

namespace tenk {
namespace {

// Bytes that streaming kernels read and write, per element of BF16 (assumed: each operand once).
constexpr double kSoftmaxForward = 4;   // In place: scores in, shares out.
constexpr double kSoftmaxBackward = 6;  // dy, shares in, dx out.
constexpr double kMask = 5;             // Dropout: x in, mask and y out; dy, mask in, dx out.
constexpr double kMerge = 2 + 4 + 4;    // A round's result in, the FP32 sum in and out.
constexpr std::int64_t kElement = 2;    // Bytes of BF16.

struct BothWays {
  Time forward, backward;
};

// Unfused: `rows` x sequence scores for each head, one product before and one behind them.
BothWays unfused_attention(const TrainingSpec& t, const DeviceProfile& device,
                           const AttentionShape& shape) {
  const std::int64_t rows = shape.batch * shape.heads * shape.sequence;
  const double scores = static_cast<double>(rows) * static_cast<double>(shape.sequence);
  const Time products =
      sustained_time(device,
                     gemm_time(device, device.wide(), rows, shape.sequence, shape.head_dim)) +
      sustained_time(device,
                     gemm_time(device, device.wide(), rows, shape.head_dim, shape.sequence));
  BothWays time{products, products + products};
  time.forward += streamed(device, kSoftmaxForward * scores);
  time.backward += streamed(device, kSoftmaxBackward * scores);
  if (t.model.dropout) {
    time.forward += streamed(device, kMask * scores);
    time.backward += streamed(device, kMask * scores);
  }
  if (t.recompute == Recompute::kSelective) time.backward += time.forward;
  return time;
}

BothWays attention_times(const TrainingSpec& t, const DeviceProfile& device,
                         const AttentionShape& shape) {
  if (t.attention == AttentionKernel::kUnfused) return unfused_attention(t, device, shape);
  if (t.attention == AttentionKernel::kFlash2 && device.attention.flash_2) {
    DeviceProfile before = device;
    before.attention.efficiency = *device.attention.flash_2;
    return {sustained_time(before, attention_forward_time(before, shape)),
            sustained_time(before, attention_backward_time(before, shape))};
  }
  return {sustained_time(device, attention_forward_time(device, shape)),
          sustained_time(device, attention_backward_time(device, shape))};
}

Pass computed(Time time) { return {Piece{.compute = time}}; }

Piece exchanged(Peers peers, Collective op, std::int64_t bytes, bool beside_next = false) {
  return {.communicates = true,
          .peers = peers,
          .beside_next = beside_next,
          .op = op,
          .bytes = Bytes(bytes)};
}

AttentionPasses ring(std::int64_t cp, const BothWays& round, Time merge, std::int64_t block) {
  AttentionPasses passes;
  for (std::int64_t r = 0; r < cp; ++r) {
    const bool travels = r + 1 < cp;
    if (travels) {
      passes.forward.push_back(exchanged(Peers::kCpNext, Collective::kSend, block, true));
    }
    append(passes.forward, computed(r > 0 ? round.forward + merge : round.forward));
    // Backward: the gradients of the round before follow the keys and values.
    const std::int64_t bytes = (travels ? block : 0) + (r > 0 ? block : 0);
    passes.backward.push_back(exchanged(Peers::kCpNext, Collective::kSend, bytes, true));
    append(passes.backward, computed(round.backward));
  }
  passes.backward.push_back(exchanged(Peers::kCpNext, Collective::kSend, block));
  return passes;
}

AttentionPasses gathered(std::int64_t cp, const BothWays& whole, std::int64_t block) {
  const auto share = [&](Time t) { return Time::picoseconds((t.ps() + cp - 1) / cp); };
  const Piece gather = exchanged(Peers::kCp, Collective::kAllGather, cp * block);
  AttentionPasses passes{{gather}, {gather}};
  append(passes.forward, computed(share(whole.forward)));
  append(passes.backward, computed(share(whole.backward)));
  passes.backward.push_back(exchanged(Peers::kCp, Collective::kReduceScatter, cp * block));
  return passes;
}

AttentionPasses dealt(const BothWays& part, std::int64_t in, std::int64_t out) {
  const auto exchange = [](std::int64_t bytes) {
    return exchanged(Peers::kCp, Collective::kAllToAll, bytes);
  };
  AttentionPasses passes{{exchange(in)}, {exchange(out)}};
  append(passes.forward, computed(part.forward));
  passes.forward.push_back(exchange(out));
  append(passes.backward, computed(part.backward));
  passes.backward.push_back(exchange(in));
  return passes;
}

}  // namespace

AttentionPasses attention_passes(const TrainingSpec& t, const DeviceProfile& device,
                                 const LayerKind& kind) {
  const TransformerSpec& m = t.model;
  const Shard shard = shard_of(t);
  const std::int64_t cp = t.layout.cp;
  AttentionShape shape{t.batch.micro,    shard.heads, shard.kv_heads, m.head_dim,
                       t.batch.sequence, m.value_dim, kind.window,    m.causal};
  const std::int64_t block = shard.tokens * shard.key_value_width(m) * kElement;
  const std::int64_t out = shard.tokens * shard.out_width(m) * kElement;
  if (cp == 1) {
    const BothWays time = attention_times(t, device, shape);
    return {computed(time.forward), computed(time.backward)};
  }
  if (t.layout.cp_exchange == ContextExchange::kAllGather) {
    return gathered(cp, attention_times(t, device, shape), block);
  }
  if (t.layout.cp_exchange == ContextExchange::kAllToAll) {
    shape.heads /= cp;
    shape.kv_heads /= cp;
    const std::int64_t query = shard.tokens * shard.query_width(m) * kElement;
    return dealt(attention_times(t, device, shape), query + block, out);
  }
  shape.sequence /= cp;
  const Time merge = streamed(device, kMerge / kElement * static_cast<double>(out));
  return ring(cp, attention_times(t, device, shape), merge, block);
}

}  // namespace tenk
