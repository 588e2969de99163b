// Do Megatron-LM's arguments give the model and the layout that they give Megatron?
#include "workloads/formats/megatron_args.h"

#include <catch2/catch.hpp>

#include "tests/workloads/training_cases.h"

using namespace tenk;
using cases::faults_of;

namespace {

TrainingSpec job(const std::string& arguments, const std::string& more = "") {
  return cases::read("job:\n  model:\n    megatron-args: >-\n      " + arguments + "\n" + more);
}

// GPT-3 175B as Megatron-LM's README runs it (examples/gpt3/train_gpt3_175b_distributed.sh).
const std::string kGpt3 =
    "torchrun --nproc_per_node 8 --nnodes 128 pretrain_gpt.py --num-layers 96 --hidden-size 12288 "
    "--num-attention-heads 96 --seq-length 2048 --max-position-embeddings 2048 "
    "--micro-batch-size 1 --global-batch-size 1536 --tensor-model-parallel-size 8 "
    "--pipeline-model-parallel-size 16 --fp16 --vocab-size 50257 --clip-grad 1.0 "
    "--adam-beta2 0.95";

}  // namespace

TEST_CASE("GPT-3's shell line gives its model, layout and batch") {
  const TrainingSpec t = job(kGpt3);
  // 50257 padded to a multiple of 128 x tp 8.
  CHECK(t.model.vocab == 51200);
  CHECK(static_cast<double>(parameters(t.model)) == Approx(174.6e9).epsilon(1e-3));
  CHECK((t.layout.tp == 8 && t.layout.pp == 16 && t.layout.dp == 8));
  CHECK((t.layout.zero == 0 && !t.layout.sequence_parallel));
  CHECK((t.batch.global == 1536 && t.batch.micro == 1 && t.batch.sequence == 2048));
  CHECK(t.precision == Precision::kFp16);
}

TEST_CASE("What the scenario says itself comes before the arguments") {
  const TrainingSpec t = job(kGpt3, "  parallel: {dp: 4, zero: 1}\n  batch: {global: 64}\n");
  CHECK((t.layout.dp == 4 && t.layout.zero == 1 && t.layout.tp == 8));
  CHECK((t.batch.global == 64 && t.batch.sequence == 2048));
}

TEST_CASE("DeepSeek-V3's arguments give DeepSeek-V3") {
  const TrainingSpec t = job(
      "--num-layers=61 --hidden-size=7168 --num-attention-heads=128 --ffn-hidden-size=18432 "
      "--seq-length 4096 --max-position-embeddings 4096 --position-embedding-type rope --swiglu "
      "--normalization RMSNorm --untie-embeddings-and-output-weights --disable-bias-linear "
      "--multi-latent-attention --q-lora-rank 1536 --kv-lora-rank 512 --qk-head-dim 128 "
      "--qk-pos-emb-head-dim 64 --v-head-dim 128 --num-experts 256 --moe-router-topk 8 "
      "--moe-ffn-hidden-size 2048 --moe-shared-expert-intermediate-size 2048 "
      "--moe-layer-freq '([0]*3+[1]*58)' --mtp-num-layers 1 --expert-model-parallel-size 8 "
      "--expert-tensor-parallel-size 1 --padded-vocab-size 129280 --hidden-dropout 0 "
      "--micro-batch-size 1 --global-batch-size 64 --sequence-parallel "
      "--use-distributed-optimizer --overlap-grad-reduce --recompute-granularity full "
      "--moe-expert-capacity-factor 1.5",
      "  parallel: {dp: 8}\n");
  CHECK(parameters(t.model) == 671'026'404'352);
  CHECK(t.model.multi_token == 1);
  CHECK((t.layout.ep == 8 && t.layout.etp == 1 && t.layout.dp == 8 && t.layout.zero == 1));
  CHECK((t.overlap.dp && t.recompute == Recompute::kFull && t.router.capacity == 1.5));
}

TEST_CASE("YAML of the same names gives the same model as the line") {
  const TrainingSpec line =
      job("--num-layers 4 --hidden-size 64 --num-attention-heads 4 --group-query-attention "
          "--num-query-groups 2 --swiglu --vocab-size 100 --seq-length 8 --global-batch-size 2 "
          "--num-layers-per-virtual-pipeline-stage 1 --pipeline-model-parallel-size 2");
  const TrainingSpec yaml = cases::read(
      "job:\n  model:\n    megatron-args:\n      language_model: {num_layers: 4, hidden_size: 64, "
      "num_attention_heads: 4, group_query_attention: true, num_query_groups: 2, swiglu: true}\n"
      "      vocab_size: 100\n      seq_length: 8\n      global_batch_size: 2\n"
      "      num_layers_per_virtual_pipeline_stage: 1\n      pipeline_model_parallel_size: 2\n");
  CHECK(parameters(line.model) == parameters(yaml.model));
  CHECK((line.model.kv_heads == 2 && line.model.ffn == 128 && line.model.vocab == 128));
  CHECK((line.layout.vpp == 2 && yaml.layout.vpp == 2));
}

TEST_CASE("Arguments that do not do are refused by name") {
  const auto faults = [](const std::string& arguments, const std::string& more = "") {
    return faults_of("job:\n  model:\n    megatron-args: \"" + arguments + "\"\n" + more);
  };
  const std::string rest = " --vocab-size 9 --seq-length 8 --global-batch-size 1";
  CHECK(faults("--hidden-size 64 --num-attention-heads 4" + rest) ==
        "3: megatron-args needs \"num-layers\"");
  CHECK(faults("--num-layers 2 --hidden-size 64 --num-attention-heads 4 --seq-length 8 "
               "--global-batch-size 1") == "3: megatron-args needs \"vocab-size\"");
  CHECK(faults("--num-layers two --hidden-size 64 --num-attention-heads 4" + rest)
            .find("megatron-args.num-layers must be a whole number; found two") !=
        std::string::npos);
  CHECK(faults("--num-layers 2 --hidden-size 64 --num-attention-heads 4 --num-experts 4 "
               "--moe-layer-freq '[1]*3'" +
               rest)
            .find("--moe-layer-freq \"[1]*3\" does not say which of 2 layers have experts") !=
        std::string::npos);
  CHECK(faults("pretrain_gpt.py").find("megatron-args must be a line such as") !=
        std::string::npos);
  CHECK(faults_of("job:\n  model: {megatron-args: [1]}\n")
            .find("megatron-args must be a line such as") != std::string::npos);
}
