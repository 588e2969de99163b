#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "analysis/report/validation.h"
#include "analysis/validate/named_models.h"
#include "analysis/validate/training_scenario.h"
#include "analysis/validate/validation.h"
#include "sim/base/error.h"
#include "sim/base/kinds.h"
#include "tests/analysis/schema_check.h"

namespace tenk {
namespace {

const std::string kHeader =
    "id,model,params_b,layers,hidden,heads,seq_len,global_batch,micro_batch,gpus,gpu_type,tp,pp,dp,"
    "ep,cp,vpp,recompute,precision,opt_sharding,framework,network,iter_time_s,source,arch_how,"
    "part\n";

// A row of a run that can be predicted, with some columns replaced.
struct Row {
  std::string id = "r", model = "GPT", params = "", layers = "4", gpus = "8", gpu = "H100 SXM",
              tp = "2", dp = "4", ep = "1", cp = "1", sharding = "", time = "0.5", source = "s",
              arch = "read", part = "p";
  std::string text() const {
    return id + "," + model + "," + params + "," + layers + ",2048,16,2048,16,2," + gpus + "," +
           gpu + "," + tp + ",1," + dp + "," + ep + "," + cp + ",1,none,BF16," + sharding +
           ",Megatron-LM,," + time + "," + source + "," + arch + "," + part + "\n";
  }
};

Validation judge(const std::vector<Row>& rows) {
  std::string text = kHeader;
  for (const Row& row : rows) text += row.text();
  Validation all;
  find_kind(validation_kinds(), "training")->judge(text, "t.csv", all);
  return all;
}

std::string reason(const Row& row) {
  const Validation v = judge({row});
  return v.skipped.empty() ? "" : v.skipped[0].why;
}

TEST_CASE("a complete row is predicted from its columns, with an interval") {
  const Validation v = judge({Row{}});
  REQUIRE(v.rows.size() == 1);
  CHECK(v.rows[0].gpu == "h100-sxm");
  CHECK(v.rows[0].measured_s == 0.5);
  CHECK(v.rows[0].predicted_s > 0.01);
  CHECK(v.rows[0].low_s < v.rows[0].predicted_s);
  CHECK(v.rows[0].high_s > v.rows[0].predicted_s);
}

TEST_CASE("no row is dropped: each is predicted, excluded or skipped with its reason") {
  Row lora;
  lora.model = "Llama LoRA";
  Row experts;
  experts.ep = "4";
  Row context;
  context.cp = "2";
  context.dp = "2";
  Row sharded;
  sharded.sharding = "FSDP FULL_SHARD";
  Row no_time;
  no_time.time = "";
  Row no_layers;
  no_layers.layers = "";
  Row odd;
  odd.dp = "3";
  Row unknown;
  unknown.gpu = "TPU v4";
  Row recalled;
  recalled.arch = "recalled";
  recalled.params = "70.6";
  const Validation v =
      judge({Row{}, lora, experts, context, sharded, no_time, no_layers, odd, unknown, recalled});
  CHECK(v.rows.size() ==
        4);  // The first, the tuned one, with shared sequences, and the sharded one.
  CHECK(v.skipped.size() == 6);
  CHECK(reason(experts) == "the model's experts have no public configuration that tenk knows");
  CHECK(reason(lora) == "");
  CHECK(reason(no_layers) == "the row does not state its layers");
  CHECK(reason(odd) == "the stated parallel degrees do not multiply to the number of GPUs");
  CHECK(reason(recalled) == "recalled dimensions do not give the named model's parameters");
  std::size_t excluded = 0;
  for (const Skipped& s : v.skipped) excluded += s.excluded ? 1 : 0;
  CHECK(excluded == 4);  // No time, no layers, odd degrees, recalled dimensions.
}

TEST_CASE("a row's experts are those of the public configuration that its name means") {
  CHECK(expert_model_named("DeepSeekV3 (w/o MTP)") == "deepseek-v3");
  CHECK(expert_model_named("Qwen3_235B_a22B (tokendrop)") == "qwen3-235b-a22b");
  CHECK(expert_model_named("GPT OSS 120B") == "gpt-oss-120b");
  CHECK(expert_model_named("Grok1-314B MoE(8 experts,top2)") == "grok-1");
  CHECK_FALSE(expert_model_named("Llama3 70B"));
  CHECK(multi_token_named("DeepSeekV3 (w/o MTP)") == 0);
  CHECK(multi_token_named("DeepSeekV3 (w/ MTP)") == 1);
  CHECK_FALSE(multi_token_named("DeepSeekV3"));
  CHECK((names_experts("qwen1.5_MoE-megatron") && !names_experts("Nemotron4 15B")));
}

TEST_CASE("of several releases the newest that is not slower than an older one counts") {
  const auto release = [](const std::string& version, const std::string& time) {
    Row row;
    row.id = version;
    row.time = time;
    row.source = "summary.md section " + version + " Container";
    return row;
  };
  // 26.04 is slower than both older ones: 26.02 counts.
  const Validation v =
      judge({release("25.09", "0.50"), release("26.02", "0.45"), release("26.04", "0.60")});
  REQUIRE(v.rows.size() == 1);
  CHECK(v.rows[0].id == "26.02");
  // 26.04 beats one of them: it counts.
  const Validation w =
      judge({release("25.09", "0.50"), release("26.02", "0.40"), release("26.04", "0.45")});
  REQUIRE(w.rows.size() == 1);
  CHECK(w.rows[0].id == "26.04");
}

TEST_CASE("another table is refused by the column that is missing") {
  Validation all;
  CHECK_THROWS_AS(find_kind(validation_kinds(), "training")->judge("a,b\n1,2\n", "t.csv", all),
                  Error);
}

TEST_CASE("the JSON of a validation keeps to the schema, and every report names the errors") {
  Row tuned;
  tuned.model = "Llama finetune";
  Validation v = judge({Row{}, tuned});
  v.kind = "training";
  const auto json = nlohmann::json::parse(validation_json(v));
  const auto schema = nlohmann::json::parse(
      std::ifstream(std::string(TENK_SOURCE_DIR) + "/docs/result.schema.json"));
  CHECK(schema_faults(json, schema, "validation") == std::vector<std::string>{});
  CHECK(schema_faults(json, schema) == std::vector<std::string>{});
  CHECK(json["rows"] == 2);
  CHECK(json["predicted"] == 1);
  CHECK(json["skipped"][0]["why"] == "the row does not say how it fine-tunes");
  CHECK(validation_table(v, {}).find("The 1 worst") != std::string::npos);
  CHECK(validation_markdown(v).find("| part | rows |") != std::string::npos);
  CHECK(validation_csv(v).find("r,p,h100-sxm,") != std::string::npos);
  CHECK(validation_svg(v).find("</svg>") != std::string::npos);
  CHECK(validation_svg(Validation{}).find("</svg>") != std::string::npos);
}

TEST_CASE("summaries count errors, intervals and parts as defined") {
  Validation v;
  const auto add = [&](const std::string& part, double predicted, double low, double high) {
    Judged row;
    row.part = part;
    row.measured_s = 1;
    row.predicted_s = predicted;
    row.low_s = low;
    row.high_s = high;
    v.rows.push_back(row);
  };
  add("a", 1.1, 0.9, 1.3);  // +10 %, held.
  add("a", 0.8, 0.7, 0.9);  // -20 %, missed.
  add("b", 1.3, 0, 0);      // +30 %, no interval.
  const ErrorSummary all = summarize(v);
  CHECK(all.rows == 3);
  CHECK(all.mape == Approx(0.2));
  CHECK(all.median_ape == Approx(0.2));
  CHECK(all.bias == Approx(0.1));
  CHECK(all.with_interval == 2);
  CHECK(all.coverage == Approx(0.5));
  CHECK(summarize_by(v, &Judged::part).at("b").mape == Approx(0.3));
  v.rows[2].pooled = false;  // Kept apart: in its own part only.
  CHECK(summarize(v).rows == 2);
  CHECK(summarize_by(v, &Judged::part).at("b").rows == 1);
  v.rows[2].pooled = true;
  CHECK(worst(v, 1)[0]->predicted_s == 1.3);  // log 1.3 > -log 0.8
}

}  // namespace
}  // namespace tenk
