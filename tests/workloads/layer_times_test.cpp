#include "workloads/layer_times.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/devices.h"
#include "tests/workloads/training_cases.h"
#include "workloads/flops.h"
#include "workloads/kernels.h"
#include "workloads/optimizer.h"

using namespace tenk;
using tenk::testing::gemm_of;

namespace {

TrainingSpec llama8b(const std::string& parallel, const std::string& more = "",
                     std::int64_t sequence = 8192) {
  return cases::read(fmt::format(
      "job:\n  model: {{style: llama, layers: 32, hidden: 4096, heads: 32, kv-heads: 8, "
      "ffn: 14336, vocab: 128256}}\n  parallel: {{{}}}\n"
      "  batch: {{global: 8, sequence: {}}}\n{}",
      parallel, sequence, more));
}

std::string calls_of(const Pass& pass) {
  std::string text;
  for (const Piece& piece : pass) {
    if (!piece.communicates) continue;
    if (!text.empty()) text += " ";
    text += std::string(name_of(piece.op)) + (piece.beside_next ? "*" : "");
  }
  return text;
}

double seconds(const Pass& pass) {
  double sum = 0;
  for (const Piece& piece : pass) sum += piece.compute.s();
  return sum;
}

double all_seconds(const ModelPasses& p, double layers) {
  return seconds(p.embedding_forward) + seconds(p.embedding_backward) + seconds(p.head_forward) +
         seconds(p.head_backward) +
         layers * (seconds(p.layers[0].forward) + seconds(p.layers[0].backward));
}

}  // namespace

TEST_CASE("One rank alone computes without communication, in one piece") {
  const ModelPasses passes = model_passes(llama8b("tp: 1"), cases::h100());
  for (const Pass& pass :
       {passes.embedding_forward, passes.embedding_backward, passes.layers[0].forward,
        passes.layers[0].backward, passes.head_forward, passes.head_backward}) {
    REQUIRE(pass.size() == 1);
    CHECK_FALSE(pass[0].communicates);
    CHECK(pass[0].compute > Time{});
  }
}

TEST_CASE("Sequence parallelism gathers before and scatters after each half of a block") {
  const ModelPasses passes = model_passes(llama8b("tp: 4"), cases::h100());
  CHECK(calls_of(passes.layers[0].forward) ==
        "all_gather reduce_scatter all_gather reduce_scatter");
  // * overlaps a data or weight gradient.
  CHECK(calls_of(passes.layers[0].backward) ==
        "all_gather all_gather* reduce_scatter* all_gather all_gather* reduce_scatter*");
  CHECK(calls_of(passes.embedding_forward) == "reduce_scatter");
  CHECK(calls_of(passes.embedding_backward) == "all_gather");
  CHECK(calls_of(passes.head_forward) == "all_gather all_reduce all_reduce all_reduce");
  CHECK(calls_of(passes.head_backward) == "all_gather* reduce_scatter*");
  for (const Piece& piece : passes.layers[0].backward) {
    if (piece.communicates) CHECK(piece.bytes == Bytes(8192 * 4096 * 2));
  }
}

TEST_CASE("Without sequence parallelism a block all-reduces twice in each direction") {
  const ModelPasses passes =
      model_passes(llama8b("tp: 4, sequence-parallel: false"), cases::h100());
  CHECK(calls_of(passes.layers[0].forward) == "all_reduce all_reduce");
  CHECK(calls_of(passes.layers[0].backward) == "all_reduce* all_reduce*");
  CHECK(calls_of(passes.embedding_forward) == "all_reduce");
  CHECK(calls_of(passes.embedding_backward).empty());
  CHECK(calls_of(passes.head_backward) == "all_reduce*");
}

TEST_CASE("What runs beside a collective is followed by work that waits for both") {
  for (const std::string tp : {"tp: 4", "tp: 4, sequence-parallel: false"}) {
    const ModelPasses passes = model_passes(llama8b(tp), cases::h100());
    Pass two = passes.layers[0].backward;
    append(two, passes.layers[0].backward);
    for (const Pass& pass : {two, passes.head_backward}) {
      for (std::size_t i = 0; i < pass.size(); ++i) {
        if (!pass[i].beside_next) continue;
        REQUIRE(i + 2 < pass.size());
        REQUIRE_FALSE(pass[i + 1].communicates);
      }
    }
    CHECK(seconds(two) == Approx(2 * seconds(passes.layers[0].backward)));
  }
}

TEST_CASE("Full recomputation adds a forward pass with its communication to the backward pass") {
  const std::string full = "  recompute: full\n";
  const ModelPasses none = model_passes(llama8b("tp: 4"), cases::h100());
  const ModelPasses again = model_passes(llama8b("tp: 4", full), cases::h100());
  CHECK(seconds(again.layers[0].backward) ==
        Approx(seconds(none.layers[0].backward) + seconds(none.layers[0].forward)));
  CHECK(calls_of(again.layers[0].backward) ==
        calls_of(none.layers[0].forward) + " " + calls_of(none.layers[0].backward));
  const ModelPasses selective =
      model_passes(llama8b("tp: 4", "  recompute: selective\n"), cases::h100());
  CHECK(seconds(selective.layers[0].backward) == seconds(none.layers[0].backward));
}

TEST_CASE("A step computes no faster than the peak, and a large one at about half of it") {
  const DeviceProfile device = cases::h100();
  for (const int tp : {1, 2, 4, 8}) {
    const TrainingSpec t = llama8b(fmt::format("tp: {}", tp));
    const double used = all_seconds(model_passes(t, device), 32) * 8;  // Micro-batches.
    const double flops = model_flops(t.model, t.batch).causal / tp;
    const double utilisation = flops / used / gemm_of(device).peak.value;
    INFO("tp " << tp);
    CHECK(utilisation < gemm_of(device).efficiency.value * device.sustained_power_factor.value);
    CHECK(utilisation > 0.4);
  }
}

TEST_CASE("Products and attention take the sustained time of their kernels") {
  DeviceProfile device = cases::h100();
  const TrainingSpec t = llama8b("tp: 1");
  const double slow = all_seconds(model_passes(t, device), 32);
  device.sustained_power_factor.value = 1;
  const double fast = all_seconds(model_passes(t, device), 32);
  CHECK(fast < slow);
  CHECK(fast > slow * 0.855);  // Streaming kernels do not slow down.
}

TEST_CASE(
    "Under fp8 a large layer is faster than under bf16, by less than the ratio of the peaks") {
  const DeviceProfile device = cases::h100();
  const ModelPasses wide = model_passes(llama8b("tp: 1"), device);
  const ModelPasses narrow = model_passes(llama8b("tp: 1", "  precision: fp8\n"), device);
  CHECK(seconds(narrow.layers[0].forward) < seconds(wide.layers[0].forward));
  CHECK(seconds(narrow.layers[0].backward) < seconds(wide.layers[0].backward));
  CHECK(seconds(narrow.layers[0].backward) > seconds(wide.layers[0].backward) / 2);
  CHECK(seconds(narrow.head_forward) == seconds(wide.head_forward));
  const auto update = [&](const std::string& more) {
    return optimizer_time(llama8b("tp: 1", more), device, 1'000'000, 8'000'000);
  };
  CHECK(update("  precision: fp8\n") > update(""));
}

TEST_CASE("Longer sequences, and each dimension of the model, never take less time") {
  const DeviceProfile device = cases::h100();
  double before = 0;
  for (const std::int64_t sequence : {512, 1024, 1536, 2048, 4096, 8192, 16384}) {
    const double now = all_seconds(model_passes(llama8b("tp: 2", "", sequence), device), 32);
    CHECK(now > before);
    before = now;
  }
}

TEST_CASE("Adam streams 34 bytes for each parameter it updates and zeroes 4 of each held") {
  const DeviceProfile device = cases::h100();
  const auto update = [&](const std::string& optimizer) {
    return optimizer_time(llama8b("tp: 1", "  optimizer: {" + optimizer + "}\n"), device, 1'000'000,
                          8'000'000);
  };
  const auto streams = [&](std::int64_t bytes) {
    return streaming_time(device, Bytes(bytes)) + streaming_time(device, Bytes(32'000'000));
  };
  CHECK(update("kind: adam") == streams(34'000'000));
  // A moment less is 8 B less; offloaded, the device zeroes only.
  CHECK(update("kind: sgd") == streams(26'000'000));
  CHECK(update("kind: sgd, momentum: false") == streams(18'000'000));
  CHECK(update("offload: cpu") == streaming_time(device, Bytes(32'000'000)));
}
