// Ranks that share sequences: what they exchange, compute and keep.
#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "tests/workloads/training_cases.h"
#include "workloads/attention.h"
#include "workloads/flops.h"
#include "workloads/shard.h"
#include "workloads/training.h"

using namespace tenk;
using cases::tiny_gpt;

namespace {

TrainingSpec llama(const std::string& parallel, std::int64_t sequence = 32768) {
  return cases::read(fmt::format(
      "job:\n  model: {{style: llama, layers: 4, hidden: 4096, heads: 32, kv-heads: 8, "
      "ffn: 14336, vocab: 32000}}\n  parallel: {{{}}}\n  batch: {{global: 4, sequence: {}}}\n",
      parallel, sequence));
}

AttentionPasses attention_of(const TrainingSpec& t) {
  return attention_passes(t, cases::h100(), t.model.kind_of(0));
}

double seconds(const Pass& pass) {
  double sum = 0;
  for (const Piece& piece : pass) sum += piece.compute.s();
  return sum;
}

std::int64_t bytes(const Pass& pass, Collective op) {
  std::int64_t sum = 0;
  for (const Piece& piece : pass) {
    if (piece.communicates && piece.op == op) sum += piece.bytes.count();
  }
  return sum;
}

const char* const kExchanges[] = {"ring", "all-gather", "all-to-all"};

}  // namespace

TEST_CASE(
    "cp ranks share the tokens: attention takes 1/cp of the time, and little more in rounds") {
  const AttentionPasses one = attention_of(llama("tp: 1"));
  for (const char* exchange : kExchanges) {
    const AttentionPasses four =
        attention_of(llama(fmt::format("cp: 4, cp-exchange: {}", exchange)));
    INFO(exchange);
    CHECK(seconds(four.forward) > 0.97 * seconds(one.forward) / 4);
    CHECK(seconds(four.forward) < 1.3 * seconds(one.forward) / 4);
    CHECK(seconds(four.backward) > 0.97 * seconds(one.backward) / 4);
    CHECK(seconds(four.backward) < 1.3 * seconds(one.backward) / 4);
  }
}

TEST_CASE("A ring passes keys and values on cp - 1 times, and their gradients cp times") {
  const AttentionPasses passes = attention_of(llama("cp: 4"));
  // 8,192 tokens x 2 x 8 heads x 128 x 2 B.
  const std::int64_t block = 8192 * 2 * 8 * 128 * 2;
  CHECK(bytes(passes.forward, Collective::kSend) == 3 * block);
  CHECK(bytes(passes.backward, Collective::kSend) == (3 + 4) * block);
  // All but the last hop beside computation.
  for (const Pass* pass : {&passes.forward, &passes.backward}) {
    for (std::size_t i = 0; i < pass->size(); ++i) {
      if (!(*pass)[i].communicates || i + 1 == pass->size()) continue;
      CHECK((*pass)[i].beside_next);
      CHECK_FALSE((*pass)[i + 1].communicates);
    }
  }
  CHECK(passes.backward.back().communicates);
}

TEST_CASE("All-gather and all-to-all move what their papers say") {
  const AttentionPasses gathered = attention_of(llama("cp: 4, cp-exchange: all-gather"));
  const std::int64_t block = 8192 * 2 * 8 * 128 * 2;
  CHECK(bytes(gathered.forward, Collective::kAllGather) == 4 * block);
  CHECK(bytes(gathered.backward, Collective::kAllGather) == 4 * block);
  CHECK(bytes(gathered.backward, Collective::kReduceScatter) == 4 * block);
  // Queries, keys and values in, results out: tokens / cp x (32 + 2 x 8 + 32) heads x 128 x 2 B.
  const AttentionPasses dealt = attention_of(llama("cp: 4, cp-exchange: all-to-all"));
  const std::int64_t all = 8192 * (32 + 16 + 32) * 128 * 2;
  CHECK(bytes(dealt.forward, Collective::kAllToAll) == all);
  CHECK(bytes(dealt.backward, Collective::kAllToAll) == all);
}

TEST_CASE("Every program with shared sequences ends, and replicas of cp x dp reduce gradients") {
  for (const char* exchange : kExchanges) {
    for (const std::string layout : {"cp: 2", "tp: 2, cp: 2, pp: 2", "cp: 2, zero: 3, shard: 3",
                                     "cp: 4, pp: 2, vpp: 2", "cp: 2, pp: 2, schedule: zb-h1"}) {
      if (layout.find("cp: 4") == 0 && std::string(exchange) == "all-to-all") continue;
      INFO(layout << " " << exchange);
      const TrainingSpec t =
          cases::read(tiny_gpt(8, 4, layout + fmt::format(", cp-exchange: {}", exchange), 3));
      const Workload w = build_training(t, cases::h100());
      REQUIRE(cases::rehearse(w).finished);
      for (const Family& family : w.families) {
        std::set<std::pair<std::uint32_t, bool>> seen;
        for (std::size_t g = 0; g < family.groups(); ++g) {
          const auto group = family.group(g);
          for (std::size_t i = 0; i < group.size(); ++i) {
            REQUIRE(seen.insert({group[i].value, family.directed && i == 0}).second);
          }
        }
      }
      CHECK(t.layout.data_ranks() == t.layout.cp * 3);
      CHECK(t.layout.shards() * t.layout.copies() == t.layout.data_ranks());
    }
  }
}

TEST_CASE("Context parallelism cuts activations, not weights, and computes the same in all") {
  const TrainingSpec one = llama("dp: 4, zero: 0"), four = llama("cp: 4, zero: 0");
  const StageMemory a = memory_by_stage(one)[0], b = memory_by_stage(four)[0];
  CHECK(a.weights == b.weights);
  CHECK(b.activations.value() == Approx(a.activations.value() / 4));
  CHECK(model_flops(one.model, one.batch).full == model_flops(four.model, four.batch).full);
}

TEST_CASE("Contexts that cannot be shared are refused with what would do") {
  const auto faults = [](const std::string& parallel, const std::string& more = "") {
    return cases::faults_of(tiny_gpt(4, 4, parallel, 1, more));
  };
  CHECK(faults("cp: 3") ==
        "3: job.parallel.cp 3: the sequence of 128 tokens must be a multiple of 2 x cp = 6");
  CHECK(
      faults("tp: 4, cp: 32") ==
      "3: job.parallel.cp 32: the sequence of 128 tokens must be a multiple of 2 x cp x tp = 256");
  CHECK(faults("cp: 2", "  attention: unfused\n") ==
        "3: job.parallel.cp 2 needs job.attention flash or flash-2");
  CHECK(faults("cp: 8, cp-exchange: all-to-all") ==
        "3: job.parallel.cp-exchange all-to-all: cp 8 must divide the 4 key/value heads of a rank; "
        "ring and all-gather do without");
  CHECK(faults("cp: 2, cp-exchange: p2p").find("unknown job.parallel.cp-exchange \"p2p\"") !=
        std::string::npos);
}
