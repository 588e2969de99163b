#include "workloads/layout.h"

#include <catch2/catch.hpp>
#include <random>

#include "tests/workloads/training_cases.h"
#include "workloads/training.h"

using namespace tenk;
using cases::faults_of;
using cases::tiny_gpt;

namespace {

std::string against(const TrainingSpec& training, std::int64_t accelerators) {
  Faults faults;
  check_against(training, accelerators, faults);
  try {
    faults.throw_if_any();
  } catch (const Error& error) {
    return error.faults().front().message;
  }
  return "";
}

}  // namespace

TEST_CASE("A scenario's job is read whole") {
  const TrainingSpec t = cases::read(R"(
job:
  model: {style: llama, layers: 126, hidden: 16384, heads: 128, kv-heads: 8, ffn: 53248,
          vocab: 128256}
  parallel: {tp: 8, cp: 1, pp: 16, vpp: 8, dp: 128, ep: 1, sequence-parallel: true, zero: 1}
  batch: {global: 2048, micro: 1, sequence: 8192}
  precision: bf16
  recompute: selective
  overlap: {tp: true, dp: true, pp: false}
placement: {order: [tp, cp, pp, dp]}
)");
  CHECK(parameters(t.model) == 405'853'388'800);
  CHECK(t.layout.accelerators() == 16384);
  CHECK((t.layout.vpp == 8 && t.layout.zero == 1 && t.layout.schedule == "interleaved"));
  CHECK(t.micro_batches() == 16);
  CHECK(t.tokens_per_step() == 16'777'216);
  CHECK(t.recompute == Recompute::kSelective);
  CHECK((t.overlap.tp && t.overlap.dp && !t.overlap.pp));
  CHECK(t.grid.rank_of({1, 0, 0, 0, 0}) == RankId(1u));
  CHECK(t.grid.rank_of({0, 0, 0, 0, 1}) == RankId(8u));
  CHECK(t.grid.rank_of({0, 0, 0, 1, 0}) == RankId(128u));
  CHECK(t.warnings.empty());
}

TEST_CASE("A job without layout runs on one card") {
  const TrainingSpec t = cases::read(
      "job:\n  model: {layers: 2, hidden: 64, heads: 4, vocab: 9}\n"
      "  batch: {global: 3, sequence: 8}\n");
  CHECK(t.layout.accelerators() == 1);
  CHECK(t.micro_batches() == 3);
  CHECK(t.layout.schedule == "1f1b");
  CHECK((t.overlap.pp && !t.overlap.dp && !t.overlap.tp));
}

TEST_CASE("vpp without a pipeline is ignored with a warning") {
  const TrainingSpec t = cases::read(tiny_gpt(4, 4, "vpp: 4"));
  CHECK(t.layout.vpp == 1);
  CHECK(t.layout.schedule == "1f1b");
  REQUIRE(t.warnings.size() == 1);
  CHECK(t.warnings[0] == "job.parallel.vpp 4 is ignored: with pp 1 there is one stage");
}

TEST_CASE("Layouts that cannot be are refused by key, with what would do") {
  CHECK(faults_of(tiny_gpt(4, 4, "tp: 3")) ==
        "3: job.parallel.tp 3 must divide the model's 4 heads; possible: 1, 2, 4");
  CHECK(faults_of(tiny_gpt(4, 4, "cp: 2")) ==
        "3: job.parallel.cp 2 is not supported yet; cp must be 1");
  CHECK(faults_of(tiny_gpt(4, 4, "ep: 8")) == "3: job.parallel.ep 8 needs a model with experts");
  CHECK(faults_of(tiny_gpt(4, 4, "pp: 4, vpp: 2")) ==
        "3: job.parallel: pp 4 x vpp 2 = 8 chunks, but the model's 4 layers, embedding and head "
        "fill 6 at most");
  CHECK(faults_of(tiny_gpt(4, 4, "pp: 8")) ==
        "3: job.parallel: pp 8 x vpp 1 = 8 chunks, but the model's 4 layers, embedding and head "
        "fill 6 at most");
  CHECK(faults_of(tiny_gpt(4, 4, "pp: 2, vpp: 2, schedule: 1f1b")) ==
        "3: job.parallel.schedule 1f1b: stages hold one chunk each; interleaved runs vpp of them");
  CHECK(faults_of(tiny_gpt(4, 4, "schedule: interleaved")) ==
        "3: job.parallel.schedule interleaved: one stage has nothing to interleave; use 1f1b");
  CHECK(faults_of(tiny_gpt(4, 4, "pp: 2, schedule: gpipe")) ==
        "3: unknown job.parallel.schedule \"gpipe\"; known: 1f1b, interleaved");
  CHECK(faults_of(tiny_gpt(4, 4, "tp: 0")) == "3: job.parallel.tp must be at least 1; found 0");
  CHECK(faults_of(tiny_gpt(4, 4, "tpp: 2")) ==
        "3: unknown key \"tpp\" in job.parallel; did you mean \"tp\"?");
}

TEST_CASE("Listed chunks must fit the layout and the model") {
  CHECK(faults_of(tiny_gpt(4, 4, "pp: 2, chunk-layers: [1, 2, 1]")) ==
        "3: job.parallel.chunk-layers has 3 numbers, but pp 2 x vpp 1 = 2 chunks");
  CHECK(faults_of(tiny_gpt(4, 4, "pp: 2, chunk-layers: [1, 2]")) ==
        "3: job.parallel.chunk-layers adds up to 3, but the model has 4 layers");
  CHECK(faults_of(tiny_gpt(4, 4, "pp: 3, chunk-layers: [2, 0, 2]")) ==
        "3: job.parallel.chunk-layers: only the first chunk, which has the embedding, and the "
        "last, which has the head, can be without layers");
  CHECK(faults_of(tiny_gpt(4, 4, "pp: 3, chunk-layers: [0, 4, 0]")).empty());
}

TEST_CASE("Key/value heads fewer than tp are copied, others must divide") {
  const std::string job =
      "job:\n  model: {style: llama, layers: 2, hidden: 96, heads: 24, "
      "kv-heads: 6, ffn: 96, vocab: 9}\n"
      "  batch: {global: 4, sequence: 48}\n";
  CHECK(faults_of(job + "  parallel: {tp: 12}\n").empty());
  CHECK(faults_of(job + "  parallel: {tp: 4}\n") ==
        "4: job.parallel.tp 4 must divide the model's 6 kv-heads or be a multiple of them; "
        "possible: 1, 2, 3, 6, 12, 24");
}

TEST_CASE("Batches that do not divide are refused with the arithmetic") {
  CHECK(faults_of("job:\n  model: {layers: 2, hidden: 64, heads: 4, vocab: 9}\n"
                  "  parallel: {dp: 64}\n  batch: {global: 100, micro: 2, sequence: 8}\n") ==
        "4: job.batch.global 100 must be a multiple of micro 2 x dp 64 = 128; nearest: 128");
  CHECK(faults_of("job:\n  model: {layers: 2, hidden: 64, heads: 4, vocab: 9}\n"
                  "  parallel: {tp: 4}\n  batch: {global: 1, sequence: 10}\n") ==
        "4: job.batch.sequence 10 must be a multiple of tp 4 under sequence-parallel");
  CHECK(faults_of("job:\n  model: {layers: 2, hidden: 64, heads: 4, vocab: 9}\n"
                  "  parallel: {tp: 4, sequence-parallel: false}\n"
                  "  batch: {global: 1, sequence: 10}\n")
            .empty());
  CHECK(faults_of("job:\n  model: {layers: 2, hidden: 64, heads: 4, vocab: 9}\n"
                  "  batch: {global: 1000000000, sequence: 10}\n") ==
        "3: job.batch: 1000000000 micro-batches through 1 chunks are more than 4194304 passes");
}

TEST_CASE("Unknown precisions and other words are named") {
  const std::string job =
      "job:\n  model: {layers: 2, hidden: 64, heads: 4, vocab: 9}\n"
      "  batch: {global: 1, sequence: 8}\n";
  CHECK(faults_of(job + "  precision: fp9\n") ==
        "4: unknown job.precision \"fp9\"; did you mean \"fp8\"?");
  CHECK(faults_of(job + "  recompute: ful\n") ==
        "4: unknown job.recompute \"ful\"; did you mean \"full\"?");
}

TEST_CASE("Inline models that cannot be are refused") {
  const std::string rest = "\n  batch: {global: 1, sequence: 8}\n";
  CHECK(faults_of("job:\n  model: {layers: 2, hidden: 64, heads: 5, vocab: 9}" + rest) ==
        "2: job.model.heads 5 does not divide job.model.hidden 64: choose heads that do, or give "
        "head-dim");
  CHECK(
      faults_of("job:\n  model: {layers: 2, hidden: 64, heads: 4, kv-heads: 3, vocab: 9}" + rest) ==
      "2: job.model.kv-heads 3 does not divide job.model.heads 4: each key/value head serves as "
      "many query heads");
  CHECK(faults_of("job:\n  model: {style: llama, layers: 2, hidden: 64, heads: 4, vocab: 9, "
                  "positions: 8}" +
                  rest) == "2: job.model.positions is of style gpt; llama is rotary");
  CHECK(faults_of("job:\n  model: {layers: 2, hidden: 64, vocab: 9}" + rest) ==
        "2: job.model needs \"heads\"");
  CHECK(faults_of("job:\n  model: {hf-config: }" + rest).find("job.model needs") !=
        std::string::npos);
}

TEST_CASE("Models too large for the arithmetic are refused") {
  CHECK(faults_of("job:\n  model: {layers: 10000, hidden: 1048576, heads: 16384, vocab: 9, "
                  "head-dim: 8192}\n  batch: {global: 1, sequence: 8}\n") ==
        "2: a model of 5717464595844562944 parameters; at most 10^16");
}

TEST_CASE("A number that could not be read causes no further faults") {
  CHECK(faults_of("job:\n  model: {layers: 2, hidden: 64, heads: 4, vocab: 9}\n"
                  "  parallel: {dp: 64}\n  batch: {global: many, sequence: 8}\n") ==
        "4: job.batch.global must be a whole number; found many");
}

TEST_CASE("Faults of several sections come out together") {
  CHECK(faults_of(tiny_gpt(4, 4, "tp: 3, pp: 7", 1, "placement: {order: [tp, dp]}\n")) ==
        "6: placement.order lacks pp, whose degree is 7");
  CHECK(faults_of(tiny_gpt(4, 4, "tp: 3, pp: 7")) ==
        "3: job.parallel.tp 3 must divide the model's 4 heads; possible: 1, 2, 4\n"
        "3: job.parallel: pp 7 x vpp 1 = 7 chunks, but the model's 4 layers, embedding and head "
        "fill 6 at most");
}

TEST_CASE("Placement orders name each dimension of more than one rank once") {
  const auto with = [](const std::string& order) {
    return faults_of(tiny_gpt(4, 4, "tp: 2, pp: 2", 2, "placement: {order: " + order + "}\n"));
  };
  CHECK(with("[tp, pp, dp]").empty());
  CHECK(with("[dp, tp, ep, pp, cp]").empty());
  CHECK(with("[tp, pp]") == "6: placement.order lacks dp, whose degree is 2");
  CHECK(with("[tp, tp, pp, dp]") == "6: placement.order has tp twice");
  CHECK(with("[tp, pp, dp, sp]") ==
        "6: placement.order has \"sp\"; it lists tp, cp, ep, dp and pp, the fastest first");
  CHECK(with("tp") == "6: placement.order must be a list; found tp");
}

TEST_CASE("Rank and coordinates are inverse, and lines vary one dimension") {
  const std::vector<std::vector<Dimension>> orders = {
      {Dimension::kTp, Dimension::kCp, Dimension::kEp, Dimension::kDp, Dimension::kPp},
      {Dimension::kPp, Dimension::kTp, Dimension::kDp},
      {Dimension::kDp, Dimension::kPp, Dimension::kTp}};
  for (const auto& order : orders) {
    const RankGrid grid(order, {4, 1, 1, 3, 5});
    REQUIRE(grid.ranks() == 60);
    for (std::size_t r = 0; r < grid.ranks(); ++r) {
      const PerDimension at = grid.coordinates_of(RankId(r));
      REQUIRE(grid.rank_of(at) == RankId(r));
      const auto line = grid.line(RankId(r), Dimension::kDp);
      REQUIRE(line.size() == 3);
      for (std::size_t c = 0; c < line.size(); ++c) {
        PerDimension expected = at;
        expected[static_cast<std::size_t>(Dimension::kDp)] = static_cast<std::int64_t>(c);
        REQUIRE(grid.coordinates_of(line[c]) == expected);
      }
    }
  }
}

TEST_CASE("By default tensor-parallel ranks are neighbours, then replicas, then stages") {
  const TrainingSpec t = cases::read(tiny_gpt(4, 4, "tp: 2, pp: 2", 4));
  CHECK(t.grid.rank_of({1, 0, 0, 0, 0}) == RankId(1u));
  CHECK(t.grid.rank_of({0, 0, 0, 1, 0}) == RankId(2u));
  CHECK(t.grid.rank_of({0, 0, 0, 0, 1}) == RankId(8u));
}

TEST_CASE("The layout must fill the cluster") {
  const TrainingSpec t = cases::read(tiny_gpt(4, 4, "tp: 2, pp: 2", 4));
  CHECK(against(t, 16).empty());
  CHECK(against(t, 64) ==
        "job.parallel: tp 2 x cp 1 x pp 2 x dp 4 = 16 accelerators, but the cluster has 64; dp 16 "
        "works");
  CHECK(against(t, 12) ==
        "job.parallel: tp 2 x cp 1 x pp 2 x dp 4 = 16 accelerators, but the cluster has 12; dp 3 "
        "works with a global batch that is a multiple of 3");
  CHECK(against(t, 18) ==
        "job.parallel: tp 2 x cp 1 x pp 2 x dp 4 = 16 accelerators, but the cluster has 18; no dp "
        "works: 18 is no multiple of tp x cp x pp = 4");
}

TEST_CASE("Random and hostile numbers give a spec or an error, never more") {
  std::mt19937_64 random(7);
  const std::vector<std::string> words = {"0",       "1",           "2",  "3",    "8", "64", "4096",
                                          "1000000", "99999999999", "-1", "1e18", "x", "[]", "~"};
  const auto word = [&] { return words[random() % words.size()]; };
  for (int i = 0; i < 2000; ++i) {
    const std::string yaml =
        "job:\n  model: {layers: " + word() + ", hidden: " + word() + ", heads: " + word() +
        ", vocab: " + word() + "}\n  parallel: {tp: " + word() + ", pp: " + word() +
        ", vpp: " + word() + ", dp: " + word() + "}\n  batch: {global: " + word() +
        ", micro: " + word() + ", sequence: " + word() + "}\n";
    try {
      const TrainingSpec t = cases::read(yaml);
      REQUIRE(t.micro_batches() >= 1);
      const TrainingFacts facts = describe_training(t, cases::h100());
      REQUIRE(facts.memory_per_gpu > Bytes());
      REQUIRE(facts.parameters > 0);
      const bool small = t.micro_batches() * t.model.layers < 100'000 && t.grid.ranks() < 10'000;
      if (small) build_training(t, cases::h100());
    } catch (const Error& error) {
      REQUIRE(error.exit_code() == 3);
    }
  }
}
