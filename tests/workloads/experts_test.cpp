// Are experts dealt, fed, exchanged and updated as Megatron-LM does it?
#include "workloads/experts.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <map>

#include "tests/workloads/training_cases.h"
#include "workloads/flops.h"
#include "workloads/kernels.h"
#include "workloads/shard.h"

using namespace tenk;
using cases::faults_of;
using cases::rehearse;

namespace {

// 8 experts of 96, top-2, after one dense layer of 4; hidden 64, sequences of 128 tokens.
std::string tiny_moe(const std::string& parallel, const std::string& more = "",
                     const std::string& experts = "routed: 8, top-k: 2, ffn: 96, dense-layers: 1",
                     int global = 64) {
  return fmt::format(
      "job:\n"
      "  model: {{style: llama, layers: 4, hidden: 64, heads: 4, ffn: 128, vocab: 512, experts: "
      "{{{}}}}}\n"
      "  parallel: {{{}}}\n"
      "  batch: {{global: {}, micro: 1, sequence: 128}}\n"
      "  host: {{forward: 0ns, backward: 0ns}}\n{}",
      experts, parallel, global, more);
}

std::string groups_of(const Workload& w, const std::string& name) {
  for (const Family& family : w.families) {
    if (family.name != name) continue;
    std::string text;
    for (std::size_t g = 0; g < family.groups(); ++g) {
      std::string members;
      for (const RankId r : family.group(g)) {
        members += (members.empty() ? "" : " ") + std::to_string(r.value);
      }
      text += (g == 0 ? "" : " | ") + members;
    }
    return text;
  }
  return "none";
}

Workload build(const std::string& yaml) { return build_training(cases::read(yaml), cases::h100()); }

// Bytes of all operations of a family on the ranks of one role.
std::map<std::string, std::int64_t> bytes_by_call(const Workload& w, const std::string& family) {
  std::map<std::string, std::int64_t> sum;
  for (const Op& op : w.programs[0].ops) {
    if (op.kind != Op::Kind::kCommunicate) continue;
    const Slot& slot = w.slots[op.slot.value];
    if (w.families[slot.family.value].name != family) continue;
    sum[std::string(name_of(slot.op))] += slot.bytes.count();
  }
  return sum;
}

}  // namespace

TEST_CASE("Experts are dealt over the ranks of a stage in their own degrees") {
  // tp 2 x dp 4: ranks 0 1 are the first replica. Experts whole: ep over 4 neighbours.
  const Workload whole = build(tiny_moe("tp: 2, dp: 4, ep: 4, etp: 1"));
  CHECK(groups_of(whole, "ep") == "0 1 2 3 | 4 5 6 7");
  CHECK(groups_of(whole, "expert-dp") == "0 4 | 1 5 | 2 6 | 3 7");
  CHECK(groups_of(whole, "etp") == "none");
  CHECK(groups_of(whole, "dp") == "0 2 4 6 | 1 3 5 7");
  // Experts cut like the rest: etp 2, the default.
  const Workload cut = build(tiny_moe("tp: 2, dp: 4, ep: 2"));
  CHECK(groups_of(cut, "etp") == "0 1 | 2 3 | 4 5 | 6 7");
  CHECK(groups_of(cut, "ep") == "0 2 | 1 3 | 4 6 | 5 7");
  CHECK(groups_of(cut, "expert-dp") == "0 4 | 1 5 | 2 6 | 3 7");
  // Each stage deals among its own ranks.
  const Workload staged = build(tiny_moe("tp: 1, pp: 2, dp: 4, ep: 4"));
  CHECK(groups_of(staged, "ep") == "0 1 2 3 | 4 5 6 7");
  CHECK(groups_of(staged, "expert-dp") == "none");
}

TEST_CASE("The parts of all ranks that differ are the whole model") {
  for (const char* parallel : {"dp: 4, ep: 4", "dp: 8, ep: 8", "pp: 2, dp: 2, ep: 2", "dp: 1"}) {
    const TrainingSpec t = cases::read(tiny_moe(parallel));
    LocalParameters sum;
    for (std::int64_t s = 0; s < t.layout.pp; ++s) sum += stage_parameters(t, s);
    CAPTURE(parallel);
    CHECK(sum.dense() + sum.experts * t.layout.ep == parameters(t.model));
  }
  // Cut experts: 3 layers of 8 experts with 3 x 64 x 96 weights, by ep 2 x etp 2.
  const TrainingSpec cut = cases::read(tiny_moe("tp: 2, dp: 2, ep: 2"));
  CHECK(stage_parameters(cut, 0).experts == 3 * 8 * 3 * 64 * 96 / 4);
}

TEST_CASE("Each copy of a token crosses the ranks of ep four times a layer and step") {
  // A micro-batch of 128 tokens, 2 copies each of 64 BF16 numbers: 32,768 B a rank and call; there
  // and back, forward and backward, in 3 layers, for 64 / 4 micro-batches.
  const Workload w = build(tiny_moe("dp: 4, ep: 4"));
  const auto calls = bytes_by_call(w, "ep");
  CHECK(calls.size() == 1);
  CHECK(calls.at("all_to_all") == 32'768 * 4 * 3 * 16);
  // With tp 2 a rank routes half of the tokens; etp peers gather and reduce what both have.
  const Workload cut = build(tiny_moe("tp: 2, dp: 4, ep: 2"));
  CHECK(bytes_by_call(cut, "ep").at("all_to_all") == 16'384 * 4 * 3 * 16);
  CHECK(bytes_by_call(cut, "etp").at("all_gather") == 32'768 * 2 * 3 * 16);
  CHECK(bytes_by_call(cut, "etp").at("reduce_scatter") == 32'768 * 2 * 3 * 16);
}

TEST_CASE("Gradients of experts are reduced among the ranks that hold the same") {
  const TrainingSpec t = cases::read(tiny_moe("dp: 8, ep: 4"));
  const LocalParameters held = stage_parameters(t, 0);
  const Workload w = build_training(t, cases::h100());
  CHECK(bytes_by_call(w, "dp").at("reduce_scatter") == 4 * held.dense());
  CHECK(bytes_by_call(w, "expert-dp").at("reduce_scatter") == 4 * held.experts);
  CHECK(bytes_by_call(w, "expert-dp").at("all_gather") == 2 * held.experts);
  CHECK(updated_parameters(t, held) == (held.dense() + 7) / 8 + (held.experts + 1) / 2);
  // Bucket by bucket it is as much.
  const Workload overlapped = build(tiny_moe("dp: 8, ep: 4", "  overlap: {dp: true}\n"));
  CHECK(bytes_by_call(overlapped, "dp") == bytes_by_call(w, "dp"));
  CHECK(bytes_by_call(overlapped, "expert-dp") == bytes_by_call(w, "expert-dp"));
}

TEST_CASE("Ranks wait for the busiest one of ep, up to the capacity") {
  const auto busiest = [](const std::string& router, const std::string& parallel) {
    return cases::read(tiny_moe(parallel, "  router: {" + router + "}\n")).router.busiest;
  };
  // Ranks get 4 + 1, 1 + 1, 1 + 1 and 1 + 6 of 16: 7 x 4 / 16.
  CHECK(busiest("load: [4, 1, 1, 1, 1, 1, 1, 6]", "dp: 4, ep: 4") == Approx(1.75));
  CHECK(busiest("load: [4, 1, 1, 1, 1, 1, 1, 6]", "dp: 2, ep: 2") == Approx(9 * 2 / 16.0));
  CHECK(busiest("load: [4, 1, 1, 1, 1, 1, 1, 6]", "dp: 1") == 1);
  CHECK(busiest("skew: 0", "dp: 8, ep: 8") == 1);
  CHECK(busiest("skew: 0.5, seed: 1", "dp: 8, ep: 8") ==
        busiest("skew: 0.5, seed: 1", "dp: 8, ep: 8"));
  CHECK(busiest("skew: 0.5", "dp: 8, ep: 8") > busiest("skew: 0.1", "dp: 8, ep: 8"));
  CHECK(busiest("skew: 0.5", "dp: 8, ep: 8") > busiest("skew: 0.5", "dp: 8, ep: 2"));
  const auto work = [](const std::string& router) {
    return expert_work(cases::read(tiny_moe("dp: 4, ep: 4", "  router: {" + router + "}\n")));
  };
  CHECK(work("load: [4, 1, 1, 1, 1, 1, 1, 6]").rows == 448);                         // 256 x 1.75.
  CHECK(work("load: [4, 1, 1, 1, 1, 1, 1, 6], capacity-factor: 1.25").rows == 320);  // 256 x 1.25.
  CHECK(work("capacity-factor: 1.25").rows == 256);
  // One copy of two leaves: half of the exchange, all of the work.
  CHECK(work("copies: 1").exchanged == 128);
  CHECK((work("copies: 1").rows == 256 && work("copies: 3").exchanged == 256));
}

TEST_CASE("A grouped product takes no longer than its parts and no less than one of them") {
  const DeviceProfile device = cases::h100();
  for (const std::int64_t rows : {64, 512, 4096}) {
    const GemmShape shape{rows, 4096, 2048};
    const Time one = gemm_time(device, Precision::kBf16, rows, 4096, 2048);
    CHECK(grouped_gemm_time(device, Precision::kBf16, 1, shape) == one);
    Time before = one;
    for (const std::int64_t groups : {2, 8, 32}) {
      const Time time = grouped_gemm_time(device, Precision::kBf16, groups, shape);
      CHECK(time >= before);
      CHECK(time.s() <= static_cast<double>(groups) * one.s() * 1.0001);
      before = time;
    }
  }
}

TEST_CASE("One expert for all tokens computes what a perceptron of its width does") {
  // Router and sorting come on top: 1.0 to 1.2 of a layer of 1.2 ms.
  const auto layer = [](const std::string& more) {
    const TrainingSpec t = cases::read(
        "job:\n  model: {style: llama, layers: 1, hidden: 4096, heads: 32, ffn: 14336, vocab: 512" +
        more + "}\n  batch: {global: 1, sequence: 4096}\n");
    const ModelPasses passes = model_passes(t, cases::h100());
    double sum = 0;
    for (const Pass& pass : {passes.layers[0].forward, passes.layers[0].backward}) {
      for (const Piece& piece : pass) sum += piece.compute.s();
    }
    return sum;
  };
  const double dense = layer("");
  const double expert = layer(", experts: {routed: 1, top-k: 1}");
  CHECK(expert > dense);
  CHECK(expert < 1.1 * dense);
  CHECK(layer(", experts: {routed: 8, top-k: 2}") > 1.5 * dense);
  CHECK(layer(", experts: {routed: 8, top-k: 1, shared-ffn: 14336}") > 1.5 * dense);
}

TEST_CASE("Steps with experts end, whatever the layout") {
  int built = 0;
  for (const int pp : {1, 2, 4}) {
    for (const char* degrees :
         {"dp: 8, ep: 8", "tp: 2, dp: 4, ep: 2", "tp: 2, dp: 4, ep: 8, etp: 1", "dp: 2, ep: 1"}) {
      for (const char* more : {"", "  overlap: {dp: true, tp: true}\n", "  recompute: full\n"}) {
        const Workload w = build(tiny_moe(fmt::format("pp: {}, {}", pp, degrees), more));
        CAPTURE(pp, degrees, more);
        CHECK(rehearse(w).finished);
        ++built;
      }
    }
  }
  CHECK(built == 36);
}

TEST_CASE("Multi-token modules stand behind the last layer, with a second embedding") {
  const std::string more = "routed: 8, top-k: 2, ffn: 96}, multi-token: 1, latent: {key-rank: 32";
  const TrainingSpec t = cases::read(tiny_moe("pp: 2", "", more));
  CHECK(shares_embedding(t));
  const std::int64_t table = 512 * 64;
  CHECK(stage_parameters(t, 0).all + stage_parameters(t, 1).all ==
        parameters(t.model) + multi_token_parameters(t.model) + table);
  CHECK(rehearse(build_training(t, cases::h100())).finished);
}

TEST_CASE("Degrees of experts that cannot be are refused with the arithmetic") {
  CHECK(faults_of(tiny_moe("dp: 3, ep: 3"))
            .find("job.parallel.ep 3 must divide the model's 8 routed "
                  "experts") != std::string::npos);
  CHECK(faults_of(tiny_moe("dp: 4, ep: 8")) ==
        "3: job.parallel: ep 8 x etp 1 must divide tp 1 x cp 1 x dp 4 = 4");
  CHECK(faults_of(tiny_moe("tp: 4, dp: 2, etp: 5, ep: 1")) ==
        "3: job.parallel.etp 5 must divide the experts' ffn 96");
  CHECK(
      faults_of(tiny_moe("tp: 2, sequence-parallel: false")) ==
      "3: job.parallel: experts with tp 2 need sequence-parallel: each of the tp ranks routes its "
      "own tokens");
  CHECK(faults_of(tiny_moe("dp: 1", "  router: {load: [1, 2]}\n")) ==
        "6: job.router.load has 2 numbers, but the model has 8 routed experts");
  CHECK(faults_of(tiny_moe("dp: 1", "  router: {load: [1], skew: 1}\n")) ==
        "6: job.router.skew and job.router.load both say how busy experts are; give one of them");
  CHECK(faults_of(cases::tiny_gpt(4, 4, "etp: 2")) ==
        "3: job.parallel.etp 2 needs a model with experts");
  CHECK(faults_of(cases::tiny_gpt(4, 4, "tp: 1", 1, "  router: {skew: 1}\n")) ==
        "6: job.router needs a model with experts");
  CHECK(faults_of(tiny_moe("dp: 1", "", "routed: 4, top-k: 5")) ==
        "2: job.model.experts 5 is more than the 4 routed experts");
}
