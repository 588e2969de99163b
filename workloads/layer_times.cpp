#include "workloads/layer_times.h"

#include <algorithm>
#include <utility>

#include "sim/base/error.h"
#include "workloads/attention.h"
#include "workloads/experts.h"
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
constexpr double kLookupForward = 4;     // Row in, row out.
constexpr double kLookupBackward = 10;   // dy in, FP32 gradient in and out.
constexpr double kMove = 4;              // A row in, a row out, in another order.
constexpr double kWeigh = 6;             // The same, with the gradient of its weight.
constexpr double kGate = 16;             // Softmax and choice over the router's FP32 logits.
constexpr double kLogitsMax = 10;        // Cast to FP32; maximum.
constexpr double kLogitsSum = 8;         // Shifted exponential in place, and its sum.
constexpr double kLogitsScale = 8;       // Softmax in place.
constexpr double kLogitsBackward = 14;   // Gradient in place; cast to BF16.
constexpr double kAccumulated = 2 * 4 - 2;  // Per weight: FP32 in and out instead of BF16 out.

constexpr std::int64_t kElement = 2;    // Bytes of BF16.
constexpr std::int64_t kStatistic = 4;  // Bytes a token of a cross-entropy's exchange, FP32.

// One half of a block: two products around an inner part.
struct Half {
  std::int64_t first = 1;   // Outputs of the first product, on this rank.
  std::int64_t second = 1;  // Inputs of the second.
  Pass inner_forward;
  Pass inner_backward;
  // Latent attention: the first product is a narrow one, whole on each rank, and these of its
  // outputs, for the heads of this rank.
  std::int64_t narrow = 0;
  struct Unpacked {
    std::int64_t outputs = 1, inputs = 1;
  };
  std::vector<Unpacked> unpacked = {};
};

// Bytes that a perceptron's activation function streams, per element of its output.
struct Activation {
  double forward, backward;
};
Activation activation_bytes(const TransformerSpec& m) {
  if (m.gated_mlp) return {kSwigluForward, kSwigluBackward};
  return {kGeluForward, kGeluBackward};
}

// Which part of a backward pass is built?
enum class Part { kBoth, kInputs, kWeights };

class PassBuilder {
 public:
  PassBuilder(const TrainingSpec& training, const DeviceProfile& device)
      : t_(training),
        device_(device),
        shard_(shard_of(training)),
        linear_(training.precision),
        logits_(cast_bytes(linear_) > 0 ? device.wide() : linear_),
        activation_(activation_bytes(training.model)) {}

  Pass take() { return std::exchange(pass_, {}); }
  void build(Part part) { part_ = part; }

  void forward(const Half& half) {
    norm_forward();
    products_forward(half);
    residual_forward();
  }

  void backward(const Half& half) {
    dropout_backward();
    products_backward(half);
    stream(kNormBackward + kResidualBackward, whole());
  }

  // What a backward pass computes again before it: `mlp` is a perceptron, or that beside experts.
  void repeat(const RepeatedParts& parts, const Half& mlp) {
    if (parts.norms) norm_forward();
    if (parts.norms) norm_forward();
    if (parts.perceptrons) {
      products_forward(mlp);
    } else if (parts.activations) {
      run(mlp.inner_forward);
    }
  }

  // `shared` is the half that all tokens pass, if there is one.
  void experts_forward(const ExpertWork& work, const Half* shared) {
    norm_forward();
    route_forward(work);
    grouped(work, first_width(work), hidden());
    stream(activation_.forward, work.rows * work.ffn);
    grouped(work, hidden(), work.ffn);
    exchange_back(work);
    stream(kMove, work.sent * hidden());
    if (shared != nullptr) products_forward(*shared);
    residual_forward();
  }

  void repeat_experts(const RepeatedParts& parts, const ExpertWork& work) {
    if (parts.perceptrons) {
      experts_forward(work, nullptr);
    } else if (parts.activations) {
      stream(activation_.forward, work.rows * work.ffn);
    }
  }

  void experts_backward(const ExpertWork& work, const Half* shared) {
    const std::int64_t first = first_width(work);
    dropout_backward();
    if (shared != nullptr) products_backward(*shared);
    stream(kWeigh, work.sent * hidden());
    exchange(work);
    grouped(work, work.ffn, hidden());
    grouped_weight_gradient(work, hidden(), work.ffn);
    stream(activation_.backward, work.rows * work.ffn);
    grouped(work, hidden(), first);
    grouped_weight_gradient(work, first, hidden());
    exchange_back(work);
    stream(kMove, work.sent * hidden());
    const std::int64_t experts = t_.model.experts.routed;
    stream(kGate, shard_.whole_tokens * experts);
    product(logits_, shard_.whole_tokens, hidden(), experts);
    weight_gradient(logits_, experts, hidden(), shard_.whole_tokens);
    stream(kNormBackward + kResidualBackward, whole());
  }

  // Two narrow products beside each that has an adapter, and the sum of both results.
  void adapters(bool perceptron, bool forward) {
    const std::int64_t rank = t_.adapters.rank;
    for (const Adapter& a : adapters_of(t_, shard_)) {
      if (a.perceptron != perceptron) continue;
      const auto [from, to] =
          forward ? std::pair(a.inputs, a.outputs) : std::pair(a.outputs, a.inputs);
      product(logits_, shard_.tokens, rank, from);
      product(logits_, shard_.tokens, to, rank);
      stream(kResidualForward, shard_.tokens * to);
      if (forward) continue;
      trained_gradient(logits_, a.outputs, rank, shard_.tokens);
      trained_gradient(logits_, rank, a.inputs, shard_.tokens);
    }
  }

  // What a multi-token module has before its layer and head.
  void module_forward() {
    norm_forward();
    norm_forward();
    gather_into([&] {
      cast(2 * hidden());
      product(linear_, shard_.tokens, module_width(), 2 * hidden());
    });
  }
  void module_backward() {
    product(linear_, shard_.tokens, 2 * hidden(), module_width());
    reduce(true);
    weight_gradient(linear_, module_width(), 2 * hidden(), shard_.tokens);
    stream(2 * kNormBackward, whole());
  }

  void embedding_forward() {
    const ImageInput& image = t_.model.image;
    if (image.size > 0) {
      product(logits_, shard_.tokens, hidden(), image.channels * image.patch * image.patch);
    } else {
      stream(kLookupForward, shard_.tokens * hidden());
      reduce();
    }
    if (t_.model.embedding_norm) norm_forward();
    if (t_.model.positions > 0) stream(kResidualForward, whole());
    if (t_.model.dropout) stream(kDropoutBackward, whole());  // x in, mask and y out.
  }

  void embedding_backward() {
    dropout_backward();
    if (t_.frozen()) return;
    if (t_.model.embedding_norm) stream(kNormBackward, whole());
    const ImageInput& image = t_.model.image;
    if (image.size > 0) {
      const std::int64_t patch = image.channels * image.patch * image.patch;
      return weight_gradient(logits_, hidden(), patch, shard_.tokens);
    }
    gather();
    stream(kLookupBackward, shard_.tokens * hidden());
  }

  // A classifier or pooler reads the first token of each sequence (assumed: on every rank).
  bool first_token() const { return t_.model.classes > 0 || t_.model.pooler; }
  std::int64_t outputs() const {
    return t_.model.classes > 0 ? t_.model.classes : t_.model.pooler ? hidden() : shard_.vocab;
  }

  void head_forward() {
    if (first_token()) {
      norm_forward();
      return product(logits_, t_.batch.micro, outputs(), hidden());
    }
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

  void head_backward() {
    if (first_token()) {
      product(logits_, t_.batch.micro, hidden(), outputs());
      weight_gradient(logits_, outputs(), hidden(), t_.batch.micro);
      return stream(kNormBackward, whole());
    }
    stream(kLogitsBackward, shard_.tokens * shard_.vocab);
    column_backward(logits_, shard_.vocab);
    stream(kNormBackward, whole());
  }

 private:
  std::int64_t hidden() const { return t_.model.hidden; }
  bool casts() const { return cast_bytes(linear_) > 0; }
  std::int64_t whole() const { return shard_.whole_tokens * hidden(); }
  Bytes activations() const { return Bytes(shard_.tokens * hidden() * kElement); }

  void compute(Time time) {
    if (part_ != Part::kWeights) append(pass_, {Piece{.compute = time}});
  }
  void run(const Pass& inner) {
    if (part_ != Part::kWeights) append(pass_, inner);
  }
  void compute_weights(Time time) {
    if (part_ != Part::kInputs) append(pass_, {Piece{.compute = time}});
  }
  void stream(double bytes_per_element, std::int64_t elements) {
    compute(streamed(device_, bytes_per_element * static_cast<double>(elements)));
  }
  void product(Precision precision, std::int64_t m, std::int64_t n, std::int64_t k) {
    compute(sustained_time(device_, gemm_time(device_, precision, m, n, k)));
  }
  // Of an operand of a linear layer, `width` elements a token.
  void cast(std::int64_t width) {
    if (casts()) stream(cast_bytes(linear_), shard_.tokens * width);
  }
  // Adds its output to the FP32 gradient: read and written, where a product writes BF16 once.
  // Frozen weights have none.
  void weight_gradient(Precision precision, std::int64_t m, std::int64_t n, std::int64_t tokens) {
    if (!t_.frozen()) trained_gradient(precision, m, n, tokens);
  }
  void trained_gradient(Precision precision, std::int64_t m, std::int64_t n, std::int64_t tokens) {
    const double more = kAccumulated * static_cast<double>(m) * static_cast<double>(n);
    compute_weights(sustained_time(device_, gemm_time(device_, precision, m, n, tokens)) +
                    streamed(device_, more) - streamed(device_, 0));
  }
  void call(Collective op, Bytes bytes, bool beside_next = false) {
    if (t_.layout.tp == 1 || part_ == Part::kWeights) return;
    add_call(op, bytes, beside_next);
  }
  void add_call(Collective op, Bytes bytes, bool beside_next) {
    pass_.push_back({.communicates = true, .beside_next = beside_next, .op = op, .bytes = bytes});
  }
  void call_others(Peers peers, std::int64_t degree, Collective op, std::int64_t rows) {
    if (degree == 1 || part_ == Part::kWeights) return;
    pass_.push_back({.communicates = true,
                     .peers = peers,
                     .op = op,
                     .bytes = Bytes(rows * hidden() * kElement)});
  }

  void residual_forward() {
    stream(kResidualForward + (t_.model.dropout ? kMaskForward : 0), whole());
  }
  void products_forward(const Half& half) {
    if (half.narrow > 0) {
      unpack_forward(half);
    } else {
      gather_into([&] {
        cast(hidden());
        product(linear_, shard_.tokens, half.first, hidden());
      });
    }
    run(half.inner_forward);
    cast(half.second);
    reduce_out_of([&] { product(linear_, shard_.tokens, hidden(), half.second); });
  }
  void products_backward(const Half& half) {
    gather_into([&] {
      cast(hidden());
      product(linear_, shard_.tokens, half.second, hidden());
    });
    weight_gradient(linear_, hidden(), half.second, shard_.tokens);
    run(half.inner_backward);
    if (half.narrow > 0) return unpack_backward(half);
    cast(half.first);
    column_backward(linear_, half.first);
  }

  Bytes narrow_bytes(const Half& half) const {
    return Bytes(shard_.tokens * half.narrow * kElement);
  }
  void unpack_forward(const Half& half) {
    cast(hidden());
    product(linear_, shard_.whole_tokens, half.narrow, hidden());
    stream(kNormForward, shard_.whole_tokens * half.narrow);
    if (t_.layout.shards_sequence()) call(Collective::kAllGather, narrow_bytes(half));
    for (const Half::Unpacked& u : half.unpacked) {
      cast(u.inputs);
      product(linear_, shard_.tokens, u.outputs, u.inputs);
    }
  }
  void unpack_backward(const Half& half) {
    for (const Half::Unpacked& u : half.unpacked) {
      cast(u.outputs);
      product(linear_, shard_.tokens, u.inputs, u.outputs);
      weight_gradient(linear_, u.outputs, u.inputs, shard_.tokens);
    }
    const bool sharded = t_.layout.shards_sequence();
    call(sharded ? Collective::kReduceScatter : Collective::kAllReduce, narrow_bytes(half));
    stream(kNormBackward, shard_.whole_tokens * half.narrow);
    cast(half.narrow);
    product(linear_, shard_.whole_tokens, hidden(), half.narrow);
    weight_gradient(linear_, half.narrow, hidden(), shard_.whole_tokens);
  }

  // Sorted by rank, sent, gathered from the ranks that share the experts, sorted by expert.
  bool sorts(const ExpertWork& work) const { return t_.layout.ep > 1 && work.held > 1; }
  void exchange(const ExpertWork& work) {
    call_others(Peers::kEp, t_.layout.ep, Collective::kAllToAll, work.exchanged);
    call_others(Peers::kEtp, t_.layout.etp, Collective::kAllGather, work.rows);
    if (sorts(work)) stream(kMove, work.rows * hidden());
  }
  void exchange_back(const ExpertWork& work) {
    if (sorts(work)) stream(kMove, work.rows * hidden());
    call_others(Peers::kEtp, t_.layout.etp, Collective::kReduceScatter, work.rows);
    call_others(Peers::kEp, t_.layout.ep, Collective::kAllToAll, work.exchanged);
  }
  void route_forward(const ExpertWork& work) {
    const std::int64_t experts = t_.model.experts.routed;
    product(logits_, shard_.whole_tokens, experts, hidden());
    stream(kGate, shard_.whole_tokens * experts);
    stream(kMove, work.sent * hidden());
    exchange(work);
  }
  std::int64_t first_width(const ExpertWork& work) const {
    return work.ffn * (t_.model.gated_mlp ? 2 : 1);
  }
  void grouped(const ExpertWork& work, std::int64_t outputs, std::int64_t inputs) {
    if (casts()) stream(cast_bytes(linear_), work.rows * inputs);
    const GemmShape shape{work.rows_each(), outputs, inputs};
    compute(sustained_time(device_, grouped_gemm_time(device_, linear_, work.held, shape)));
  }
  void grouped_weight_gradient(const ExpertWork& work, std::int64_t m, std::int64_t n) {
    if (t_.frozen()) return;
    const double more = kAccumulated * static_cast<double>(work.held) * static_cast<double>(m) *
                        static_cast<double>(n);
    const GemmShape shape{m, n, work.rows_each()};
    compute_weights(sustained_time(device_, grouped_gemm_time(device_, linear_, work.held, shape)) +
                    streamed(device_, more) - streamed(device_, 0));
  }
  std::int64_t module_width() const { return (hidden() + t_.layout.tp - 1) / t_.layout.tp; }

  void norm_forward() { stream(kNormForward, whole()); }
  void dropout_backward() {
    if (t_.model.dropout) stream(kDropoutBackward, whole());
  }

  // Into and out of a tensor-parallel region; backward they swap.
  void gather() {
    if (t_.layout.shards_sequence()) call(Collective::kAllGather, activations());
  }
  void reduce(bool beside_next = false) {
    const bool sharded = t_.layout.shards_sequence();
    call(sharded ? Collective::kReduceScatter : Collective::kAllReduce, activations(),
         beside_next && part_ == Part::kBoth);
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
    if (t_.layout.shards_sequence() && part_ != Part::kInputs) {  // For the weights' gradient.
      add_call(Collective::kAllGather, activations(), part_ == Part::kBoth);
    }
    product(precision, shard_.tokens, hidden(), outputs);
    reduce(true);
    weight_gradient(precision, outputs, hidden(), shard_.tokens);
  }

  const TrainingSpec& t_;
  const DeviceProfile& device_;
  Shard shard_;
  Precision linear_;  // Of the products of a block,
  Precision logits_;  // and of the head's.
  Activation activation_;
  Part part_ = Part::kBoth;
  Pass pass_;
};

// Queries and keys that are rotated, elements a token.
std::int64_t rotated_width(const TransformerSpec& m, const Shard& shard) {
  if (!m.rotary) return 0;
  if (m.is_latent()) return (shard.heads + 1) * m.latent.rotary_dim;
  return (shard.heads + shard.kv_heads) * m.head_dim;
}

Half attention_half(const TrainingSpec& t, const DeviceProfile& device, const LayerKind& kind) {
  const TransformerSpec& m = t.model;
  const Shard shard = shard_of(t);
  const std::int64_t query = shard.query_width(m);
  const auto elements = [&](std::int64_t width) {
    return static_cast<double>(shard.tokens) * static_cast<double>(width);
  };
  AttentionPasses attention = attention_passes(t, device, kind);
  Half half{query + shard.key_value_width(m), shard.out_width(m), {}, {}};
  Time before, after;  // Of attention, forward and backward.
  if (const std::int64_t rotated = rotated_width(m, shard); rotated > 0) {
    before += streamed(device, kRotary * elements(rotated));
    after += streamed(device, kRotary * elements(rotated));
  }
  if (m.query_key_norm) {
    const double normed = elements(query + shard.kv_heads * m.head_dim);
    before += streamed(device, kNormForward * normed);
    after += streamed(device, kNormBackward * normed);
  }
  half.inner_forward = {Piece{.compute = before}};
  append(half.inner_forward, attention.forward);
  half.inner_backward = std::move(attention.backward);
  append(half.inner_backward, {Piece{.compute = after}});
  if (!m.is_latent()) return half;
  const LatentAttention& l = m.latent;
  half.narrow = l.key_rank + l.rotary_dim + l.query_rank;
  half.unpacked = {{query, l.query_rank > 0 ? l.query_rank : m.hidden},
                   {query - shard.heads * l.rotary_dim + shard.out_width(m), l.key_rank}};
  return half;
}

// A perceptron with `ffn` of the inner width on this rank.
Half mlp_half(const TrainingSpec& t, const DeviceProfile& device, std::int64_t ffn) {
  const double width = static_cast<double>(shard_of(t).tokens) * static_cast<double>(ffn);
  const Activation activation = activation_bytes(t.model);
  return {t.model.gated_mlp ? 2 * ffn : ffn,
          ffn,
          {Piece{.compute = streamed(device, activation.forward * width)}},
          {Piece{.compute = streamed(device, activation.backward * width)}}};
}

LayerPasses layer_passes(const TrainingSpec& training, const DeviceProfile& device,
                         const LayerKind& kind) {
  const Shard shard = shard_of(training);
  const Half attention = attention_half(training, device, kind);
  const Half mlp = mlp_half(training, device,
                            std::max<std::int64_t>(kind.experts ? shard.shared_ffn : shard.ffn, 1));
  const Half* shared = shard.shared_ffn > 0 ? &mlp : nullptr;
  const ExpertWork work = expert_work(training);
  PassBuilder builder(training, device);
  LayerPasses passes{kind, {}, {}, {}, {}};
  builder.forward(attention);
  builder.adapters(false, true);
  kind.experts ? builder.experts_forward(work, shared) : builder.forward(mlp);
  if (!kind.experts) builder.adapters(true, true);
  passes.forward = builder.take();
  passes.forward.front().host = training.host.forward;
  const auto backward = [&](Part part, Pass& pass) {
    builder.build(part);
    if (!kind.experts || shared != nullptr) builder.repeat(training.repeated, mlp);
    if (kind.experts) builder.repeat_experts(training.repeated, work);
    if (!kind.experts) builder.adapters(true, false);
    kind.experts ? builder.experts_backward(work, shared) : builder.backward(mlp);
    builder.adapters(false, false);
    builder.backward(attention);
    if (training.recompute == Recompute::kFull && part != Part::kWeights) pass = passes.forward;
    append(pass, builder.take());
    if (part != Part::kWeights) pass.front().host += training.host.backward;
  };
  backward(Part::kBoth, passes.backward);
  backward(Part::kInputs, passes.inputs);
  backward(Part::kWeights, passes.weights);
  return passes;
}

}  // namespace

Time streamed(const DeviceProfile& device, double bytes) {
  constexpr double kMost = 0x1p61;
  return streaming_time(device, Bytes(static_cast<std::int64_t>(std::min(bytes, kMost))));
}

const LayerPasses& ModelPasses::of(const LayerKind& kind) const {
  const auto found = std::find_if(layers.begin(), layers.end(),
                                  [&](const LayerPasses& p) { return p.kind == kind; });
  TENK_CHECK(found != layers.end(), "the model has a layer of that kind");
  return *found;
}

ModelPasses model_passes(const TrainingSpec& training, const DeviceProfile& device) {
  const TransformerSpec& m = training.model;
  PassBuilder builder(training, device);
  ModelPasses passes;
  builder.embedding_forward();
  passes.embedding_forward = builder.take();
  builder.embedding_backward();
  passes.embedding_backward = builder.take();
  for (const LayerKind& kind : distinct_kinds(m)) {
    passes.layers.push_back(layer_passes(training, device, kind));
  }
  builder.head_forward();
  passes.head_forward = builder.take();
  builder.module_forward();
  const Pass module_forward = builder.take();
  const LayerPasses& last = passes.of(m.last_kind());
  const Pass head_forward = passes.head_forward;
  for (std::int64_t i = 0; i < m.multi_token; ++i) {
    for (const Pass* p : {&module_forward, &last.forward, &head_forward}) {
      append(passes.head_forward, *p);
    }
  }
  const auto backward = [&](Part part, const Pass& layer) {
    builder.build(part);
    builder.head_backward();
    const Pass head = builder.take();
    builder.module_backward();
    const Pass module = builder.take();
    Pass pass;
    for (std::int64_t i = 0; i < m.multi_token; ++i) {
      for (const Pass* p : {&head, &layer, &module}) append(pass, *p);
    }
    append(pass, head);
    return pass;
  };
  passes.head_backward = backward(Part::kBoth, last.backward);
  passes.head_inputs = backward(Part::kInputs, last.inputs);
  passes.head_weights = backward(Part::kWeights, last.weights);
  return passes;
}

}  // namespace tenk
