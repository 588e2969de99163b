#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/workloads/training_cases.h"
#include "workloads/memory.h"
#include "workloads/shard.h"

using namespace tenk;
using namespace tenk::literals;

namespace {

// Korthikanti et al. 2022, table 3.
struct Row {
  double heads, hidden, layers, tp, pp, vpp, micro, global;
};
constexpr Row k22B{64, 6144, 48, 8, 1, 1, 4, 4};
constexpr Row k175B{96, 12288, 96, 8, 8, 3, 1, 64};
constexpr Row k530B{128, 20480, 105, 8, 35, 3, 1, 280};
constexpr Row k1T{160, 25600, 128, 8, 64, 1, 1, 512};
constexpr double kSequence = 2048;
constexpr double kVocab = 51200;

TrainingSpec korthikanti(const Row& r, bool sequence_parallel,
                         const std::string& recompute = "selective", int zero = 0, int dp = 1) {
  return cases::read(fmt::format(
      "job:\n"
      "  model: {{layers: {}, hidden: {}, heads: {}, vocab: 51200}}\n"
      "  parallel: {{tp: {}, pp: {}, vpp: {}, dp: {}, sequence-parallel: {}, zero: {}}}\n"
      "  batch: {{global: {}, micro: {}, sequence: 2048}}\n"
      "  recompute: {}\n",
      r.layers, r.hidden, r.heads, r.tp, r.pp, r.vpp, dp, sequence_parallel, zero, r.global * dp,
      r.micro, recompute));
}

double activations(const TrainingSpec& t, std::size_t stage = 0) {
  return memory_by_stage(t)[stage].activations.value();
}

}  // namespace

TEST_CASE("A GPT layer keeps s b h (10 + 24/t + 5 a s/h t); sequence parallelism cuts the 10 too") {
  for (const Row& r : {k22B, k175B, k530B, k1T}) {
    const double sbh = kSequence * r.micro * r.hidden;
    const LayerActivations plain = layer_activations(korthikanti(r, false));
    CHECK(plain.whole == 10 * sbh);
    CHECK(plain.split == 24 * sbh / r.tp);
    CHECK(plain.scores == 5 * r.heads * kSequence * kSequence * r.micro / r.tp);
    const LayerActivations sharded = layer_activations(korthikanti(r, true));
    CHECK(sharded.whole + sharded.split == 34 * sbh / r.tp);
    CHECK(sharded.input == 2 * sbh / r.tp);
    CHECK(layer_activations(korthikanti(r, false)).input == 2 * sbh);
  }
}

TEST_CASE("The first stage keeps L (1 + (p - 1)/(p v)) layers of one micro-batch") {
  for (const Row& r : {k175B, k530B, k1T}) {
    const double sbh_t = kSequence * r.micro * r.hidden / r.tp;
    const double factor = r.vpp > 1 ? 1 + (r.pp - 1) / (r.pp * r.vpp) : 1;
    // The embedding's dropout mask, s b h / t, of each micro-batch between its first chunk's
    // passes: two groups of them under interleaving.
    const double masks = (r.vpp > 1 ? 2 * r.pp : r.pp) * sbh_t;
    CHECK(activations(korthikanti(r, true)) ==
          Approx(34 * sbh_t * r.layers * factor + masks).epsilon(1e-12));
  }
}

TEST_CASE("One stage keeps all layers, the embedding's mask and 4 s b h/t (1 + v/h) for the head") {
  const Row& r = k22B;
  const double sbh_t = kSequence * r.micro * r.hidden / r.tp;
  CHECK(activations(korthikanti(r, true)) ==
        Approx(34 * sbh_t * r.layers + sbh_t + 4 * sbh_t * (1 + kVocab / r.hidden)));
}

TEST_CASE("Full recomputation keeps inputs only, and one layer while that is recomputed") {
  const Row& r = k1T;
  const double sbh_t = kSequence * r.micro * r.hidden / r.tp;
  CHECK(activations(korthikanti(r, true, "full")) ==
        Approx(2 * sbh_t * r.layers + r.pp * sbh_t + 32 * sbh_t).epsilon(1e-12));
  CHECK(activations(korthikanti(r, true, "full")) < activations(korthikanti(r, true, "none")));
  CHECK(activations(korthikanti(r, true, "none")) == activations(korthikanti(r, true)));
}

TEST_CASE("Later stages of 1F1B keep fewer micro-batches") {
  const TrainingSpec t = korthikanti(k1T, true);
  const auto stages = memory_by_stage(t);
  const double layer = layer_activations(t).split + layer_activations(t).whole;
  for (std::size_t s = 1; s + 1 < stages.size(); ++s) {
    CHECK(stages[s].activations.value() == Approx(2 * layer * static_cast<double>(64 - s)));
  }
}

TEST_CASE("State is 18 bytes a parameter, 6 + 12/dp under ZeRO-1") {
  for (const int dp : {1, 2, 16}) {
    const TrainingSpec whole = korthikanti(k22B, true, "none", 0, dp);
    const auto count = static_cast<double>(stage_parameters(whole, 0).all);
    const StageMemory a = memory_by_stage(whole)[0];
    CHECK((a.weights + a.gradients + a.optimizer).value() == 18 * count);
    const StageMemory b = memory_by_stage(korthikanti(k22B, true, "none", 1, dp))[0];
    CHECK((b.weights + b.gradients + b.optimizer).value() ==
          Approx((6 + 12.0 / dp) * count).margin(1));
    CHECK(b.activations == a.activations);
  }
}

TEST_CASE("Ranks hold the model once: shards add up, whole parts and tied copies repeat") {
  for (const std::string style : {"gpt", "llama"}) {
    for (const int tp : {1, 2, 4}) {
      for (const int pp : {1, 2, 3, 8}) {
        const TrainingSpec t = cases::read(fmt::format(
            "job:\n  model: {{style: {}, layers: 8, hidden: 64, heads: 8, kv-heads: 4, ffn: 192, "
            "vocab: 512}}\n  parallel: {{tp: {}, pp: {}}}\n"
            "  batch: {{global: 1, sequence: 16}}\n",
            style, tp, pp));
        std::int64_t held = 0;
        for (std::int64_t s = 0; s < pp; ++s) {
          const LocalParameters local = stage_parameters(t, s);
          held += (local.all - local.replicated) * tp + local.replicated;
        }
        const bool copied = t.model.tied_embeddings && pp > 1;
        REQUIRE(held == parameters(t.model) + (copied ? 512 * 64 : 0));
      }
    }
  }
}

TEST_CASE("Grouped-query attention and gated perceptrons keep what they compute") {
  const TrainingSpec t = cases::read(
      "job:\n  model: {style: llama, layers: 8, hidden: 4096, heads: 32, kv-heads: 8, ffn: 14336, "
      "vocab: 128256}\n  parallel: {tp: 2}\n  batch: {global: 1, sequence: 8192}\n");
  const LayerActivations bytes = layer_activations(t);
  // Q, K, V, projection input; gate, up, product: per token and rank, 2 B each.
  CHECK(bytes.split == 8192.0 * 2 * (2048 + 2 * 512 + 2048 + 3 * 7168));
  CHECK(bytes.whole == 4096.0 * 4096 * 8);  // Half of the tokens; two norms, two products.
}

namespace {

// Of Megatron before flash attention and sequence parallelism, or with them; as `recompute` says.
TrainingSpec as_measured(const Row& r, bool sequence_parallel, const std::string& recompute) {
  TrainingSpec t = korthikanti(r, sequence_parallel, recompute);
  t.attention = AttentionKernel::kUnfused;
  return t;
}

constexpr double kGiB = 1024.0 * 1024 * 1024;

}  // namespace

TEST_CASE("Memory of the first stage is what Korthikanti et al. 2022 show in figure 1") {
  // GiB, read off the figure by the makers of Calculon (its validation against that paper): state;
  // activations with tensor parallelism alone; with sequence parallelism and selective
  // recomputation.
  struct Peak {
    Row row;
    double state, plain, present;
  };
  for (const Peak& p : {Peak{k22B, 45.56, 59.25, 9.56}, Peak{k175B, 45.56, 66.84, 12.35},
                        Peak{k530B, 31.64, 114.02, 23.08}, Peak{k1T, 32.96, 131.25, 26.56}}) {
    const TrainingSpec spec = as_measured(p.row, true, "selective");
    double states = 0;
    for (const StageMemory& m : memory_by_stage(spec)) {
      states += (m.weights + m.gradients + m.optimizer).value() / kGiB;
    }
    const StageMemory plain = memory_by_stage(as_measured(p.row, false, "none"))[0];
    const StageMemory present = memory_by_stage(spec)[0];
    CAPTURE(p.row.hidden);
    CHECK(states / p.row.pp == Approx(p.state).epsilon(0.03));  // The mean: the figure has one.
    CHECK(plain.activations.value() / kGiB == Approx(p.plain).epsilon(0.1));
    CHECK(present.activations.value() / kGiB == Approx(p.present).epsilon(0.1));
    CHECK(present.total().value() / kGiB == Approx(p.state + p.present).epsilon(0.1));
  }
}

TEST_CASE("Each measure saves the share of activations that Korthikanti et al. 2022 measured") {
  // Per layer, figure 7: sequence parallelism, selective recomputation, both, full recomputation.
  struct Share {
    Row row;
    double sequence, selective, both, full;
  };
  for (const Share& s :
       {Share{k22B, 0.6684, 0.4942, 0.1618, 0.0764}, Share{k175B, 0.6204, 0.5653, 0.1849, 0.0871},
        Share{k530B, 0.5831, 0.6204, 0.2027, 0.0942}, Share{k1T, 0.5831, 0.6204, 0.2027, 0.0942}}) {
    const auto kept = [&](bool sharded, bool scores) {
      const LayerActivations layer = layer_activations(korthikanti(s.row, sharded));
      return layer.split + layer.whole + (scores ? layer.scores : 0);
    };
    const double all = kept(false, true);
    CHECK(kept(true, true) / all == Approx(s.sequence).epsilon(0.01));
    CHECK(kept(false, false) / all == Approx(s.selective).epsilon(0.01));
    CHECK(kept(true, false) / all == Approx(s.both).epsilon(0.01));
    CHECK(layer_activations(korthikanti(s.row, false)).input / all ==
          Approx(s.full).epsilon(0.015));
  }
}

TEST_CASE("DeepSeek-V3 fits cards of 80 GB in the layout of its report only if it recomputes") {
  // DeepSeek-AI 2024, section 3.2: 2,048 H800, 16 stages, experts over 64 ranks, ZeRO-1, no tensor
  // parallelism; norms, latent attention's unpacking and SwiGLU are recomputed, moments are BF16.
  const auto fits = [](const std::string& recompute) {
    return describe_training(cases::read("job:\n  model: {preset: deepseek-v3}\n"
                                         "  parallel: {pp: 16, dp: 128, ep: 64}\n"
                                         "  batch: {global: 15360, sequence: 4096}\n"
                                         "  recompute: " +
                                         recompute + "\n"),
                             cases::h100());
  };
  // 4096 tokens x 8 copies x (7168 + 3 x 2048) x 2 B in each of 4 layers of 16 micro-batches.
  CHECK(fits("none").memory_per_gpu > 80_GB);
  CHECK(fits("full").fits);
}

TEST_CASE("Llama 3 405B fits cards of 80 GB only with sharded gradients, as it ran") {
  const TrainingSpec t = cases::read(
      "job:\n  model: {style: llama, layers: 126, hidden: 16384, heads: 128, kv-heads: 8, "
      "ffn: 53248, vocab: 128256}\n  parallel: {tp: 8, pp: 16, vpp: 8, dp: 128}\n"
      "  batch: {global: 2048, sequence: 8192}\n");
  const TrainingFacts facts = describe_training(t, cases::h100());
  const StageMemory& fullest = facts.memory_by_stage[facts.fullest_stage];
  CHECK(facts.memory_per_gpu == fullest.total());
  // Grattafiori et al. 2024, section 3.3.2: optimizer states and gradients are sharded over dp (our
  // ZeRO-1 shards the former), activations are not recomputed at 8,192 tokens.
  CHECK_FALSE(facts.fits);
  CHECK(facts.memory_per_gpu - fullest.gradients < 80_GB);
  CHECK(facts.memory_per_gpu - fullest.gradients > 60_GB);
}

TEST_CASE("Recomputation makes room") {
  const std::string job =
      "job:\n  model: {style: llama, layers: 32, hidden: 4096, heads: 32, kv-heads: 8, ffn: 14336, "
      "vocab: 128256}\n  parallel: {tp: 2, dp: 8}\n  batch: {global: 8, sequence: 32768}\n";
  CHECK_FALSE(describe_training(cases::read(job), cases::h100()).fits);
  CHECK(describe_training(cases::read(job + "  recompute: full\n"), cases::h100()).fits);
}
