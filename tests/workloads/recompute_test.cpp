// Recomputation by module: what it costs and what it frees.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/workloads/training_cases.h"
#include "workloads/kernels.h"
#include "workloads/memory.h"

using namespace tenk;

namespace {

TrainingSpec llama(const std::string& recompute, const std::string& more = "") {
  return cases::read(fmt::format(
      "job:\n  model: {{style: llama, layers: 8, hidden: 4096, heads: 32, kv-heads: 8, ffn: 14336, "
      "vocab: 32000{}}}\n  batch: {{global: 1, sequence: 4096}}\n  recompute: {}\n",
      more, recompute));
}

double backward(const TrainingSpec& t) {
  double sum = 0;
  const ModelPasses passes = model_passes(t, cases::h100());
  for (const Piece& piece : passes.layers.back().backward) sum += piece.compute.s();
  return sum;
}

double kept(const TrainingSpec& t) { return memory_by_stage(t)[0].activations.value(); }

}  // namespace

TEST_CASE("What is computed again is freed: norms, activation functions or perceptrons") {
  const TrainingSpec none = llama("none");
  const DeviceProfile device = cases::h100();
  const double tokens = 4096, hidden = 4096, ffn = 14336;
  // One layer of eight works, and has what it computes again.
  const auto freed = [&](const char* list) { return kept(none) - kept(llama(list)); };
  CHECK(freed("[layernorm]") == Approx(7 * 2 * 2 * tokens * hidden));
  CHECK(freed("[activation]") == Approx(7 * 2 * tokens * ffn));
  CHECK(freed("[mlp]") == Approx(7 * 3 * 2 * tokens * ffn));
  CHECK(freed("[layernorm, mlp]") == Approx(freed("[layernorm]") + freed("[mlp]")));
  const auto longer = [&](const char* list) { return backward(llama(list)) - backward(none); };
  const double norm = streaming_time(device, Bytes(4 * 4096 * 4096)).s();
  const double swiglu = streaming_time(device, Bytes(std::int64_t{6} * 4096 * 14336)).s();
  const auto product = [&](std::int64_t n, std::int64_t k) {
    return sustained_time(device, gemm_time(device, Precision::kBf16, 4096, n, k)).s();
  };
  CHECK(longer("[layernorm]") == Approx(2 * norm));
  CHECK(longer("[activation]") == Approx(swiglu));
  CHECK(longer("[mlp]") == Approx(product(2 * 14336, 4096) + swiglu + product(4096, 14336)));
  CHECK(longer("[core-attn]") == Approx(0).margin(1e-12));  // Flash attention always does.
  CHECK(kept(llama("full")) < kept(llama("[layernorm, mlp]")));
}

TEST_CASE("Experts are recomputed with their exchange") {
  const std::string experts = ", experts: {routed: 8, top-k: 2}";
  CHECK(kept(llama("[mlp]", experts)) < kept(llama("[activation]", experts)));
  CHECK(kept(llama("[activation]", experts)) < kept(llama("none", experts)));
  CHECK(backward(llama("[mlp]", experts)) > backward(llama("[activation]", experts)));
  CHECK(backward(llama("[activation]", experts)) > backward(llama("none", experts)));
}

TEST_CASE("Unknown modules are refused with those that there are") {
  CHECK(
      cases::faults_of(cases::tiny_gpt(4, 4, "tp: 1", 1, "  recompute: [mlp, attn]\n")) ==
      "6: job.recompute has \"attn\"; it lists core-attn, layernorm, activation, mlp, or is none, "
      "selective or full");
}
