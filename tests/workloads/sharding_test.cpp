// ZeRO-2 and 3 (FSDP): what is exchanged when, and what memory that leaves.
#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "tests/workloads/training_cases.h"
#include "workloads/buckets.h"
#include "workloads/shard.h"
#include "workloads/training.h"

using namespace tenk;
using cases::tiny_gpt;

namespace {

Workload build(const std::string& yaml) { return build_training(cases::read(yaml), cases::h100()); }

// Bytes of the collectives of a family, by operation.
std::map<Collective, std::int64_t> bytes_of(const Workload& w, const std::string& family,
                                            std::size_t role = 0) {
  std::map<Collective, std::int64_t> bytes;
  for (const Op& op : w.programs[role].ops) {
    if (op.kind != Op::Kind::kCommunicate) continue;
    const Slot& slot = w.slots[op.slot.value];
    if (w.families[slot.family.value].name == family) bytes[slot.op] += slot.bytes.count();
  }
  return bytes;
}

const std::vector<std::string> kSharded = {"zero: 2",
                                           "zero: 3",
                                           "tp: 2, zero: 3",
                                           "pp: 3, zero: 2",
                                           "pp: 3, vpp: 2, zero: 3",
                                           "zero: 3, shard: 2",
                                           "zero: 1, shard: 2",
                                           "zero: 2, shard: 1",
                                           "pp: 4, schedule: zb-h1, zero: 3",
                                           "pp: 4, schedule: gpipe, zero: 2"};

}  // namespace

TEST_CASE("Every sharded program ends on a free network and computes as long as ZeRO-1") {
  for (const std::string& layout : kSharded) {
    for (const bool overlap : {false, true}) {
      for (const std::string keep : {"whole", "shards"}) {
        if (keep == "shards" && layout.find("zero: 1") != std::string::npos) continue;
        INFO(layout << " overlap " << overlap << " keep " << keep);
        const std::string more =
            fmt::format("  overlap: {{dp: {}}}\n  gradients: {{keep: {}}}\n", overlap, keep);
        const Workload w = build(tiny_gpt(12, 6, layout, 4, more));
        REQUIRE(cases::rehearse(w).finished);
        for (const Program& program : w.programs) {
          for (std::uint32_t i = 0; i < program.ops.size(); ++i) {
            for (const std::uint32_t wait : program.waits_of(program.ops[i])) REQUIRE(wait < i);
          }
        }
      }
    }
  }
}

TEST_CASE("ZeRO-3 gathers layers for both passes of each micro-batch, the ends once") {
  // 3 micro-batches: 2 B a parameter, twice for layers, once for embedding and head; gradients are
  // reduced in each.
  const TrainingSpec t = cases::read(tiny_gpt(4, 3, "zero: 3", 8));
  const Workload w = build_training(t, cases::h100());
  const std::int64_t layer = local_parameters(t, {.layers = 1}).all;
  const std::int64_t ends = stage_parameters(t, 0).all - 4 * layer;
  const auto bytes = bytes_of(w, "dp");
  CHECK(bytes.at(Collective::kAllGather) == 3 * 2 * (2 * 4 * layer + ends));
  CHECK(bytes.at(Collective::kReduceScatter) == 3 * 4 * (4 * layer + ends));
  CHECK(bytes.count(Collective::kAllReduce) == 0);
}

TEST_CASE("Whole gradients are exchanged once a step, also under ZeRO-3") {
  const TrainingSpec t =
      cases::read(tiny_gpt(4, 3, "zero: 3", 8, "  gradients: {keep: whole, precision: bf16}\n"));
  const auto bytes = bytes_of(build_training(t, cases::h100()), "dp");
  CHECK(bytes.at(Collective::kReduceScatter) == 2 * parameters(t.model));
}

TEST_CASE("ZeRO-2 reduces gradients of each micro-batch and gathers parameters once") {
  const TrainingSpec t = cases::read(tiny_gpt(4, 3, "zero: 2", 8));
  const auto bytes = bytes_of(build_training(t, cases::h100()), "dp");
  CHECK(bytes.at(Collective::kReduceScatter) == 3 * 4 * parameters(t.model));
  CHECK(bytes.at(Collective::kAllGather) == 2 * parameters(t.model));
}

TEST_CASE("Under hybrid sharding neighbours share a copy, and copies all-reduce their shards") {
  const TrainingSpec t = cases::read(tiny_gpt(4, 1, "tp: 2, zero: 3, shard: 4", 8));
  const Workload w = build_training(t, cases::h100());
  const auto family = [&](const std::string& name) {
    return *std::find_if(w.families.begin(), w.families.end(),
                         [&](const Family& f) { return f.name == name; });
  };
  // Default order tp-dp: rank 0's peers are 0, 2, 4, 6, and its copy is 8.
  REQUIRE(family("dp").groups() == 4);
  CHECK(family("dp").group(0).size() == 4);
  CHECK(family("dp").group(0)[3] == RankId(6u));
  REQUIRE(family("dp-copies").groups() == 8);
  CHECK(family("dp-copies").group(0).size() == 2);
  CHECK(family("dp-copies").group(0)[1] == RankId(8u));
  const std::int64_t scattered = bytes_of(w, "dp").at(Collective::kReduceScatter);
  const std::int64_t reduced = bytes_of(w, "dp-copies").at(Collective::kAllReduce);
  // A quarter, each of the 6 buckets rounded up to whole parameters.
  CHECK(reduced >= scattered / 4);
  CHECK(reduced <= scattered / 4 + 6 * 4);
}

TEST_CASE("ZeRO-3 gathers dense and expert parameters, each among the ranks that hold the same") {
  const TrainingSpec t = cases::read(
      "job:\n  model: {style: llama, layers: 3, hidden: 64, heads: 4, vocab: 512, "
      "experts: {routed: 4, top-k: 2}}\n  parallel: {dp: 8, ep: 2, zero: 3}\n"
      "  batch: {global: 16, micro: 1, sequence: 128}\n");
  const Workload w = build_training(t, cases::h100());
  REQUIRE(cases::rehearse(w).finished);
  const LocalParameters layer = local_parameters(t, {.layers = 1});
  const LocalParameters all = stage_parameters(t, 0);
  const std::int64_t ends = all.dense() - 3 * layer.dense();
  // 2 micro-batches, 2 B, both passes of 3 layers; the ends once.
  CHECK(bytes_of(w, "dp").at(Collective::kAllGather) == 2 * 2 * (2 * 3 * layer.dense() + ends));
  CHECK(bytes_of(w, "expert-dp").at(Collective::kAllGather) == 2 * 2 * 2 * 3 * layer.experts);
  CHECK(bytes_of(w, "expert-dp").at(Collective::kReduceScatter) == 2 * 4 * 3 * layer.experts);
  const StageMemory m = memory_by_stage(t)[0];
  CHECK(m.optimizer.value() ==
        Approx(12 * (static_cast<double>(all.dense()) / 8 + static_cast<double>(all.experts) / 4)));
}

TEST_CASE("One layer computes while the next one arrives, never the one after that") {
  const Workload w = build(tiny_gpt(6, 2, "zero: 3", 2));
  const Program& program = w.programs[0];
  int arriving = 0;
  int most = 0;
  std::map<std::uint32_t, bool> gather;
  for (std::uint32_t i = 0; i < program.ops.size(); ++i) {
    const Op& op = program.ops[i];
    if (op.kind == Op::Kind::kCommunicate && w.slots[op.slot.value].op == Collective::kAllGather) {
      gather[i] = true;
      most = std::max(most, ++arriving);
    }
    if (op.kind != Op::Kind::kCompute) continue;
    for (const std::uint32_t wait : program.waits_of(op)) arriving -= gather.count(wait) ? 1 : 0;
  }
  CHECK(most == 2);  // That which is waited for next, and the one behind it.
  CHECK(arriving == 0);
}

TEST_CASE("State is 18 bytes a parameter: ZeRO-2 cuts 16 of them, ZeRO-3 all") {
  const auto state = [](const std::string& parallel, const std::string& more = "") {
    const TrainingSpec t = cases::read(
        "job:\n  model: {style: llama, layers: 32, hidden: 4096, heads: 32, vocab: 32000}\n"
        "  parallel: {" +
        parallel + "}\n  batch: {global: 64, sequence: 128}\n" + more);
    const StageMemory m = memory_by_stage(t)[0];
    return (m.weights + m.gradients + m.optimizer).value();
  };
  const TrainingSpec one = cases::read(
      "job:\n  model: {style: llama, layers: 32, hidden: 4096, heads: 32, vocab: 32000}\n"
      "  batch: {global: 64, sequence: 128}\n");
  const auto all = static_cast<double>(parameters(one.model));
  const auto layer = static_cast<double>(local_parameters(one, {.layers = 1}).all);
  const double ends = all - 32 * layer;
  CHECK(state("dp: 64, zero: 0") == 18 * all);
  CHECK(state("dp: 64, zero: 1") == Approx((6 + 12.0 / 64) * all));
  // The bucket whose gradients are whole: a layer, of 202 million parameters.
  CHECK(state("dp: 64, zero: 2") == Approx((2 + 16.0 / 64) * all + 4 * layer));
  // Two layers and both ends whole, and the gradients of one.
  CHECK(state("dp: 64, zero: 3") == Approx(18.0 / 64 * all + 2 * (2 * layer + ends) + 4 * layer));
  CHECK(state("dp: 64, zero: 3, shard: 8") ==
        Approx(18.0 / 8 * all + 2 * (2 * layer + ends) + 4 * layer));
  CHECK(state("dp: 64, zero: 2", "  gradients: {keep: whole}\n") ==
        Approx((2 + 4 + 12.0 / 64) * all));
  CHECK(state("dp: 64, zero: 1", "  gradients: {precision: bf16}\n") ==
        Approx((4 + 12.0 / 64) * all));
}

TEST_CASE("Buckets hold whole layers of at least the size asked for") {
  const auto sizes = [](const std::string& more) {
    const TrainingSpec t = cases::read(tiny_gpt(8, 1, "zero: 1", 2, more));
    std::vector<std::int64_t> layers;
    for (const Bucket& b : buckets_of(t, {.layers = 8, .embedding = true, .head = true})) {
      layers.push_back(b.part.layers);
    }
    return layers;
  };
  // 49,984 parameters a layer.
  CHECK(sizes("") == std::vector<std::int64_t>{0, 8, 0});
  CHECK(sizes("  gradients: {bucket: 1}\n") ==
        std::vector<std::int64_t>{0, 1, 1, 1, 1, 1, 1, 1, 1, 0});
  CHECK(sizes("  gradients: {bucket: 100000}\n") == std::vector<std::int64_t>{0, 3, 3, 2, 0});
}

TEST_CASE("Contradictions of sharding are refused with what would be allowed") {
  const auto faults = [](const std::string& parallel, const std::string& more = "") {
    return cases::faults_of(tiny_gpt(4, 4, parallel, 12, more));
  };
  CHECK(faults("zero: 4") == "3: job.parallel.zero must be at most 3; found 4");
  CHECK(faults("zero: 0, shard: 2") ==
        "3: job.parallel.shard 2 has nothing to cut under job.parallel.zero 0; zero 1, 2 or 3 "
        "would allow it");
  CHECK(faults("zero: 3, shard: 5") ==
        "3: job.parallel.shard 5 must divide dp 12; possible: 12, 6, 4, 3, 2, 1");
  CHECK(faults("zero: 1", "  gradients: {keep: shards}\n") ==
        "6: job.gradients.keep shards needs job.parallel.zero 2 or 3; found 1");
  CHECK(faults("zero: 1", "  gradients: {precision: fp64}\n") ==
        "6: unknown job.gradients.precision \"fp64\"; did you mean \"fp32\"?");
}
