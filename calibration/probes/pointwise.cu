// Kernels bound by memory: norms, softmax, activations, residual, rotary, cross-entropy, Adam,
// casts and the permutation for experts; each against FP64 on sampled rows or elements.
//
// Tolerance: 2^-8 of the result (one rounding to BF16 and FP32 functions) and 2^-13 of the size of
// the terms it is a difference of. GB/s counts each input read once and each output written once.
#include "calibration/probes/pointwise.h"

#include <algorithm>
#include <cmath>

#include "calibration/probes/check.h"

namespace tenk::probe {
namespace {

using Values = std::vector<double>;

// One kernel: how it is called, prepared and checked.
struct Work {
  KernelRow row;
  std::function<void()> call;
  std::function<void()> poison;
  std::function<void()> check;
};

void measure(Context& context, const Work& work) {
  work.poison();
  work.call();
  work.check();
  KernelRow row = work.row;
  row.software = "tenk-probe fused kernel";
  row.notes = "cold L2" + (row.notes.empty() ? "" : "; " + row.notes);
  row.seconds = context.bench.cold(work.call);
  context.session.add(row);
}

KernelRow row_of(const char* kernel, const char* direction, std::int64_t m, std::int64_t n,
                 double bytes) {
  KernelRow row;
  row.kernel = kernel;
  row.dtype = "bfloat16";
  row.direction = direction;
  row.m = m;
  row.n = n;
  row.bytes = bytes;
  return row;
}

void near(double found, double wanted, double scale, const std::string& what) {
  check_value(found, wanted, std::fabs(wanted) * 0x1p-8 + scale * 0x1p-13, what);
}

template <class T>
Values values(const T* from, std::int64_t count, cudaStream_t stream) {
  Values out;
  for (const T x : fetch(from, count, stream)) out.push_back(static_cast<double>(decode(x)));
  return out;
}

// BF16 matrices, random from -2 to 2.
class Matrix {
 public:
  Matrix(std::int64_t rows, std::int64_t columns, std::uint64_t seed, cudaStream_t stream)
      : rows_(rows), columns_(columns), stream_(stream), memory_(2 * rows * columns) {
    fill_random(data(), rows * columns, seed, stream, 2);
  }
  Bf16* data() const { return memory_.as<Bf16>(); }
  void poison() const { ::tenk::probe::poison(memory_, stream_); }
  void check_written(const std::string& what) const {
    ::tenk::probe::check_written(data(), rows_ * columns_, what, stream_);
  }
  Values row(std::int64_t index) const {
    return values(data() + index * columns_, columns_, stream_);
  }
  double bytes() const { return static_cast<double>(memory_.bytes()); }

 private:
  std::int64_t rows_, columns_;
  cudaStream_t stream_;
  Memory memory_;
};

double mean_of(std::size_t count, const std::function<double(std::size_t)>& term) {
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += term(i);
  return sum / static_cast<double>(count);
}

// Checks sampled rows of `out` against `exact`, whose values have about the size `scale`.
void check_rows(const Matrix& out, std::int64_t rows, double scale, const std::string& what,
                const std::function<Values(std::int64_t)>& exact) {
  out.check_written(what);
  for (const std::int64_t r : sample_places(rows, 2, 9)) {
    const Values found = out.row(r);
    const Values wanted = exact(r);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      near(found[i], wanted[i], scale, what + " row " + std::to_string(r));
    }
  }
}

// --- Norms --------------------------------------------------------------------------------------

Values exact_rms_norm(const Values& x, const Values& w) {
  const double mean = mean_of(x.size(), [&](std::size_t i) { return x[i] * x[i]; });
  Values y;
  for (std::size_t i = 0; i < x.size(); ++i) y.push_back(x[i] * w[i] / std::sqrt(mean + 1e-5));
  return y;
}

Values exact_rms_gradient(const Values& x, const Values& w, const Values& dy) {
  const double squares = mean_of(x.size(), [&](std::size_t i) { return x[i] * x[i]; });
  const double mixed = mean_of(x.size(), [&](std::size_t i) { return x[i] * w[i] * dy[i]; });
  const double r = 1 / std::sqrt(squares + 1e-5);
  Values dx;
  for (std::size_t i = 0; i < x.size(); ++i) {
    dx.push_back(r * (w[i] * dy[i] - x[i] * r * r * mixed));
  }
  return dx;
}

Values exact_layer_norm(const Values& x, const Values& w, const Values& b) {
  const double mean = mean_of(x.size(), [&](std::size_t i) { return x[i]; });
  const double variance =
      mean_of(x.size(), [&](std::size_t i) { return (x[i] - mean) * (x[i] - mean); });
  Values y;
  for (std::size_t i = 0; i < x.size(); ++i) {
    y.push_back((x[i] - mean) / std::sqrt(variance + 1e-5) * w[i] + b[i]);
  }
  return y;
}

void norms(Context& context, std::int64_t rows, std::int64_t columns) {
  cudaStream_t s = context.bench.stream();
  const Matrix x(rows, columns, 1, s), dy(rows, columns, 2, s), y(rows, columns, 3, s);
  const Matrix w(1, columns, 4, s), b(1, columns, 5, s);
  const auto poison = [&] { y.poison(); };
  measure(context, {row_of("RMS norm", "fwd", rows, columns, 2 * x.bytes()),
                    [&] { rms_norm(x.data(), w.data(), y.data(), rows, columns, s); }, poison,
                    [&] {
                      check_rows(y, rows, 4, "RMS norm", [&](std::int64_t r) {
                        return exact_rms_norm(x.row(r), w.row(0));
                      });
                    }});
  Work gradient = {
      row_of("RMS norm", "bwd", rows, columns, 3 * x.bytes()),
      [&] { rms_norm_gradient(x.data(), w.data(), dy.data(), y.data(), rows, columns, s); }, poison,
      [&] {
        check_rows(y, rows, 8, "RMS norm gradient", [&](std::int64_t r) {
          return exact_rms_gradient(x.row(r), w.row(0), dy.row(r));
        });
      }};
  gradient.row.notes = "gradient of the input alone";
  measure(context, gradient);
  measure(context,
          {row_of("layer norm", "fwd", rows, columns, 2 * x.bytes()),
           [&] { layer_norm(x.data(), w.data(), b.data(), y.data(), rows, columns, s); }, poison,
           [&] {
             check_rows(y, rows, 8, "layer norm", [&](std::int64_t r) {
               return exact_layer_norm(x.row(r), w.row(0), b.row(0));
             });
           }});
}

// --- Softmax and cross-entropy ------------------------------------------------------------------

Values exact_softmax(const Values& x) {
  const double most = *std::max_element(x.begin(), x.end());
  double sum = 0;
  for (const double v : x) sum += std::exp(v - most);
  Values y;
  for (const double v : x) y.push_back(std::exp(v - most) / sum);
  return y;
}

void softmaxes(Context& context, std::int64_t rows, std::int64_t columns) {
  cudaStream_t s = context.bench.stream();
  const Matrix x(rows, columns, 1, s), dy(rows, columns, 2, s), y(rows, columns, 3, s);
  const double one = 1 / static_cast<double>(columns);  // Of the result's size.
  const auto poison = [&] { y.poison(); };
  measure(context, {row_of("softmax", "fwd", rows, columns, 2 * x.bytes()),
                    [&] { softmax(x.data(), y.data(), rows, columns, s); }, poison,
                    [&] {
                      check_rows(y, rows, one, "softmax",
                                 [&](std::int64_t r) { return exact_softmax(x.row(r)); });
                    }});
  // Any matrix does as the result of a softmax here.
  measure(context,
          {row_of("softmax", "bwd", rows, columns, 3 * x.bytes()),
           [&] { softmax_gradient(x.data(), dy.data(), y.data(), rows, columns, s); }, poison,
           [&] {
             const double size = 16 * std::sqrt(static_cast<double>(columns));
             check_rows(y, rows, size, "softmax gradient", [&](std::int64_t r) {
               Values p = x.row(r);
               const Values d = dy.row(r);
               const double sum = static_cast<double>(columns) *
                                  mean_of(p.size(), [&](auto i) { return p[i] * d[i]; });
               for (std::size_t i = 0; i < p.size(); ++i) p[i] *= d[i] - sum;
               return p;
             });
           }});
}

void losses(Context& context, std::int64_t rows, std::int64_t columns) {
  cudaStream_t s = context.bench.stream();
  const Matrix x(rows, columns, 1, s), dx(rows, columns, 2, s);
  const Memory loss(4 * rows), target(4 * rows);
  std::vector<std::int32_t> wanted;
  for (std::int64_t r = 0; r < rows; ++r) {
    wanted.push_back(static_cast<std::int32_t>((r * 7919 + 13) % columns));
  }
  store(target.as<std::int32_t>(), wanted, s);
  Work work = {row_of("cross-entropy", "fwd+bwd", rows, columns, 2 * x.bytes()),
               [&] {
                 cross_entropy(x.data(), target.as<std::int32_t>(), loss.as<float>(), dx.data(),
                               rows, columns, s);
               },
               [&] {
                 dx.poison();
                 poison(loss, s);
               },
               [&] {
                 const Values found = values(loss.as<float>(), rows, s);
                 check_rows(dx, rows, 1 / static_cast<double>(columns), "cross-entropy",
                            [&](std::int64_t r) {
                              Values p = exact_softmax(x.row(r));
                              const auto t =
                                  static_cast<std::size_t>(wanted[static_cast<std::size_t>(r)]);
                              near(found[static_cast<std::size_t>(r)], -std::log(p[t]), 1, "loss");
                              p[t] -= 1;
                              return p;
                            });
               }};
  work.row.notes = "loss and gradient of the logits in one kernel, logits read twice";
  measure(context, work);
}

// --- Element by element -------------------------------------------------------------------------

double exact_gelu(double x) {
  return 0.5 * x *
         (1 + std::tanh(std::sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
}
double exact_gelu_slope(double x) {
  const double c = std::sqrt(2 / 3.14159265358979323846);
  const double t = std::tanh(c * (x + 0.044715 * x * x * x));
  return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 3 * 0.044715 * x * x);
}

Values joined(const Values& a, const Values& b, const std::function<double(double, double)>& f) {
  Values out;
  for (std::size_t i = 0; i < a.size(); ++i) out.push_back(f(a[i], b[i]));
  return out;
}

void elementwise(Context& context, std::int64_t rows, std::int64_t columns) {
  cudaStream_t s = context.bench.stream();
  const std::int64_t count = rows * columns;
  const Matrix a(rows, columns, 1, s), b(rows, columns, 2, s), y(rows, columns, 3, s);
  const auto poison = [&] { y.poison(); };
  const auto check = [&](const char* what, const std::function<double(double, double)>& f) {
    check_rows(y, rows, 4, what, [&](std::int64_t r) { return joined(a.row(r), b.row(r), f); });
  };
  measure(context, {row_of("residual add", "fwd", rows, columns, 3 * a.bytes()),
                    [&] { add(a.data(), b.data(), y.data(), count, s); }, poison,
                    [&] { check("residual add", [](double u, double v) { return u + v; }); }});
  measure(context, {row_of("GeLU", "fwd", rows, columns, 2 * a.bytes()),
                    [&] { gelu(a.data(), y.data(), count, s); }, poison,
                    [&] { check("GeLU", [](double u, double) { return exact_gelu(u); }); }});
  measure(context, {row_of("GeLU", "bwd", rows, columns, 3 * a.bytes()),
                    [&] { gelu_gradient(a.data(), b.data(), y.data(), count, s); }, poison,
                    [&] {
                      check("GeLU gradient",
                            [](double u, double v) { return v * exact_gelu_slope(u); });
                    }});
}

double exact_sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

void gated(Context& context, std::int64_t rows, std::int64_t columns) {
  cudaStream_t s = context.bench.stream();
  const Matrix x(rows, 2 * columns, 1, s), dx(rows, 2 * columns, 2, s);
  const Matrix y(rows, columns, 3, s), dy(rows, columns, 4, s);
  const auto half = static_cast<std::size_t>(columns);
  measure(context, {row_of("SwiGLU", "fwd", rows, columns, 3 * y.bytes()),
                    [&] { swiglu(x.data(), y.data(), rows, columns, s); }, [&] { y.poison(); },
                    [&] {
                      check_rows(y, rows, 4, "SwiGLU", [&](std::int64_t r) {
                        const Values in = x.row(r);
                        Values out;
                        for (std::size_t i = 0; i < half; ++i) {
                          out.push_back(in[i] * exact_sigmoid(in[i]) * in[half + i]);
                        }
                        return out;
                      });
                    }});
  measure(context, {row_of("SwiGLU", "bwd", rows, columns, 5 * y.bytes()),
                    [&] { swiglu_gradient(x.data(), dy.data(), dx.data(), rows, columns, s); },
                    [&] { dx.poison(); },
                    [&] {
                      check_rows(dx, rows, 8, "SwiGLU gradient", [&](std::int64_t r) {
                        const Values in = x.row(r);
                        const Values d = dy.row(r);
                        Values out(2 * half);
                        for (std::size_t i = 0; i < half; ++i) {
                          const double g = exact_sigmoid(in[i]);
                          out[i] = d[i] * in[half + i] * g * (1 + in[i] * (1 - g));
                          out[half + i] = d[i] * in[i] * g;
                        }
                        return out;
                      });
                    }});
}

void rotaries(Context& context, std::int64_t tokens, std::int64_t heads, std::int64_t size) {
  cudaStream_t s = context.bench.stream();
  const std::int64_t columns = heads * size;
  const Matrix x(tokens, columns, 1, s), y(tokens, columns, 2, s);
  std::vector<float> angles;
  for (std::int64_t t = 0; t < tokens; ++t) {
    for (std::int64_t i = 0; i < size / 2; ++i) {
      const double turn = static_cast<double>(t) * std::pow(10000.0, -2.0 * static_cast<double>(i) /
                                                                         static_cast<double>(size));
      angles.push_back(static_cast<float>(std::cos(turn)));
      angles.push_back(static_cast<float>(std::sin(turn)));
    }
  }
  const Memory table(static_cast<std::int64_t>(angles.size() * sizeof(float)));
  store(table.as<float>(), angles, s);
  Work work = {
      row_of("rotary", "fwd", tokens, columns, 2 * x.bytes() + static_cast<double>(table.bytes())),
      [&] { rotary(x.data(), table.as<float>(), y.data(), tokens, heads, size, tokens, false, s); },
      [&] { y.poison(); },
      [&] {
        check_rows(y, tokens, 4, "rotary", [&](std::int64_t r) {
          const Values in = x.row(r);
          Values out(in.size());
          const auto half = static_cast<std::size_t>(size / 2);
          for (std::size_t i = 0; i < in.size(); ++i) {
            if (i / half % 2 != 0) continue;
            const std::size_t at = (static_cast<std::size_t>(r) * half + i % half) * 2;
            out[i] = in[i] * angles[at] - in[i + half] * angles[at + 1];
            out[i + half] = in[i] * angles[at + 1] + in[i + half] * angles[at];
          }
          return out;
        });
      }};
  work.row.heads = heads;
  work.row.head_dim = size;
  measure(context, work);
}

// --- Optimizer and casts ------------------------------------------------------------------------

void check_adam(const Values& before, const Values& after, const AdamStep& step) {
  // w, m, v, g before; w, m, v, copy after.
  const double m = step.beta1 * before[1] + (1 - static_cast<double>(step.beta1)) * before[3];
  const double v =
      step.beta2 * before[2] + (1 - static_cast<double>(step.beta2)) * before[3] * before[3];
  const double root = std::sqrt(v / step.correction2) + step.epsilon;
  const double w = before[0] - step.rate * (m / step.correction1 / root + step.decay * before[0]);
  const double bound = 1e-5;
  check_value(after[0], w, bound, "Adam weight");
  check_value(after[1], m, bound, "Adam first moment");
  check_value(after[2], v, bound, "Adam second moment");
  near(after[3], w, 0, "Adam copy");
}

// 28 bytes a parameter: three FP32 read and written, the gradient read, the copy written.
void optimizer(Context& context, std::int64_t count) {
  cudaStream_t s = context.bench.stream();
  const Memory w(4 * count), m(4 * count), v(4 * count), g(2 * count), copy(2 * count);
  const AdamStep step = {1e-3f, 0.9f, 0.95f, 1e-8f, 0.1f, 1 - 0.9f * 0.9f, 1 - 0.95f * 0.95f};
  const std::vector<std::int64_t> places = sample_places(count, 50, 6);
  const auto at = [&](std::int64_t i, const Memory* fourth) {
    return Values{values(w.as<float>() + i, 1, s)[0], values(m.as<float>() + i, 1, s)[0],
                  values(v.as<float>() + i, 1, s)[0], values(fourth->as<Bf16>() + i, 1, s)[0]};
  };
  std::vector<Values> before;
  fill_random(w.as<float>(), count, 1, s);
  fill_random(m.as<float>(), count, 2, s);
  // A second moment is not negative; the first call makes it a square.
  TENK_CUDA_CALL(cudaMemsetAsync(v.as(), 0, static_cast<std::size_t>(v.bytes()), s));
  fill_random(g.as<Bf16>(), count, 3, s);
  for (const std::int64_t i : places) before.push_back(at(i, &g));
  Work work = {row_of("Adam step", "", count, 0, 28.0 * static_cast<double>(count)),
               [&] {
                 adam(w.as<float>(), m.as<float>(), v.as<float>(), g.as<Bf16>(), copy.as<Bf16>(),
                      count, step, s);
               },
               [&] { poison(copy, s); },
               [&] {
                 check_written(copy.as<Bf16>(), count, "Adam copy", s);
                 check_written(v.as<float>(), count, "Adam second moment", s);
                 for (std::size_t i = 0; i < places.size(); ++i) {
                   check_adam(before[i], at(places[i], &copy), step);
                 }
               }};
  work.row.dtype = "float32";
  work.row.notes = "28 B a parameter: FP32 weight and moments, BF16 gradient and copy";
  measure(context, work);
}

void casts(Context& context, std::int64_t rows, std::int64_t columns) {
  cudaStream_t s = context.bench.stream();
  const std::int64_t count = rows * columns;
  const Memory x(4 * count);
  fill_random(x.as<float>(), count, 1, s, 2);
  const Matrix y(rows, columns, 2, s);
  Work work = {row_of("cast to bfloat16", "", rows, columns, 6.0 * static_cast<double>(count)),
               [&] { cast(x.as<float>(), y.data(), count, s); }, [&] { y.poison(); },
               [&] {
                 check_rows(y, rows, 0, "cast", [&](std::int64_t r) {
                   return values(x.as<float>() + r * columns, columns, s);
                 });
               }};
  work.row.dtype = "float32";
  measure(context, work);
  const Matrix in(rows, columns, 3, s);
  const Memory small(count);
  Work narrow = {row_of("cast to fp8 e4m3", "", rows, columns, 3.0 * static_cast<double>(count)),
                 [&] { cast(in.data(), small.as<Fp8>(), count, s); }, [&] { poison(small, s); },
                 [&] {
                   check_written(small.as<Fp8>(), count, "cast to fp8", s);
                   const Values found = values(small.as<Fp8>(), columns, s);
                   const Values wanted = in.row(0);
                   for (std::size_t i = 0; i < wanted.size(); ++i) {  // Half of the last place.
                     const double half = std::max(std::fabs(wanted[i]) * 0x1p-4, 0x1p-10);
                     check_value(found[i], wanted[i], half, "cast to fp8");
                   }
                 }};
  measure(context, narrow);
}

// --- Experts ------------------------------------------------------------------------------------

void experts(Context& context, std::int64_t tokens, std::int64_t choices, std::int64_t columns) {
  cudaStream_t s = context.bench.stream();
  const std::int64_t rows = tokens * choices;
  const Matrix x(tokens, columns, 1, s), sorted(rows, columns, 2, s), y(tokens, columns, 3, s);
  std::vector<std::int32_t> from;    // Of each place in the order of experts: its token.
  std::vector<std::int32_t> places;  // Of each token's choices: their place in that order.
  std::vector<float> weights;
  const std::int64_t stride = rows / 2 + 1 - rows / 2 % 2;  // Odd: a permutation of 2^n rows.
  for (std::int64_t i = 0; i < rows; ++i) {
    from.push_back(static_cast<std::int32_t>(i * stride % rows / choices));
    places.push_back(static_cast<std::int32_t>((i * 5 + 3) % rows));
    weights.push_back(static_cast<float>(1 + i % 3) / 8);
  }
  const Memory from_at(4 * rows), places_at(4 * rows), weights_at(4 * rows);
  store(from_at.as<std::int32_t>(), from, s);
  store(places_at.as<std::int32_t>(), places, s);
  store(weights_at.as<float>(), weights, s);
  Work work = {
      row_of("expert permutation", "fwd", rows, columns, 2 * sorted.bytes()),
      [&] { permute(x.data(), from_at.as<std::int32_t>(), sorted.data(), rows, columns, s); },
      [&] { sorted.poison(); },
      [&] {
        check_rows(sorted, rows, 0, "permutation",
                   [&](std::int64_t r) { return x.row(from[static_cast<std::size_t>(r)]); });
      }};
  work.row.groups = choices;
  measure(context, work);
  Work back = {row_of("expert combination", "fwd", tokens, columns, sorted.bytes() + y.bytes()),
               [&] {
                 combine(sorted.data(), places_at.as<std::int32_t>(), weights_at.as<float>(),
                         y.data(), tokens, choices, columns, s);
               },
               [&] { y.poison(); },
               [&] {
                 check_rows(y, tokens, 8, "combination", [&](std::int64_t r) {
                   Values sum(static_cast<std::size_t>(columns));
                   for (std::int64_t c = 0; c < choices; ++c) {
                     const auto at = static_cast<std::size_t>(r * choices + c);
                     const Values row = sorted.row(places[at]);
                     for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += weights[at] * row[i];
                   }
                   return sum;
                 });
               }};
  back.row.groups = choices;
  measure(context, back);
}

// --- The family ---------------------------------------------------------------------------------

void run(Context& context) {
  const auto size = [&](std::int64_t full) { return context.size(full); };
  const auto part = [&](const std::string& what, const std::function<void()>& work) {
    if (context.session.goes_on(0.5)) context.session.attempt(what, work);
  };
  for (const auto& [tokens, width] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {4096, 4096}, {8192, 8192}, {4096, 12288}, {1024, 4096}, {16384, 4096}, {8192, 2048}}) {
    if (context.trial() && tokens != 8192) continue;
    const std::int64_t t = size(tokens);
    const std::int64_t h = size(width);
    const std::string what = " of " + std::to_string(t) + " x " + std::to_string(h);
    part("norms" + what, [&] { norms(context, t, h); });
    part("elementwise" + what, [&] { elementwise(context, t, h); });
    part("SwiGLU" + what, [&] { gated(context, t, h / 64 * 7 / 2 * 64); });
    part("rotary" + what, [&] { rotaries(context, t, std::max<std::int64_t>(h / 128, 1), 128); });
    part("casts" + what, [&] { casts(context, t, h); });
    part("experts" + what, [&] { experts(context, t, 2, h); });
  }
  part("Adam", [&] { optimizer(context, size(std::int64_t{1} << 28)); });
  part("Adam, small", [&] { optimizer(context, size(std::int64_t{1} << 24)); });
  part("cross-entropy", [&] { losses(context, size(4096), size(128256)); });
  part("cross-entropy, GPT", [&] { losses(context, size(8192), size(51200)); });
  part("softmax", [&] { softmaxes(context, size(16 * 4096), size(4096)); });
  part("softmax, short", [&] { softmaxes(context, size(64 * 1024), size(1024)); });
  part("experts, 8 choices", [&] { experts(context, size(4096), 8, size(7168)); });
}

}  // namespace

extern const Probe kPointwise{
    "pointwise", "norms, softmax, activations, rotary, cross-entropy, Adam, casts, experts", 40,
    run};

}  // namespace tenk::probe
