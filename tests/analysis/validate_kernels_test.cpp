#include <catch2/catch.hpp>
#include <cmath>
#include <string>

#include "analysis/validate/validation.h"
#include "sim/base/error.h"
#include "sim/base/kinds.h"
#include "sim/base/text_file.h"

namespace tenk {
namespace {

const std::string kHeader =
    "id,gpu,kernel,dtype,m,n,k,batch,heads,kv_heads,head_dim,seq_q,seq_k,causal,direction,GBps,"
    "time_us,software\n";

Validation judge(const std::string& text) {
  Validation all;
  find_kind(validation_kinds(), "kernels")->judge(text, "rows.csv", all);
  return all;
}

std::string gemm(const std::string& gpu, const std::string& dtype, int m) {
  return "x," + gpu + ",gemm," + dtype + "," + std::to_string(m) +
         ",4096,4096,,,,,,,,,,100,TRTLLM 1.0 torch_flow\n";
}

Validation judge_file(const std::string& name) {
  const std::string path = std::string(TENK_SOURCE_DIR) + "/tests/data/" + name;
  Validation all;
  find_kind(validation_kinds(), "kernels")->judge(read_text_file(path), name, all);
  return all;
}

TEST_CASE("every row of a table of kernels is predicted, or left out with its reason") {
  const Validation all = judge(
      kHeader + gemm("H100-SXM", "bfloat16", 4096) + gemm("H100-SXM", "fp8", 64) +
      gemm("H100-SXM", "int4_wo", 4096) + gemm("TPU v9", "bfloat16", 4096) +
      gemm("A100-SXM4-80GB", "fp8", 4096) + "y,H100-SXM,HBM stream Copy,FP64,,,,,,,,,,,,2900,,\n");
  REQUIRE(all.rows.size() == 2);
  CHECK(all.rows[0].gpu == "h100-sxm");
  CHECK(all.rows[0].cell == "bf16 products, m n k >= 512");
  CHECK(all.rows[0].measured_s == Approx(100e-6));
  CHECK(all.rows[0].low_s < all.rows[0].predicted_s);
  CHECK(all.rows[0].high_s > all.rows[0].predicted_s);
  CHECK(all.rows[1].cell == "streams");
  CHECK(all.rows[1].measured_s == Approx(1e9 / 2.9e12));
  REQUIRE(all.skipped.size() == 4);
  CHECK(all.skipped[0].excluded);
  CHECK(all.skipped[1].excluded);
  CHECK(all.skipped[2].why == "no profile of the accelerator \"TPU v9\"");
  CHECK(all.skipped[3].why == "no fp8 products in the profile of NVIDIA A100 SXM4 80GB");
}

TEST_CASE("a table without kernels is an error of the file") {
  CHECK_THROWS_AS(judge(kHeader), Error);
  CHECK_THROWS_AS(judge("a,b\n1,2\n"), Error);
}

// What docs/kernels.md claims, on the rows that are shipped; none of them was seen by a fit.
TEST_CASE("held-out kernels are predicted within the stated errors") {
  const ErrorSummary products = summarize(judge_file("gemm_held_out.csv"));
  CAPTURE(products.median_ape, products.p90_ape, products.bias, products.coverage);
  CHECK(products.rows >= 540);
  CHECK(products.median_ape <= 0.045);
  CHECK(products.p90_ape <= 0.14);
  CHECK(std::abs(products.bias) <= 0.015);
  const ErrorSummary attention = summarize(judge_file("attention_held_out.csv"));
  CAPTURE(attention.median_ape, attention.p90_ape, attention.bias);
  CHECK(attention.rows >= 220);
  CHECK(attention.median_ape <= 0.04);
  CHECK(attention.p90_ape <= 0.12);
}

}  // namespace
}  // namespace tenk
