#include "calibration/measured_kernels.h"

#include <catch2/catch.hpp>
#include <string>

using namespace tenk;

namespace {

KernelSample gemm_row(const std::string& dtype = "bfloat16") {
  KernelSample row;
  row.kernel = "gemm";
  row.dtype = dtype;
  row.m = 4096;
  row.n = 2048;
  row.k = 1024;
  row.time_us = 30;
  row.software = "TRTLLM 1.3.0rc20 torch_flow";
  return row;
}

KernelSample attention_row() {
  KernelSample row;
  row.kernel = "attention prefill (causal)";
  row.dtype = "bfloat16";
  row.batch = 16;
  row.heads = 96;
  row.kv_heads = 1;
  row.head_dim = 128;
  row.seq_q = row.seq_k = 8192;
  row.causal = 1;
  row.direction = "fwd";
  row.time_us = 53496.78;
  return row;
}

KernelSample stream_row(const std::string& kernel, double rate) {
  KernelSample row;
  row.kernel = kernel;
  row.GBps = rate;
  return row;
}

template <class Kind>
Kind as(const KernelSample& row) {
  const KernelCase one = kernel_case(row);
  const Kind* kind = std::get_if<Kind>(&one);
  REQUIRE(kind != nullptr);
  return *kind;
}

}  // namespace

TEST_CASE("a timed product is one of a precision, served or not") {
  const auto gemm = as<MeasuredGemm>(gemm_row());
  CHECK(gemm.precision == Precision::kBf16);
  CHECK(gemm.shape.m == 4096);
  CHECK(gemm.shape.k == 1024);
  CHECK(gemm.seconds == Approx(30e-6));
  CHECK(gemm.served);
  CHECK_FALSE(gemm.sustained);
  KernelSample library = gemm_row("FP8");
  library.kernel = "GEMM dense cuBLASLt";
  library.software = "cuBLASLt CUDA 12.5/12.6";
  library.notes = "random init, 10,000 warmup iterations";
  CHECK(as<MeasuredGemm>(library).sustained);
  CHECK_FALSE(as<MeasuredGemm>(library).served);
}

TEST_CASE("a rate without a time gives the time of the row's operations") {
  KernelSample row = gemm_row();
  row.time_us.reset();
  row.tflops = 100;
  // 2 x 4096 x 2048 x 1024 FLOP at 1e14 a second.
  CHECK(as<MeasuredGemm>(row).seconds == Approx(2.0 * 4096 * 2048 * 1024 / 1e14));
  row.tflops.reset();
  CHECK(as<NotModelled>(row).why == "neither time nor rate");
}

TEST_CASE("the words of a format name its precision") {
  CHECK(precision_named("bfloat16") == Precision::kBf16);
  CHECK(precision_named("FP16/BF16") == Precision::kBf16);
  CHECK(precision_named("FP16") == Precision::kFp16);
  CHECK(precision_named("FP8 e4m3 (1x128/128x128 scaling), BF16 out") == Precision::kFp8);
  CHECK(precision_named("fp8_block") == Precision::kFp8);
  CHECK(precision_named("nvfp4") == Precision::kFp4);
  CHECK(precision_named("TF32") == Precision::kTf32);
  CHECK(precision_named("sq") == Precision::kInt8);
  CHECK_FALSE(precision_named("int8_wo").has_value());
  CHECK_FALSE(precision_named("FP64").has_value());
  CHECK(as<NotModelled>(gemm_row("int4_wo")).by_rule);
  CHECK(as<NotModelled>(gemm_row("fp8_block")).by_rule);
  CHECK(as<NotModelled>(gemm_row("FP8 e4m3 (1x128/128x128 scaling), BF16 out")).by_rule);
}

TEST_CASE("a timed attention call has its five dimensions, and is causal") {
  const auto attention = as<MeasuredAttention>(attention_row());
  CHECK(attention.shape.batch == 16);
  CHECK(attention.shape.heads == 96);
  CHECK(attention.shape.kv_heads == 1);
  CHECK(attention.shape.sequence == 8192);
  CHECK(attention.seconds == Approx(0.05349678));
  KernelSample row = attention_row();
  row.causal = 0;
  CHECK(as<NotModelled>(row).why == "attention that is not causal");
  row = attention_row();
  row.heads.reset();
  CHECK(as<NotModelled>(row).why == "attention without its shape");
  row = attention_row();
  row.direction = "fwd+bwd";
  as<NotModelled>(row);
}

TEST_CASE("streams in both directions count, with or without a length") {
  CHECK(as<MeasuredStream>(stream_row("HBM stream Triad", 2970)).seconds == Approx(1 / 2.97e12));
  CHECK(as<MeasuredStream>(stream_row("memory bandwidth", 1328)).bytes == 0);
  KernelSample sized = stream_row("copy", 1000);
  sized.time_us = 5;
  CHECK(as<MeasuredStream>(sized).bytes == Approx(5e6));  // 1e12 B/s for 5 us.
  as<NotModelled>(stream_row("HBM stream read (max over occupancy)", 1800));
  as<NotModelled>(stream_row("copy, warm", 5000));
}

TEST_CASE("about three shapes in ten are held out, by their shape alone") {
  int out = 0;
  for (std::int64_t m = 1; m <= 1000; ++m) out += held_out(GemmShape{m, 4096, 8192}) ? 1 : 0;
  CHECK(out > 250);
  CHECK(out < 350);
  CHECK(held_out(GemmShape{7, 8, 9}) == held_out(GemmShape{7, 8, 9}));
}
