#include "workloads/layer_times.h"

#include <algorithm>
#include <utility>

#include "sim/base/error.h"
#include "workloads/kernels.h"
#include "workloads/shard.h"

namespace tenk {
namespace {

// Bytes that fused streaming kernels read and write, per element of BF16 (assumed: each operand
// once, masks of dropout one byte, FP32 four).
constexpr double kNormForward = 4;       // x in, y out.
constexpr double kNormBackward = 6;      // dy, x in, dx out.
constexpr double kResidualForward = 6;   // y, residual in, sum out.
constexpr double kResidualBackward = 2;  // The residual's gradient, added by the norm's backward.
constexpr double kMaskForward = 1;       // Dropout, fused with the residual: mask out.
constexpr double kDropoutBackward = 5;   // dy, mask in, dx out.
constexpr double kRotary = 4;            // In place, both directions.
constexpr double kGeluForward = 4;       // x in, y out.
constexpr double kGeluBackward = 6;      // dy, x in, dx out.
constexpr double kSwigluForward = 6;     // Gate, x in, y out: per element of y.
constexpr double kSwigluBackward = 10;   // dy, gate, x in, both gradients out.
constexpr double kSoftmaxForward = 4;    // In place: scores in, shares out.
constexpr double kSoftmaxBackward = 6;   // dy, shares in, dx out.
constexpr double kLookupForward = 4;     // Row in, row out.
constexpr double kLookupBackward = 10;   // dy in, FP32 gradient in and out.
constexpr double kLogitsMax = 10;        // Cast to FP32; maximum.
constexpr double kLogitsSum = 8;         // Shifted exponential in place, and its sum.
constexpr double kLogitsScale = 8;       // Softmax in place.
constexpr double kLogitsBackward = 14;   // Gradient in place; cast to BF16.
// FP8: a 16-bit operand in, itself and its transpose out; both serve all products that it enters.
constexpr double kCast = 2 + 1 + 1;
constexpr double kAccumulated = 2 * 4 - 2;  // Per weight: FP32 in and out instead of BF16 out.
// Adam, per parameter updated: FP32 gradient, master weight and two moments in, the last three out,
// BF16 weight out; before it the gradient once more for its norm. Per parameter held: gradient
// zeroed.
constexpr double kAdam = 4 * 4 + 3 * 4 + 2 + 4;
constexpr double kZeroed = 4;

constexpr std::int64_t kElement = 2;    // Bytes of BF16.
constexpr std::int64_t kStatistic = 4;  // Bytes a token of a cross-entropy's exchange, FP32.

Time streamed(const DeviceProfile& device, double bytes) {
  constexpr double kMost = 0x1p61;
  return streaming_time(device, Bytes(static_cast<std::int64_t>(std::min(bytes, kMost))));
}

// One half of a block: two products around an inner part.
struct Half {
  std::int64_t first = 1;   // Outputs of the first product, on this rank.
  std::int64_t second = 1;  // Inputs of the second.
  Time inner_forward;
  Time inner_backward;
};

// Which part of a backward pass is built?
enum class Part { kBoth, kInput, kWeight };

class PassBuilder {
 public:
  PassBuilder(const TrainingSpec& training, const DeviceProfile& device)
      : t_(training),
        device_(device),
        shard_(shard_of(training)),
        linear_(training.precision),
        logits_(linear_ == Precision::kFp8 ? device.wide() : linear_) {}

  Pass take() { return std::exchange(pass_, {}); }

  void forward(const Half& half) {
    norm_forward();
    gather_into([&] {
      cast(hidden());
      product(linear_, shard_.tokens, half.first, hidden());
    });
    compute(half.inner_forward);
    cast(half.second);
    reduce_out_of([&] { product(linear_, shard_.tokens, hidden(), half.second); });
    stream(kResidualForward + (t_.model.dropout ? kMaskForward : 0), whole());
  }

  void backward(const Half& half, Part part = Part::kBoth) {
    if (part == Part::kWeight) {
      weight_gradient(linear_, hidden(), half.second);
      return column_weight(linear_, half.first);
    }
    dropout_backward();
    gather_into([&] {
      cast(hidden());
      product(linear_, shard_.tokens, half.second, hidden());
    });
    if (part == Part::kBoth) weight_gradient(linear_, hidden(), half.second);
    compute(half.inner_backward);
    cast(half.first);
    if (part == Part::kBoth) {
      column_backward(linear_, half.first);
    } else {
      column_input(linear_, half.first);
    }
    stream(kNormBackward + kResidualBackward, whole());
  }

  void embedding_forward() {
    stream(kLookupForward, shard_.tokens * hidden());
    reduce();
    if (t_.model.positions > 0) stream(kResidualForward, whole());
    if (t_.model.dropout) stream(kDropoutBackward, whole());  // x in, mask and y out.
  }

  void embedding_backward() {
    dropout_backward();
    gather();
    stream(kLookupBackward, shard_.tokens * hidden());
  }

  void head_forward() {
    const std::int64_t logits = shard_.tokens * shard_.vocab;
    const Bytes statistic(shard_.tokens * kStatistic);
    norm_forward();
    gather();
    product(logits_, shard_.tokens, shard_.vocab, hidden());
    stream(kLogitsMax, logits);
    call(Collective::kAllReduce, statistic);  // Maximum.
    stream(kLogitsSum, logits);
    call(Collective::kAllReduce, statistic);  // Logit of the target.
    call(Collective::kAllReduce, statistic);  // Sum of exponentials.
    stream(kLogitsScale, logits);
  }

  void head_backward(Part part = Part::kBoth) {
    if (part == Part::kWeight) return column_weight(logits_, shard_.vocab);
    stream(kLogitsBackward, shard_.tokens * shard_.vocab);
    if (part == Part::kBoth) {
      column_backward(logits_, shard_.vocab);
    } else {
      column_input(logits_, shard_.vocab);
    }
    stream(kNormBackward, whole());
  }

 private:
  std::int64_t hidden() const { return t_.model.hidden; }
  std::int64_t whole() const { return shard_.whole_tokens * hidden(); }
  Bytes activations() const { return Bytes(shard_.tokens * hidden() * kElement); }

  void compute(Time time) { append(pass_, {Piece{.compute = time}}); }
  void stream(double bytes_per_element, std::int64_t elements) {
    compute(streamed(device_, bytes_per_element * static_cast<double>(elements)));
  }
  void product(Precision precision, std::int64_t m, std::int64_t n, std::int64_t k) {
    compute(sustained_time(device_, gemm_time(device_, precision, m, n, k)));
  }
  // Of an operand of a linear layer, `width` elements a token.
  void cast(std::int64_t width) {
    if (linear_ == Precision::kFp8) stream(kCast, shard_.tokens * width);
  }
  // Adds its output to the FP32 gradient: read and written, where a product writes BF16 once.
  void weight_gradient(Precision precision, std::int64_t m, std::int64_t n) {
    const double more = kAccumulated * static_cast<double>(m) * static_cast<double>(n);
    compute(sustained_time(device_, gemm_time(device_, precision, m, n, shard_.tokens)) +
            streamed(device_, more) - streamed(device_, 0));
  }
  void call(Collective op, Bytes bytes, bool beside_next = false) {
    if (t_.layout.tp == 1) return;
    pass_.push_back({.communicates = true, .beside_next = beside_next, .op = op, .bytes = bytes});
  }

  void norm_forward() { stream(kNormForward, whole()); }
  void dropout_backward() {
    if (t_.model.dropout) stream(kDropoutBackward, whole());
  }

  // Into and out of a tensor-parallel region; backward they swap.
  void gather(bool beside_next = false) {
    if (t_.layout.shards_sequence()) call(Collective::kAllGather, activations(), beside_next);
  }
  void reduce(bool beside_next = false) {
    const bool sharded = t_.layout.shards_sequence();
    call(sharded ? Collective::kReduceScatter : Collective::kAllReduce, activations(), beside_next);
  }

  // overlap.tp cuts a product and its gather (reduction) in tp parts: the first part must have
  // arrived before the product starts, the last leaves after it has ended, the rest runs beside it.
  bool splits() const { return t_.overlap.tp && t_.layout.shards_sequence(); }
  Bytes one_part() const { return Bytes(activations().count() / t_.layout.tp); }
  template <class Product>
  void gather_into(const Product& product) {
    if (!splits()) {
      gather();
      return product();
    }
    call(Collective::kAllGather, one_part());
    call(Collective::kAllGather, activations() - one_part(), true);
    product();
  }
  template <class Product>
  void reduce_out_of(const Product& product) {
    if (!splits()) {
      product();
      return reduce();
    }
    call(Collective::kReduceScatter, activations() - one_part(), true);
    product();
    call(Collective::kReduceScatter, one_part());
  }

  // Backward of a product whose `outputs` are cut over the ranks.
  void column_backward(Precision precision, std::int64_t outputs) {
    gather(true);
    product(precision, shard_.tokens, hidden(), outputs);
    reduce(true);
    weight_gradient(precision, outputs, hidden());
  }
  void column_input(Precision precision, std::int64_t outputs) {
    product(precision, shard_.tokens, hidden(), outputs);
    reduce();
  }
  void column_weight(Precision precision, std::int64_t outputs) {
    gather();
    weight_gradient(precision, outputs, hidden());
  }

  const TrainingSpec& t_;
  const DeviceProfile& device_;
  Shard shard_;
  Precision linear_;  // Of the products of a block,
  Precision logits_;  // and of the head's.
  Pass pass_;
};

struct BothWays {
  Time forward, backward;
};

// Unfused: `rows` x sequence scores for each head, one product before and one behind them.
BothWays unfused_attention(const TrainingSpec& t, const DeviceProfile& device,
                           const AttentionShape& shape) {
  const std::int64_t rows = shape.batch * shape.heads * shape.sequence;
  const double scores = static_cast<double>(rows) * static_cast<double>(shape.sequence);
  const bool masks = t.model.dropout;
  const Time products =
      sustained_time(device,
                     gemm_time(device, device.wide(), rows, shape.sequence, shape.head_dim)) +
      sustained_time(device,
                     gemm_time(device, device.wide(), rows, shape.head_dim, shape.sequence));
  BothWays time{products, products + products};
  time.forward += streamed(device, kSoftmaxForward * scores);
  time.backward += streamed(device, kSoftmaxBackward * scores);
  if (masks) {
    time.forward += streamed(device, kDropoutBackward * scores);  // x in, mask and y out.
    time.backward += streamed(device, kDropoutBackward * scores);
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

Half attention_half(const TrainingSpec& t, const DeviceProfile& device) {
  const TransformerSpec& m = t.model;
  const Shard shard = shard_of(t);
  const std::int64_t query = shard.query_width(m);
  const std::int64_t key = shard.key_width(m);
  const AttentionShape shape{t.batch.micro, shard.heads, shard.kv_heads, m.head_dim,
                             t.batch.sequence};
  const double turned = static_cast<double>(shard.tokens) * static_cast<double>(query + key);
  const BothWays attention = attention_times(t, device, shape);
  Half half{query + 2 * key, query, attention.forward, attention.backward};
  if (m.positions == 0) {
    half.inner_forward += streamed(device, kRotary * turned);
    half.inner_backward += streamed(device, kRotary * turned);
  }
  if (m.query_key_norm) {
    half.inner_forward += streamed(device, kNormForward * turned);
    half.inner_backward += streamed(device, kNormBackward * turned);
  }
  return half;
}

Half mlp_half(const TrainingSpec& t, const DeviceProfile& device) {
  const Shard shard = shard_of(t);
  const double width = static_cast<double>(shard.tokens) * static_cast<double>(shard.ffn);
  const bool gated = t.model.gated_mlp;
  return {gated ? 2 * shard.ffn : shard.ffn, shard.ffn,
          streamed(device, (gated ? kSwigluForward : kGeluForward) * width),
          streamed(device, (gated ? kSwigluBackward : kGeluBackward) * width)};
}

// May computation join what `pass` ends with? Not if that runs beside a collective.
bool joins(const Pass& pass) {
  if (pass.empty() || pass.back().communicates) return false;
  return pass.size() < 2 || !pass[pass.size() - 2].beside_next;
}

}  // namespace

void fail_too_long() {
  throw Error(ErrorKind::kInvalid, "one step would compute for longer than 10^6 s");
}

void append(Pass& pass, const Pass& more) {
  for (const Piece& piece : more) {
    if (!piece.communicates && joins(pass)) {
      if (pass.back().compute.s() + piece.compute.s() > kLongestStep) fail_too_long();
      pass.back().compute += piece.compute;
      pass.back().host += piece.host;
    } else {
      pass.push_back(piece);
    }
  }
}

ModelPasses model_passes(const TrainingSpec& training, const DeviceProfile& device) {
  const Half attention = attention_half(training, device);
  const Half mlp = mlp_half(training, device);
  PassBuilder builder(training, device);
  ModelPasses passes;
  builder.embedding_forward();
  passes.embedding_forward = builder.take();
  builder.embedding_backward();
  passes.embedding_backward = builder.take();
  builder.forward(attention);
  builder.forward(mlp);
  passes.layer_forward = builder.take();
  passes.layer_forward.front().host = training.host.forward;
  builder.backward(mlp);
  builder.backward(attention);
  const bool repeats = training.recompute == Recompute::kFull;
  if (repeats) passes.layer_backward = passes.layer_input = passes.layer_forward;
  append(passes.layer_backward, builder.take());
  passes.layer_backward.front().host += training.host.backward;
  builder.backward(mlp, Part::kInput);
  builder.backward(attention, Part::kInput);
  append(passes.layer_input, builder.take());
  passes.layer_input.front().host += training.host.backward;
  builder.backward(mlp, Part::kWeight);
  builder.backward(attention, Part::kWeight);
  passes.layer_weight = builder.take();
  builder.head_forward();
  passes.head_forward = builder.take();
  builder.head_backward();
  passes.head_backward = builder.take();
  builder.head_backward(Part::kInput);
  passes.head_input = builder.take();
  builder.head_backward(Part::kWeight);
  passes.head_weight = builder.take();
  return passes;
}

Time optimizer_time(const DeviceProfile& device, Precision precision, std::int64_t updated,
                    std::int64_t held) {
  const Time time = streamed(device, kAdam * static_cast<double>(updated)) +
                    streamed(device, kZeroed * static_cast<double>(held));
  if (precision != Precision::kFp8) return time;
  return time + streamed(device, kCast * static_cast<double>(held));
}

}  // namespace tenk
