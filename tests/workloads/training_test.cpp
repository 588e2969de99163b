#include "workloads/training.h"

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "tests/workloads/training_cases.h"
#include "workloads/layer_times.h"
#include "workloads/optimizer.h"
#include "workloads/shard.h"

using namespace tenk;
using cases::tiny_gpt;

namespace {

Workload build(const std::string& yaml) { return build_training(cases::read(yaml), cases::h100()); }

const Family* find_family(const Workload& w, const std::string& name) {
  for (const Family& family : w.families) {
    if (family.name == name) return &family;
  }
  return nullptr;
}

const Family& family_of(const Workload& w, const Op& op) {
  return w.families[w.slots[op.slot.value].family.value];
}

// The communications of a program in a family, in order.
std::vector<Op> calls(const Workload& w, std::size_t role, const std::string& family) {
  std::vector<Op> all;
  for (const Op& op : w.programs[role].ops) {
    if (op.kind == Op::Kind::kCommunicate && family_of(w, op).name == family) all.push_back(op);
  }
  return all;
}

std::vector<Bytes> messages(const Workload& w, std::size_t role, const std::string& family,
                            bool sends) {
  std::vector<Bytes> all;
  for (const Op& op : calls(w, role, family)) {
    if (op.sends == sends) all.push_back(w.slots[op.slot.value].bytes);
  }
  return all;
}

const std::vector<std::string> kLayouts = {"tp: 1",
                                           "tp: 4",
                                           "tp: 2, pp: 4",
                                           "tp: 2, pp: 4, sequence-parallel: false",
                                           "pp: 6, vpp: 2",
                                           "tp: 2, pp: 2, vpp: 3, zero: 0",
                                           "pp: 3, vpp: 2, schedule: interleaved"};

}  // namespace

TEST_CASE("Waits point backwards, and every slot, family and role exists") {
  for (const std::string& layout : kLayouts) {
    for (const int dp : {1, 2}) {
      for (const bool overlap : {false, true}) {
        const Workload w =
            build(tiny_gpt(12, 6, layout, dp, fmt::format("  overlap: {{pp: {}}}\n", overlap)));
        for (const RoleId role : w.role_of_rank) REQUIRE(role.value < w.programs.size());
        for (const Slot& slot : w.slots) REQUIRE(slot.family.value < w.families.size());
        for (const Program& program : w.programs) {
          for (std::size_t i = 0; i < program.ops.size(); ++i) {
            const Op& op = program.ops[i];
            for (const std::uint32_t wait : program.waits_of(op)) REQUIRE(wait < i);
            if (op.kind == Op::Kind::kCommunicate) REQUIRE(op.slot.value < w.slots.size());
            REQUIRE(op.duration >= Time{});
          }
        }
      }
    }
  }
}

TEST_CASE("Families hold each rank once, along one dimension") {
  const Workload w = build(tiny_gpt(12, 6, "tp: 2, pp: 3, vpp: 2", 4));
  REQUIRE(w.ranks() == 24);
  for (const Family& family : w.families) {
    std::set<std::pair<std::uint32_t, bool>> seen;
    for (std::size_t g = 0; g < family.groups(); ++g) {
      const auto group = family.group(g);
      if (family.directed) REQUIRE(group.size() == 2);
      for (std::size_t i = 0; i < group.size(); ++i) {
        const bool source = family.directed && i == 0;
        REQUIRE(seen.insert({group[i].value, source}).second);
      }
    }
  }
  CHECK(find_family(w, "tp")->groups() == 12);
  CHECK(find_family(w, "dp")->groups() == 6);
  CHECK(find_family(w, "pp-forward")->groups() == 24);  // A ring: last stage to first as well.
  CHECK(find_family(w, "embedding")->groups() == 8);
  // Default order tp-dp-pp: rank 0's peers.
  CHECK(find_family(w, "tp")->group(0)[1] == RankId(1u));
  CHECK(find_family(w, "dp")->group(0)[1] == RankId(2u));
  CHECK(find_family(w, "pp-forward")->group(0)[1] == RankId(8u));
  CHECK(find_family(w, "embedding")->group(0)[1] == RankId(16u));
}

TEST_CASE("Families of degree one do not exist, and one chunk a stage makes no ring") {
  const Workload alone = build(tiny_gpt(4, 2, "tp: 1"));
  CHECK(alone.families.empty());
  CHECK(alone.slots.empty());
  const Workload w = build(tiny_gpt(4, 2, "pp: 4"));
  CHECK(find_family(w, "pp-forward")->groups() == 3);
  CHECK(find_family(w, "pp-backward")->group(0)[0] == RankId(1u));
  CHECK(find_family(w, "dp") == nullptr);
}

TEST_CASE("Sends of a stage match receives of its neighbour in number and bytes") {
  for (const std::string& layout : kLayouts) {
    const TrainingSpec t = cases::read(tiny_gpt(12, 6, layout));
    const Workload w = build_training(t, cases::h100());
    const auto p = static_cast<std::size_t>(t.layout.pp);
    if (p == 1) continue;
    std::size_t all = 0;
    for (std::size_t s = 0; s < p; ++s) {
      const std::size_t next = (s + 1) % p;
      REQUIRE(messages(w, s, "pp-forward", true) == messages(w, next, "pp-forward", false));
      REQUIRE(messages(w, next, "pp-backward", true) == messages(w, s, "pp-backward", false));
      all += messages(w, s, "pp-forward", true).size();
    }
    CHECK(static_cast<std::int64_t>(all) == (t.layout.chunks() - 1) * t.micro_batches());
  }
}

TEST_CASE("A message is a micro-batch's activations, under sequence parallelism a shard of them") {
  const Bytes whole(128 * 64 * 2);
  CHECK(messages(build(tiny_gpt(4, 2, "pp: 2")), 0, "pp-forward", true)[0] == whole);
  CHECK(messages(build(tiny_gpt(4, 2, "tp: 2, pp: 2")), 0, "pp-forward", true)[0] ==
        Bytes(whole.count() / 2));
  CHECK(messages(build(tiny_gpt(4, 2, "tp: 2, pp: 2, sequence-parallel: false")), 0, "pp-forward",
                 true)[0] == whole);
}

TEST_CASE("Every forward has its backward: a layer's all-gathers and reduce-scatters balance") {
  const Workload w = build(tiny_gpt(4, 3, "tp: 2"));
  std::map<Collective, int> count;
  for (const Op& op : calls(w, 0, "tp")) ++count[w.slots[op.slot.value].op];
  // 3 micro-batches x 4 layers: forward 2 + 2; backward 2, and 2 + 2 beside gradients. Embedding:
  // 1 scatter, 1 gather; head: 1 gather; 1 gather + 1 scatter; 3 all-reduces. Norms: 1 all-reduce.
  CHECK(count[Collective::kAllGather] == 3 * (4 * 6 + 3));
  CHECK(count[Collective::kReduceScatter] == 3 * (4 * 4 + 2));
  CHECK(count[Collective::kAllReduce] == 3 * 3 + 1);
}

TEST_CASE("Compute of all programs is the passes of the model") {
  const TrainingSpec t = cases::read(tiny_gpt(12, 6, "tp: 2, pp: 3, vpp: 2", 2));
  const DeviceProfile device = cases::h100();
  const ModelPasses p = model_passes(t, device);
  const auto ps = [](const Pass& pass) {
    std::int64_t sum = 0;
    for (const Piece& piece : pass) sum += piece.compute.ps();
    return sum;
  };
  std::int64_t expected =
      6 * (ps(p.embedding_forward) + ps(p.embedding_backward) + ps(p.head_forward) +
           ps(p.head_backward) + 12 * (ps(p.layers[0].forward) + ps(p.layers[0].backward)));
  std::int64_t found = 0;
  const Workload w = build_training(t, device);
  for (std::int64_t s = 0; s < 3; ++s) {
    const std::int64_t held = stage_parameters(t, s).all;
    expected += optimizer_time(t, device, (held + 1) / 2, held).ps();
    for (const Op& op : w.programs[static_cast<std::size_t>(s)].ops) found += op.duration.ps();
  }
  CHECK(found == expected);
}

TEST_CASE("Every program ends on a free network, with and without overlap of the pipeline") {
  for (const std::string& layout : kLayouts) {
    for (const bool overlap : {false, true}) {
      INFO(layout << " overlap.pp " << overlap);
      const Workload w =
          build(tiny_gpt(12, 6, layout, 2, fmt::format("  overlap: {{pp: {}}}\n", overlap)));
      REQUIRE(cases::rehearse(w).finished);
    }
  }
}

TEST_CASE("No pipeline deadlocks, whatever its stages, chunks and micro-batches") {
  for (const bool overlap : {true, false}) {
    for (int p = 2; p <= 8; p += 1) {
      for (int v = 1; v <= 4; ++v) {
        for (int m = 1; m <= 20; ++m) {
          const std::string yaml = tiny_gpt(32, m, fmt::format("pp: {}, vpp: {}", p, v), 1,
                                            fmt::format("  overlap: {{pp: {}}}\n", overlap));
          if (!overlap && v > 1 && m > p && m % p != 0) {
            REQUIRE(cases::faults_of(yaml) ==
                    fmt::format("3: job.parallel.vpp {} without overlap.pp deadlocks unless the {} "
                                "micro-batches are a multiple of pp {}",
                                v, m, p));
            continue;
          }
          const Workload w = build(yaml);
          INFO("p " << p << " v " << v << " m " << m << " overlap " << overlap);
          REQUIRE(cases::rehearse(w).finished);
        }
      }
    }
  }
}

TEST_CASE("On a free network 1F1B takes (m + p - 1) passes of a stage and the update") {
  // Listed so that all stages hold alike; embedding and head differ, so bound from both sides.
  const std::string yaml = tiny_gpt(32, 16, "pp: 4");
  const TrainingSpec t = cases::read(yaml);
  const ModelPasses p = model_passes(t, cases::h100());
  const double layer = p.layers[0].forward[0].compute.s() + p.layers[0].backward[0].compute.s();
  const double ends = p.embedding_forward[0].compute.s() + p.embedding_backward[0].compute.s() +
                      p.head_forward[0].compute.s() + p.head_backward[0].compute.s();
  const double end = cases::rehearse(build(yaml)).end.s();
  CHECK(end > 8 * layer * (16 + 3));
  CHECK(end < (8 * layer + ends) * (16 + 3) + 1e-3);
}

TEST_CASE("ZeRO-1 scatters FP32 gradients before Adam and gathers BF16 parameters after it") {
  const TrainingSpec t = cases::read(tiny_gpt(4, 2, "tp: 2", 8));
  const Workload w = build_training(t, cases::h100());
  const std::int64_t held = stage_parameters(t, 0).all;
  const auto dp = calls(w, 0, "dp");
  REQUIRE(dp.size() == 2);
  CHECK(w.slots[dp[0].slot.value].op == Collective::kReduceScatter);
  CHECK(w.slots[dp[0].slot.value].bytes == Bytes(4 * held));
  CHECK(w.slots[dp[1].slot.value].op == Collective::kAllGather);
  CHECK(w.slots[dp[1].slot.value].bytes == Bytes(2 * held));
  const auto& ops = w.programs[0].ops;
  REQUIRE(ops.size() > 3);
  const auto n = static_cast<std::uint32_t>(ops.size());
  // Last: exchange after all before it, Adam after the exchange, gather after Adam.
  CHECK(w.programs[0].waits_of(ops[n - 3])[0] == n - 4);
  CHECK(w.programs[0].waits_of(ops[n - 2])[0] == n - 3);
  CHECK(w.programs[0].waits_of(ops[n - 1])[0] == n - 2);
}

TEST_CASE("Under overlap.dp buckets carry the same bytes as one exchange, and all programs end") {
  for (const char* layout : {"tp: 2", "pp: 4", "tp: 2, pp: 2, vpp: 2", "pp: 3, zero: 0"}) {
    INFO(layout);
    const std::string plain = tiny_gpt(12, 6, layout, 4);
    const std::string beside = tiny_gpt(12, 6, layout, 4, "  overlap: {dp: true}\n");
    const Workload a = build(plain), b = build(beside);
    for (std::size_t s = 0; s < a.programs.size(); ++s) {
      std::map<Collective, std::int64_t> at_once, in_buckets;
      for (const Op& op : calls(a, s, "dp")) {
        at_once[a.slots[op.slot.value].op] += a.slots[op.slot.value].bytes.count();
      }
      for (const Op& op : calls(b, s, "dp")) {
        in_buckets[b.slots[op.slot.value].op] += b.slots[op.slot.value].bytes.count();
      }
      CHECK(at_once == in_buckets);
    }
    CHECK(cases::rehearse(b).finished);
    CHECK(cases::rehearse(b).end == cases::rehearse(a).end);  // Communication takes no time there.
  }
}

TEST_CASE(
    "Under overlap.dp gradients leave before the step's computation ends, and parameters "
    "arrive before it begins") {
  // 7 buckets: at hidden 4,096 a layer has 200 million parameters, more than a bucket.
  const Workload w = build(
      "job:\n  model: {style: llama, layers: 5, hidden: 4096, heads: 32, vocab: 32000}\n"
      "  parallel: {dp: 2}\n  batch: {global: 4, sequence: 128}\n  overlap: {dp: true}\n");
  const auto& ops = w.programs[0].ops;
  std::vector<std::size_t> gathers, reductions;
  std::size_t last_compute = 0;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    if (ops[i].kind == Op::Kind::kCompute) last_compute = i;
    if (ops[i].kind != Op::Kind::kCommunicate) continue;
    (w.slots[ops[i].slot.value].op == Collective::kAllGather ? gathers : reductions).push_back(i);
  }
  REQUIRE(gathers.size() == 7);
  REQUIRE(reductions.size() == 7);
  CHECK(gathers.back() == 6);  // Before anything computes.
  for (std::size_t b = 0; b + 1 < 7; ++b) CHECK(reductions[b] + 1 < reductions[b + 1]);
  // Adam comes last and waits for all reductions.
  CHECK(last_compute == ops.size() - 1);
  CHECK(w.programs[0].waits_of(ops.back()).size() == 7);
}

TEST_CASE("overlap.tp moves the same bytes in two parts and exposes one part in tp") {
  const Workload a = build(tiny_gpt(4, 2, "tp: 4"));
  const Workload b = build(tiny_gpt(4, 2, "tp: 4", 1, "  overlap: {tp: true}\n"));
  const auto bytes = [](const Workload& w, bool exposed_only) {
    std::int64_t sum = 0;
    for (const Op& op : calls(w, 0, "tp")) {
      if (exposed_only && op.stream != Stream::kCompute) continue;
      sum += w.slots[op.slot.value].bytes.count();
    }
    return sum;
  };
  CHECK(bytes(a, false) == bytes(b, false));
  CHECK(bytes(b, true) < bytes(a, true) / 2);
  CHECK(cases::rehearse(b).finished);
}

TEST_CASE("A replicated optimizer all-reduces FP32 gradients") {
  const TrainingSpec t = cases::read(tiny_gpt(4, 2, "zero: 0", 8));
  const Workload w = build_training(t, cases::h100());
  const auto dp = calls(w, 0, "dp");
  REQUIRE(dp.size() == 1);
  CHECK(w.slots[dp[0].slot.value].op == Collective::kAllReduce);
  CHECK(w.slots[dp[0].slot.value].bytes == Bytes(4 * parameters(t.model)));
}

TEST_CASE("Tied embeddings are all-reduced between the first and the last stage") {
  const Workload w = build(tiny_gpt(4, 2, "tp: 2, pp: 4"));
  for (std::size_t s = 0; s < 4; ++s) {
    const auto embedding = calls(w, s, "embedding");
    REQUIRE(embedding.size() == (s == 0 || s == 3 ? 1 : 0));
    if (embedding.empty()) continue;
    CHECK(embedding[0].category == Category::kDp);
    CHECK(w.slots[embedding[0].slot.value].bytes == Bytes(512 / 2 * 64 * 4));
  }
  const Workload untied = build(
      "job:\n  model: {style: llama, layers: 4, hidden: 64, heads: 4, vocab: 512}\n"
      "  parallel: {pp: 2}\n  batch: {global: 2, sequence: 128}\n");
  CHECK(find_family(untied, "embedding") == nullptr);
}

TEST_CASE("Without overlap of the pipeline a stage waits for what it sends") {
  const std::string serial = "  overlap: {pp: false}\n";
  const Workload w = build(tiny_gpt(4, 4, "pp: 2", 1, serial));
  const Program& first = w.programs[0];
  std::set<std::uint32_t> waited;
  for (const Op& op : first.ops) {
    if (op.kind != Op::Kind::kCompute) continue;
    for (const std::uint32_t wait : first.waits_of(op)) waited.insert(wait);
  }
  for (std::uint32_t i = 0; i < first.ops.size(); ++i) {
    if (first.ops[i].category == Category::kPp) CHECK(waited.count(i) == 1);
  }
}

TEST_CASE("Receives are posted early under overlap of the pipeline") {
  const Workload w = build(tiny_gpt(4, 4, "pp: 2"));
  for (const Op& op : calls(w, 1, "pp-forward")) CHECK(op.wait_count == 0);
}

TEST_CASE("Facts of a job say what was assumed and what was ignored") {
  const TrainingSpec t =
      cases::read(tiny_gpt(4, 6, "tp: 2, pp: 2, vpp: 2", 2, "  overlap: {tp: true, dp: true}\n"));
  const TrainingFacts facts = describe_training(t, cases::h100());
  CHECK(facts.parameters == parameters(t.model));
  CHECK(facts.tokens_per_step == 12 * 128);
  CHECK(facts.model_flops_causal < facts.model_flops_per_step);
  CHECK(facts.fits);
  CHECK(facts.memory_by_stage.size() == 2);
  const auto assumes = [&](const std::string& text) {
    return std::any_of(facts.assumptions.begin(), facts.assumptions.end(),
                       [&](const std::string& a) { return a.find(text) != std::string::npos; });
  };
  CHECK(assumes("overlap.dp: gradients leave in buckets of whole layers"));
  CHECK(assumes("overlap.tp: gathers and reductions run beside their product"));
  CHECK(assumes("sends its shard"));
  CHECK_FALSE(assumes("join the last group"));
  const TrainingFacts ignored =
      describe_training(cases::read(tiny_gpt(4, 6, "vpp: 2")), cases::h100());
  CHECK(ignored.warnings.size() == 1);
}

TEST_CASE("Llama 3 405B on 16,384 cards is 16 programs of a few thousand operations") {
  const Workload w = build(
      "job:\n  model: {style: llama, layers: 126, hidden: 16384, heads: 128, kv-heads: 8, "
      "ffn: 53248, vocab: 128256}\n  parallel: {tp: 8, pp: 16, vpp: 8, dp: 128}\n"
      "  batch: {global: 2048, sequence: 8192}\nplacement: {order: [tp, cp, pp, dp]}\n");
  CHECK(w.ranks() == 16384);
  REQUIRE(w.programs.size() == 16);
  for (const Program& program : w.programs) CHECK(program.ops.size() < 5000);
  CHECK(w.slots.size() < 20);
  CHECK(find_family(w, "tp")->groups() == 2048);
}

TEST_CASE("A host that issues no layer more slowly than it computes changes nothing") {
  TrainingSpec spec = cases::read(tiny_gpt(8, 6, "pp: 2"));
  const DeviceProfile device = cases::h100();
  const Time free = cases::rehearse(build_training(spec, device)).end;
  spec.host = {Time::picoseconds(1), Time::picoseconds(1)};
  CHECK(cases::rehearse(build_training(spec, device)).end == free);
}

TEST_CASE("A slow host sets the pace: it issues every layer of every micro-batch one by one") {
  TrainingSpec spec = cases::read(tiny_gpt(8, 6, "tp: 1"));
  const DeviceProfile device = cases::h100();
  const Time free = cases::rehearse(build_training(spec, device)).end;
  spec.host = {Time::seconds(0.001), Time::seconds(0.002)};
  const double issue = 6 * 8 * (0.001 + 0.002);  // Micro-batches x layers x both passes.
  const double end = cases::rehearse(build_training(spec, device)).end.s();
  CHECK(end >= issue);
  CHECK(end <= issue + free.s());
  spec.recompute = Recompute::kFull;  // A forward pass is issued once more.
  CHECK(cases::rehearse(build_training(spec, device)).end.s() >= 6 * 8 * 0.004);
}

TEST_CASE("Unfused attention takes longer than flash, and longest where its forward is repeated") {
  TrainingSpec spec = cases::read(tiny_gpt(2, 1, "tp: 1"));
  spec.batch.sequence = 2048;
  const DeviceProfile device = cases::h100();
  const auto backward = [&] {
    Time sum;
    const ModelPasses passes = model_passes(spec, device);
    for (const Piece& piece : passes.layers[0].backward) sum += piece.compute;
    return sum;
  };
  const Time flash = backward();
  const Bytes small = memory_by_stage(spec)[0].activations;
  spec.attention = AttentionKernel::kUnfused;
  const Time unfused = backward();
  CHECK(unfused > flash);
  CHECK(memory_by_stage(spec)[0].activations > small);
  spec.recompute = Recompute::kSelective;
  CHECK(backward() > unfused);
  // Only the layer at work stores its scores: one of two.
  CHECK(memory_by_stage(spec)[0].activations > small);
}

TEST_CASE("A step beyond what can be represented is refused") {
  const auto message = [](const std::string& yaml) {
    try {
      build(yaml);
    } catch (const Error& error) {
      return error.faults().front().message;
    }
    return std::string("built");
  };
  CHECK(message("job:\n  model: {layers: 500, hidden: 1048576, heads: 128, vocab: 99999999}\n"
                "  batch: {global: 4000000, sequence: 1000000}\n")
            .find("longer than 10^6 s") != std::string::npos);
  CHECK(message("job:\n  model: {layers: 10000, hidden: 64, heads: 2, vocab: 9}\n"
                "  parallel: {tp: 2}\n  batch: {global: 4000, sequence: 2}\n") ==
        "one step has too many operations: more than 20000000");
}
