// A whole transformer layer, forward and backward, end to end against the sum of its kernels timed
// one by one: the check that kernel times add up.
//
// Llama's layer: RMS norm, query/key/value, rotary, causal attention, way out, residual, norm,
// gated feed-forward part, residual; then all gradients of activations and of the matrices.
#include <cmath>

#include "calibration/probes/attention.h"
#include "calibration/probes/matmul.h"
#include "calibration/probes/pointwise.h"

namespace tenk::probe {
namespace {

struct LayerSize {
  std::int64_t tokens, h, heads, kv_heads, f;
  static constexpr std::int64_t kHead = 128;

  std::int64_t q_width() const { return heads * kHead; }
  std::int64_t qkv_width() const { return (heads + 2 * kv_heads) * kHead; }
};

struct Step {
  std::string name;
  std::function<void(cudaStream_t)> call;
};

// The layer's memory and steps, in order.
class Layer {
 public:
  Layer(const LayerSize& size, const MatmulLibrary& library, cudaStream_t stream)
      : s_(size), library_(library), stream_(stream) {
    make_memory();
    add_forward();
    forward_steps_ = steps_.size();
    if (library.is_cublas()) add_backward();
  }

  const std::vector<Step>& steps() const { return steps_; }
  std::size_t forward_steps() const { return forward_steps_; }

  void run(std::size_t begin, std::size_t end) const {
    for (std::size_t i = begin; i < end; ++i) steps_[i].call(stream_);
  }

  // After all steps ran on poisoned memory: every product against FP64, all else finite.
  void check() const {
    for (const auto& check : checks_) check();
    check_written(of("out"), s_.tokens * s_.h, "layer output", stream_);
    if (steps_.size() > forward_steps_) {
      check_written(of("dx"), s_.tokens * s_.h, "layer input gradient", stream_);
    }
  }

 private:
  struct Named {
    std::string name;
    Memory memory;
  };

  Bf16* of(const std::string& name) const {
    for (const Named& each : memory_) {
      if (each.name == name) return each.memory.as<Bf16>();
    }
    throw std::logic_error("no buffer " + name);
  }
  void take(const std::string& name, std::int64_t count) {
    memory_.push_back({name, Memory(2 * count)});
    poison(memory_.back().memory, stream_);
  }
  // Random, of such a size that sums over `inputs` stay near 1.
  void take_random(const std::string& name, std::int64_t count, std::int64_t inputs) {
    take(name, count);
    const auto scale = static_cast<float>(1.7 / std::sqrt(static_cast<double>(inputs)));
    fill_random(of(name), count, memory_.size(), stream_, scale);
  }

  void make_memory() {
    const std::int64_t t = s_.tokens, h = s_.h, f = s_.f, q = s_.q_width(), kv = s_.qkv_width();
    const std::int64_t k = s_.kv_heads * LayerSize::kHead;
    take_random("x", t * h, 1);
    take_random("dout", t * h, 1);
    for (const char* name : {"w1", "w2"}) take_random(name, h, 1);
    take_random("wqkv", kv * h, h);
    take_random("wo", h * q, q);
    take_random("wup", 2 * f * h, h);
    take_random("wdown", h * f, f);
    for (const char* name : {"n1", "y", "r", "n2", "z", "out"}) take(name, t * h);
    take("qkv", t * kv);
    for (const char* name : {"q", "o", "a"}) take(name, t * q);
    for (const char* name : {"k", "v"}) take(name, t * k);
    take("u", t * 2 * f);
    take("g", t * f);
    take("lse", 2 * s_.heads * t);  // FP32: two BF16 wide.
    take("delta", 2 * s_.heads * t);
    take("angles", 2 * t * LayerSize::kHead);
    std::vector<float> angles;
    for (std::int64_t i = 0; i < t * LayerSize::kHead / 2; ++i) {
      const double turn = static_cast<double>(i % 997) / 100;
      angles.push_back(static_cast<float>(std::cos(turn)));
      angles.push_back(static_cast<float>(std::sin(turn)));
    }
    store(reinterpret_cast<float*>(of("angles")), angles, stream_);
    if (!library_.is_cublas()) return;
    for (const char* name : {"dn2", "dr0", "dr", "dn1", "dx0", "dx"}) take(name, t * h);
    take("dg", t * f);
    take("du", t * 2 * f);
    for (const char* name : {"da", "do", "dq"}) take(name, t * q);
    for (const char* name : {"dk", "dv"}) take(name, t * k);
    take("dqkv", t * kv);
    take("dwqkv", kv * h);
    take("dwo", h * q);
    take("dwup", 2 * f * h);
    take("dwdown", h * f);
  }

  void step(const std::string& name, std::function<void(cudaStream_t)> call) {
    steps_.push_back({name, std::move(call)});
  }

  void product(const std::string& name, const GemmShape& shape, const char* a, const char* b,
               const char* c) {
    const Bf16* const pa = of(a);
    const Bf16* const pb = of(b);
    Bf16* const pc = of(c);
    products_.push_back(
        std::make_unique<Matmul>(library_, Format::kBf16, shape, pa, pb, static_cast<void*>(pc)));
    const Matmul* const product = products_.back().get();
    step(name, [product](cudaStream_t stream) { (*product)(stream); });
    checks_.push_back([=] { check_matmul(Format::kBf16, shape, pa, pb, pc, stream_); });
  }

  Attention attention() const {
    const bool back = library_.is_cublas();
    const auto gradient = [&](const char* name) { return back ? of(name) : nullptr; };
    return {of("q"),
            of("k"),
            of("v"),
            of("o"),
            reinterpret_cast<float*>(of("lse")),
            gradient("do"),
            reinterpret_cast<float*>(of("delta")),
            gradient("dq"),
            gradient("dk"),
            gradient("dv"),
            1,
            s_.heads,
            s_.kv_heads,
            LayerSize::kHead,
            s_.tokens,
            true};
  }

  // All heads' rows turn by the angle of their token; in place.
  void turn(const std::string& name, const char* what, std::int64_t heads, bool back) {
    Bf16* const x = of(what);
    const auto* angles = reinterpret_cast<const float*>(of("angles"));
    const std::int64_t t = s_.tokens;
    step(name, [=](cudaStream_t stream) {
      rotary(x, angles, x, heads * t, 1, LayerSize::kHead, t, back, stream);
    });
  }

  // Heads `first`.. of the rows of a matrix to a matrix a head, or back.
  void heads(const std::string& name, const char* rows, std::int64_t width, std::int64_t first,
             const char* matrices, std::int64_t count, bool split) {
    Bf16* const x = of(rows) + first * LayerSize::kHead;
    Bf16* const y = of(matrices);
    const std::int64_t t = s_.tokens;
    step(name, [=](cudaStream_t stream) {
      if (split) {
        split_heads(x, width, y, t, count, LayerSize::kHead, stream);
      } else {
        join_heads(y, x, width, t, count, LayerSize::kHead, stream);
      }
    });
  }

  void norm(const std::string& name, const char* x, const char* w, const char* y) {
    step(name, [x = of(x), w = of(w), y = of(y), s = s_](cudaStream_t stream) {
      rms_norm(x, w, y, s.tokens, s.h, stream);
    });
  }
  void norm_gradient(const std::string& name, const char* x, const char* w, const char* dy,
                     const char* dx) {
    step(name, [x = of(x), w = of(w), dy = of(dy), dx = of(dx), s = s_](cudaStream_t stream) {
      rms_norm_gradient(x, w, dy, dx, s.tokens, s.h, stream);
    });
  }
  void sum(const std::string& name, const char* a, const char* b, const char* y) {
    step(name, [a = of(a), b = of(b), y = of(y), count = s_.tokens * s_.h](cudaStream_t stream) {
      add(a, b, y, count, stream);
    });
  }

  void add_forward() {
    const std::int64_t t = s_.tokens, h = s_.h, f = s_.f, q = s_.q_width(), kv = s_.qkv_width();
    norm("norm 1", "x", "w1", "n1");
    product("qkv", {t, kv, h}, "n1", "wqkv", "qkv");
    heads("split q", "qkv", kv, 0, "q", s_.heads, true);
    heads("split k", "qkv", kv, s_.heads, "k", s_.kv_heads, true);
    heads("split v", "qkv", kv, s_.heads + s_.kv_heads, "v", s_.kv_heads, true);
    turn("rotary q", "q", s_.heads, false);
    turn("rotary k", "k", s_.kv_heads, false);
    step("attention", [p = attention()](cudaStream_t stream) { attention_forward(p, stream); });
    heads("join o", "a", q, 0, "o", s_.heads, false);
    product("way out", {t, h, q}, "a", "wo", "y");
    sum("residual 1", "x", "y", "r");
    norm("norm 2", "r", "w2", "n2");
    product("up", {t, 2 * f, h}, "n2", "wup", "u");
    step("SwiGLU", [x = of("u"), y = of("g"), s = s_](cudaStream_t stream) {
      swiglu(x, y, s.tokens, s.f, stream);
    });
    product("down", {t, h, f}, "g", "wdown", "z");
    sum("residual 2", "r", "z", "out");
  }

  // Both gradients of y = x W^T: dx = dy W, dW = dy^T x.
  void linear_gradients(const std::string& name, std::int64_t in, std::int64_t out, const char* dy,
                        const char* w, const char* dx, const char* x, const char* dw) {
    product(name + " dgrad", {s_.tokens, in, out, 0, Pass::kDataGradient}, dy, w, dx);
    product(name + " wgrad", {out, in, s_.tokens, 0, Pass::kWeightGradient}, dy, x, dw);
  }

  void add_backward() {
    const std::int64_t h = s_.h, f = s_.f, q = s_.q_width(), kv = s_.qkv_width();
    linear_gradients("down", f, h, "dout", "wdown", "dg", "g", "dwdown");
    step("SwiGLU gradient",
         [x = of("u"), dy = of("dg"), dx = of("du"), s = s_](cudaStream_t stream) {
           swiglu_gradient(x, dy, dx, s.tokens, s.f, stream);
         });
    linear_gradients("up", h, 2 * f, "du", "wup", "dn2", "n2", "dwup");
    norm_gradient("norm 2 gradient", "r", "w2", "dn2", "dr0");
    sum("residual 2 gradient", "dr0", "dout", "dr");
    linear_gradients("way out", q, h, "dr", "wo", "da", "a", "dwo");
    heads("split do", "da", q, 0, "do", s_.heads, true);
    step("attention gradient",
         [p = attention()](cudaStream_t stream) { attention_backward(p, stream); });
    turn("rotary dq", "dq", s_.heads, true);
    turn("rotary dk", "dk", s_.kv_heads, true);
    heads("join dq", "dqkv", kv, 0, "dq", s_.heads, false);
    heads("join dk", "dqkv", kv, s_.heads, "dk", s_.kv_heads, false);
    heads("join dv", "dqkv", kv, s_.heads + s_.kv_heads, "dv", s_.kv_heads, false);
    linear_gradients("qkv", h, kv, "dqkv", "wqkv", "dn1", "n1", "dwqkv");
    norm_gradient("norm 1 gradient", "x", "w1", "dn1", "dx0");
    sum("residual 1 gradient", "dx0", "dr", "dx");
  }

  LayerSize s_;
  const MatmulLibrary& library_;
  cudaStream_t stream_;
  std::vector<Named> memory_;
  std::vector<std::unique_ptr<Matmul>> products_;
  std::vector<Step> steps_;
  std::vector<std::function<void()>> checks_;
  std::size_t forward_steps_ = 0;
};

// Products of 2 m n k, attention's causal half; three times that with the backward pass, whose
// attention is 2.5 times.
double flop_of(const LayerSize& s, bool backward) {
  const auto t = static_cast<double>(s.tokens);
  const auto h = static_cast<double>(s.h);
  const auto f = static_cast<double>(s.f);
  const double products = 2 * t * h * (static_cast<double>(s.qkv_width() + s.q_width()) + 3 * f);
  const double attention = 2 * t * t * static_cast<double>(s.q_width());
  return backward ? 3 * products + 3.5 * attention : products + attention;
}

void add_row(Context& context, const LayerSize& s, const char* kernel, const char* direction,
             double flop, const Spread& seconds, const std::string& notes) {
  KernelRow row;
  row.kernel = kernel;
  row.dtype = "bfloat16";
  row.m = s.tokens;
  row.n = s.f;
  row.k = s.h;
  row.heads = s.heads;
  row.kv_heads = s.kv_heads;
  row.head_dim = LayerSize::kHead;
  row.seq_q = row.seq_k = s.tokens;
  row.causal = 1;
  row.direction = direction;
  row.flop = flop;
  row.seconds = seconds;
  row.software = "tenk-probe layer";
  row.notes = notes;
  context.session.add(row);
}

// Medians, p10 and p90 of the steps added up.
Spread add_up(const std::vector<Spread>& parts, std::size_t count) {
  Spread sum;
  for (std::size_t i = 0; i < count; ++i) {
    sum.median += parts[i].median;
    sum.p10 += parts[i].p10;
    sum.p90 += parts[i].p90;
    sum.repeats = parts[i].repeats;
  }
  return sum;
}

void compare(Context& context, const Layer& layer, const LayerSize& s, const char* direction,
             std::size_t count, const std::vector<Spread>& parts) {
  const double flop = flop_of(s, count > layer.forward_steps());
  const Spread whole = context.bench.warm([&] { layer.run(0, count); }, 1, {7, 15, 0.4});
  const Spread sum = add_up(parts, count);
  const std::string ratio = "end to end / sum of " + std::to_string(count) +
                            " kernels = " + number_text(whole.median / sum.median);
  add_row(context, s, "transformer layer", direction, flop, whole, ratio);
  add_row(context, s, "transformer layer, sum of kernels", direction, flop, sum,
          "each alone, cold L2, then added");
  context.session.say("  layer " + std::to_string(s.h) + " " + direction + ": " + ratio);
}

void measure(Context& context, const MatmulLibrary& library, const LayerSize& s) {
  const Layer layer(s, library, context.bench.stream());
  layer.run(0, layer.steps().size());
  layer.check();
  std::vector<Spread> parts;
  for (const Step& step : layer.steps()) {
    parts.push_back(context.bench.cold([&] { step.call(context.bench.stream()); }, {5, 11, 0.03}));
    add_row(context, s, ("layer part: " + step.name).c_str(), "", 0, parts.back(), "cold L2");
  }
  compare(context, layer, s, "fwd", layer.forward_steps(), parts);
  if (layer.steps().size() > layer.forward_steps()) {
    compare(context, layer, s, "fwd+bwd", layer.steps().size(), parts);
  } else {
    context.session.skip("layer backward", "gradients need cuBLASLt: " + library.why_not());
  }
}

void run(Context& context) {
  const MatmulLibrary library;
  for (LayerSize s : {LayerSize{4096, 4096, 32, 8, 14336}, LayerSize{4096, 8192, 64, 8, 28672},
                      LayerSize{4096, 2048, 16, 16, 5632}}) {
    if (context.trial()) {
      if (s.h != 4096) break;
      s = {context.size(s.tokens), context.size(s.h), 2, 1, context.size(s.f)};
    }
    if (!context.session.goes_on(3)) continue;
    context.session.attempt("layer of " + std::to_string(s.h),
                            [&] { measure(context, library, s); });
  }
}

}  // namespace

extern const Probe kLayer{
    "layer", "a transformer layer, forward and backward, against the sum of its kernels", 20, run};

}  // namespace tenk::probe
