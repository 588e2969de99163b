// Attention forward and backward by sequence, heads and head size, with our tiled kernel (see
// attention.h). cuDNN's fused attention is not called: through its C interface it is a graph of
// many descriptors that nobody here could run; its rows come from published tables.
#include "calibration/probes/attention.h"

#include <algorithm>
#include <cmath>

#include "calibration/probes/attention_buffers.h"
#include "calibration/probes/check.h"

namespace tenk::probe {

AttentionBuffers::AttentionBuffers(const AttentionSize& s)
    : size_(s),
      queries_(s.batch * s.heads * s.sequence * s.head_dim),
      keys_(s.batch * s.kv_heads * s.sequence * s.head_dim),
      q_(2 * queries_),
      k_(2 * keys_),
      v_(2 * keys_),
      o_(2 * queries_),
      d_o_(2 * queries_),
      dq_(2 * queries_),
      dk_(2 * keys_),
      dv_(2 * keys_),
      lse_(4 * queries_ / s.head_dim),
      delta_(4 * queries_ / s.head_dim) {}

void AttentionBuffers::fill(cudaStream_t stream) const {
  constexpr float kSharper = 4;  // Scores of width about 1.3: weights far from equal.
  fill_random(q_.as<Bf16>(), queries_, 1, stream, kSharper);
  fill_random(k_.as<Bf16>(), keys_, 2, stream);
  fill_random(v_.as<Bf16>(), keys_, 3, stream);
  fill_random(d_o_.as<Bf16>(), queries_, 4, stream);
  for (const Memory* out : {&o_, &dq_, &dk_, &dv_, &lse_, &delta_}) poison(*out, stream);
}

Attention AttentionBuffers::problem() const {
  return {q_.as<Bf16>(),    k_.as<Bf16>(),   v_.as<Bf16>(),      o_.as<Bf16>(),
          lse_.as<float>(), d_o_.as<Bf16>(), delta_.as<float>(), dq_.as<Bf16>(),
          dk_.as<Bf16>(),   dv_.as<Bf16>(),  size_.batch,        size_.heads,
          size_.kv_heads,   size_.head_dim,  size_.sequence,     size_.causal};
}

namespace {

// The rows of one query head and its key/value head, in FP64 arithmetic on BF16 inputs.
class HeadReference {
 public:
  HeadReference(const Attention& p, std::int64_t batch, std::int64_t head, cudaStream_t stream)
      : p_(p), d_(static_cast<std::size_t>(p.head_dim)), s_(static_cast<std::size_t>(p.sequence)) {
    const std::int64_t rows = p.sequence * p.head_dim;
    const std::int64_t kv = head / (p.heads / p.kv_heads);
    const std::int64_t at = (batch * p.heads + head) * rows;
    const std::int64_t kv_at = (batch * p.kv_heads + kv) * rows;
    q = values(p.q + at, rows, stream);
    k = values(p.k + kv_at, rows, stream);
    v = values(p.v + kv_at, rows, stream);
    o = values(p.o + at, rows, stream);
    d_o = values(p.d_o + at, rows, stream);
    const std::int64_t row = (batch * p.heads + head) * p.sequence;
    lse = values(p.lse + row, p.sequence, stream);
  }

  template <class T>
  static std::vector<double> values(const T* from, std::int64_t count, cudaStream_t stream) {
    std::vector<double> out;
    for (const T x : fetch(from, count, stream)) out.push_back(static_cast<double>(decode(x)));
    return out;
  }

  double dot(const std::vector<double>& x, std::size_t i, const std::vector<double>& y,
             std::size_t j) const {
    double sum = 0;
    for (std::size_t d = 0; d < d_; ++d) sum += x[i * d_ + d] * y[j * d_ + d];
    return sum;
  }
  double score(std::size_t i, std::size_t j) const {
    return dot(q, i, k, j) / std::sqrt(static_cast<double>(d_));
  }
  std::size_t keys_of(std::size_t i) const { return p_.causal ? i + 1 : s_; }
  std::size_t first_query_of(std::size_t j) const { return p_.causal ? j : 0; }

  double exact_lse(std::size_t i) const {
    std::vector<double> scores;
    for (std::size_t j = 0; j < keys_of(i); ++j) scores.push_back(score(i, j));
    const double top = *std::max_element(scores.begin(), scores.end());
    double sum = 0;
    for (const double x : scores) sum += std::exp(x - top);
    return top + std::log(sum);
  }

  const Attention& p_;
  std::size_t d_, s_;
  std::vector<double> q, k, v, o, d_o, lse;
};

// A sum of terms that the kernel rounds one by one to BF16: independent errors of at most 2^-9 of
// each (8 of their root sum of squares is far out), FP32 sums, and one rounding of the result.
class RoundedSum {
 public:
  void add(double term, double size) {
    sum_ += term;
    squares_ += size * size;
    absolute_ += std::fabs(size);
  }
  void check(double found, double factor, const std::string& what) const {
    const double bound =
        std::fabs(sum_) * 0x1p-8 + std::sqrt(squares_) * 0x1p-6 + absolute_ * 0x1p-16;
    check_value(found, sum_ * factor, bound * factor, what);
  }

 private:
  double sum_ = 0, squares_ = 0, absolute_ = 0;
};

// The most telling rows: of the first, a middle and the last tile.
std::vector<std::size_t> sampled_rows(const Attention& p) {
  std::vector<std::size_t> rows;
  for (const std::int64_t r : sample_places(p.sequence, 3, 5))
    rows.push_back(static_cast<std::size_t>(r));
  return rows;
}

void check_forward(const Attention& p, std::int64_t batch, std::int64_t head, cudaStream_t stream) {
  const HeadReference h(p, batch, head, stream);
  for (const std::size_t i : sampled_rows(p)) {
    const double lse = h.exact_lse(i);
    const std::string row = " of row " + std::to_string(i) + ", head " + std::to_string(head);
    check_value(h.lse[i], lse, 1e-4 * std::max(1.0, std::fabs(lse)), "log-sum-exp" + row);
    for (const std::size_t d : {std::size_t{0}, h.d_ / 2 + 1, h.d_ - 1}) {
      RoundedSum sum;
      for (std::size_t j = 0; j < h.keys_of(i); ++j) {
        const double term = std::exp(h.score(i, j) - lse) * h.v[j * h.d_ + d];
        sum.add(term, term);
      }
      sum.check(h.o[i * h.d_ + d], 1, "output" + row);
    }
  }
}

// dQ of sampled rows: terms P (dP - delta) K / sqrt(d), where delta carries the rounding of O.
void check_query_gradient(const Attention& p, std::int64_t head, cudaStream_t stream) {
  const HeadReference h(p, p.batch - 1, head, stream);
  const std::int64_t at = ((p.batch - 1) * p.heads + head) * p.sequence * p.head_dim;
  const auto dq = HeadReference::values(p.dq + at, p.sequence * p.head_dim, stream);
  for (const std::size_t i : sampled_rows(p)) {
    const double lse = h.exact_lse(i);
    const double delta = h.dot(h.o, i, h.d_o, i);
    for (const std::size_t d : {std::size_t{0}, h.d_ - 1}) {
      RoundedSum sum;
      for (std::size_t j = 0; j < h.keys_of(i); ++j) {
        const double weight = std::exp(h.score(i, j) - lse);
        const double dp = h.dot(h.d_o, i, h.v, j);
        const double key = h.k[j * h.d_ + d];
        sum.add(weight * (dp - delta) * key, weight * (std::fabs(dp) + std::fabs(delta)) * key);
      }
      sum.check(dq[i * h.d_ + d], 1 / std::sqrt(static_cast<double>(h.d_)),
                "dQ of row " + std::to_string(i) + ", head " + std::to_string(head));
    }
  }
}

// dK and dV of sampled keys over all queries of all heads that share them. The weights use the
// kernel's log-sum-exp, which check_forward holds to FP64.
void check_key_gradient(const Attention& p, std::int64_t kv_head, cudaStream_t stream) {
  const std::int64_t sharing = p.heads / p.kv_heads;
  std::vector<HeadReference> heads;
  for (std::int64_t i = 0; i < sharing; ++i) {
    heads.emplace_back(p, p.batch - 1, kv_head * sharing + i, stream);
  }
  const std::int64_t at = ((p.batch - 1) * p.kv_heads + kv_head) * p.sequence * p.head_dim;
  const auto dk = HeadReference::values(p.dk + at, p.sequence * p.head_dim, stream);
  const auto dv = HeadReference::values(p.dv + at, p.sequence * p.head_dim, stream);
  for (const std::size_t j : sampled_rows(p)) {
    const std::size_t d = j % heads[0].d_;
    RoundedSum key_sum, value_sum;
    for (const HeadReference& h : heads) {
      for (std::size_t i = h.first_query_of(j); i < h.s_; ++i) {
        const double weight = std::exp(h.score(i, j) - h.lse[i]);
        const double dp = h.dot(h.d_o, i, h.v, j);
        const double delta = h.dot(h.o, i, h.d_o, i);
        const double q = h.q[i * h.d_ + d];
        const double gradient = h.d_o[i * h.d_ + d];
        key_sum.add(weight * (dp - delta) * q, weight * (std::fabs(dp) + std::fabs(delta)) * q);
        value_sum.add(weight * gradient, weight * gradient);
      }
    }
    const std::string row = " of key " + std::to_string(j) + ", head " + std::to_string(kv_head);
    const std::size_t place = j * heads[0].d_ + d;
    key_sum.check(dk[place], 1 / std::sqrt(static_cast<double>(heads[0].d_)), "dK" + row);
    value_sum.check(dv[place], 1, "dV" + row);
  }
}

KernelRow row_of(const AttentionSize& s, const char* direction, double flop) {
  KernelRow row;
  row.kernel = "attention, plain tiled";  // Not to be taken for a library's.
  row.dtype = "bfloat16";
  row.batch = s.batch;
  row.heads = s.heads;
  row.kv_heads = s.kv_heads;
  row.head_dim = s.head_dim;
  row.seq_q = s.sequence;
  row.seq_k = s.sequence;
  row.causal = s.causal ? 1 : 0;
  row.direction = direction;
  row.flop = flop;
  row.software = "tenk-probe tiled attention (mma.sync)";
  return row;
}

void measure(Context& context, const AttentionSize& s) {
  const AttentionBuffers buffers(s);
  cudaStream_t stream = context.bench.stream();
  buffers.fill(stream);
  const Attention p = buffers.problem();
  attention_forward(p, stream);
  attention_backward(p, stream);
  check_attention(p, stream);
  KernelRow forward = row_of(s, "fwd", s.flop());
  forward.notes = "cold L2; our kernel, not cuDNN's";
  forward.seconds = context.bench.cold([&] { attention_forward(p, stream); });
  context.session.add(forward);
  KernelRow backward = row_of(s, "bwd", 2.5 * s.flop());
  backward.notes = "cold L2; our kernels, not cuDNN's; 7 products done, 5 counted";
  backward.seconds = context.bench.cold([&] { attention_backward(p, stream); });
  context.session.add(backward);
}

void run(Context& context) {
  for (AttentionSize s : attention_sizes()) {
    s.sequence = context.size(s.sequence);
    if (context.trial()) {
      if (s.batch != 2 && s.batch != 8) continue;
      s.batch = std::min<std::int64_t>(s.batch, 2);
      s.heads = s.heads / s.kv_heads * std::min<std::int64_t>(s.kv_heads, 2);
      s.kv_heads = std::min<std::int64_t>(s.kv_heads, 2);
    }
    const double about = 0.3 + 30 * 3.5 * s.flop() / 2e14;
    if (!context.session.goes_on(about)) continue;
    context.session.attempt("attention of " + std::to_string(s.sequence),
                            [&] { measure(context, s); });
  }
}

}  // namespace

void check_attention(const Attention& p, cudaStream_t stream) {
  const std::int64_t queries = p.batch * p.heads * p.sequence * p.head_dim;
  const std::int64_t keys = p.batch * p.kv_heads * p.sequence * p.head_dim;
  check_written(p.o, queries, "attention output", stream);
  check_written(p.dq, queries, "attention dQ", stream);
  check_written(p.dk, keys, "attention dK", stream);
  check_written(p.dv, keys, "attention dV", stream);
  check_forward(p, 0, 0, stream);
  check_forward(p, p.batch - 1, p.heads - 1, stream);
  check_query_gradient(p, p.heads - 1, stream);
  check_key_gradient(p, p.kv_heads - 1, stream);
}

extern const Probe kAttention{
    "attention", "attention forward and backward, causal and full, by sequence and heads", 45, run};

}  // namespace tenk::probe
