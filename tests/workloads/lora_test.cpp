// Does fine-tuning with frozen weights train only its adapters?
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/workloads/training_cases.h"
#include "workloads/flops.h"
#include "workloads/memory.h"
#include "workloads/shard.h"

using namespace tenk;
using cases::faults_of;

namespace {

std::string job(const std::string& more, const std::string& parallel = "dp: 4") {
  return "job:\n  model: {preset: llama2-70b}\n  parallel: {" + parallel +
         "}\n  batch: {global: 8, sequence: 4096}\n" + more;
}

double backward_seconds(const TrainingSpec& t) {
  double sum = 0;
  const ModelPasses passes = model_passes(t, cases::h100());
  for (const Piece& piece : passes.layers[0].backward) sum += piece.compute.s();
  return sum;
}

}  // namespace

TEST_CASE("Adapters of rank r have r (inputs + outputs) weights a product") {
  // Llama 2 70B, per layer: qkv 8192 -> 10240, out 8192 -> 8192, up 8192 -> 57344, down 28672 ->
  // 8192; MLPerf's fine-tuning (rank 16, attention only) trains 44.6 million.
  const TrainingSpec attention =
      cases::read(job("  lora: {rank: 16, targets: [qkv, projection]}\n"));
  CHECK(trained_of_stage(attention, 0).all == 80 * 16 * (8192 + 10240 + 8192 + 8192));
  const TrainingSpec all = cases::read(job("  lora: {rank: 8}\n"));
  CHECK(trained_of_stage(all, 0).all ==
        80 * 8 * (8192 + 10240 + 8192 + 8192 + 8192 + 57344 + 28672 + 8192));
  CHECK(stage_parameters(all, 0).all == parameters(all.model));
}

TEST_CASE("Frozen weights have no gradients, no optimizer and no exchange") {
  const TrainingSpec full = cases::read(job(""));
  const TrainingSpec lora = cases::read(job("  lora: {rank: 16}\n"));
  const StageMemory a = memory_by_stage(full)[0];
  const StageMemory b = memory_by_stage(lora)[0];
  CHECK(a.weights == b.weights);
  CHECK(b.gradients.value() == 4.0 * static_cast<double>(trained_of_stage(lora, 0).all));
  CHECK(b.optimizer.value() < 0.01 * a.optimizer.value());
  // Without weight gradients two of three products remain, and attention as before.
  CHECK(backward_seconds(lora) < 0.75 * backward_seconds(full));
  CHECK(backward_seconds(lora) > 0.5 * backward_seconds(full));
  CHECK(model_flops(lora.model, lora.batch, true).full ==
        Approx(model_flops(lora.model, lora.batch).full * 2 / 3));
  const Workload w = build_training(lora, cases::h100());
  std::int64_t sent = 0;
  for (const Slot& slot : w.slots) sent += slot.bytes.count();
  CHECK(sent <= 6 * trained_of_stage(lora, 0).all);
  CHECK(cases::rehearse(w).finished);
  for (const char* parallel : {"tp: 4, pp: 2", "tp: 2, dp: 2", "pp: 4, vpp: 2"}) {
    CHECK(cases::rehearse(
              build_training(cases::read(job("  lora: {rank: 16}\n", parallel)), cases::h100()))
              .finished);
  }
}

TEST_CASE("Adapters that cannot be are refused with what could") {
  CHECK(faults_of(job("  lora: {rank: 0}\n")).find("job.lora.rank must be at least 1; found 0") !=
        std::string::npos);
  CHECK(faults_of(job("  lora: {rank: 4, targets: [qkv, out]}\n"))
            .find("job.lora.targets has \"out\"; it lists qkv, projection, up, down") !=
        std::string::npos);
  CHECK(faults_of("job:\n  model: {preset: deepseek-v3}\n  lora: {rank: 4}\n"
                  "  batch: {global: 1, sequence: 4096}\n")
            .find("job.lora: adapters of experts and of latent attention are not supported yet") !=
        std::string::npos);
}

TEST_CASE("NVFP4 multiplies faster than FP8 and is exact about who has it") {
  const auto compute = [](const std::string& precision) {
    const TrainingSpec t = cases::read(job("  precision: " + precision + "\n"));
    const DeviceProfile b200 = read_device_profile(
        Config::load(std::string(TENK_SOURCE_DIR) + "/profiles/accelerators/b200.yaml"));
    double sum = 0;
    const ModelPasses passes = model_passes(t, b200);
    for (const Piece& piece : passes.layers[0].forward) sum += piece.compute.s();
    return sum;
  };
  CHECK(compute("fp4") < compute("fp8"));
  CHECK(compute("fp8") < compute("bf16"));
  Faults faults;
  check_precision(cases::read(job("  precision: fp4\n")), cases::h100(), faults);
  CHECK_FALSE(faults.empty());
}
