#include "workloads/kernels.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <random>
#include <string>
#include "tests/devices.h"

using namespace tenk;
using tenk::testing::gemm_of;
using namespace tenk::literals;

namespace {

DeviceProfile h100() {
  return read_device_profile(
      Config::load(std::string(TENK_SOURCE_DIR) + "/profiles/accelerators/h100-sxm.yaml"));
}

// 1 to 65,536, as likely small as large.
std::int64_t dimension(std::mt19937_64& random) {
  const std::int64_t octave = std::int64_t{1} << (random() % 16);
  return octave + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(octave));
}

double flops(std::int64_t m, std::int64_t n, std::int64_t k) {
  return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
}

AttentionShape attention_shape(std::mt19937_64& random) {
  AttentionShape shape;
  shape.batch = 1 + static_cast<std::int64_t>(random() % 16);
  shape.kv_heads = 1 + static_cast<std::int64_t>(random() % 16);
  shape.heads = shape.kv_heads * (1 + static_cast<std::int64_t>(random() % 8));
  shape.head_dim = 64 * (1 + static_cast<std::int64_t>(random() % 4));
  shape.sequence = dimension(random);
  return shape;
}

// Causal: each token attends to half of the others on average; two products of 2 FLOPs.
double forward_flops(const AttentionShape& a) {
  return 2.0 * static_cast<double>(a.batch * a.heads * a.head_dim) *
         static_cast<double>(a.sequence) * static_cast<double>(a.sequence);
}

}  // namespace

TEST_CASE("a matrix product is never faster than the tensor cores' peak") {
  const DeviceProfile device = h100();
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    const std::int64_t m = dimension(random);
    const std::int64_t n = dimension(random);
    const std::int64_t k = dimension(random);
    CAPTURE(m, n, k);
    const double seconds = gemm_time(device, Precision::kBf16, m, n, k).s();
    REQUIRE(seconds > 0);
    REQUIRE(flops(m, n, k) / seconds <
            gemm_of(device).peak.value * gemm_of(device).efficiency.value);
  }
}

TEST_CASE("a matrix product is never faster than its operands and result can be moved") {
  const DeviceProfile device = h100();
  std::mt19937_64 random(2);
  for (int i = 0; i < 2000; ++i) {
    const std::int64_t m = dimension(random);
    const std::int64_t n = dimension(random);
    const std::int64_t k = dimension(random);
    CAPTURE(m, n, k);
    const double bytes = 2.0 * static_cast<double>(m * n + n * k + m * k);
    REQUIRE(bytes / gemm_time(device, Precision::kBf16, m, n, k).s() <
            device.memory_bandwidth.value);
  }
}

TEST_CASE("a matrix product with one dimension larger is never faster") {
  const DeviceProfile device = h100();
  std::mt19937_64 random(3);
  for (int i = 0; i < 2000; ++i) {
    const std::int64_t m = dimension(random);
    const std::int64_t n = dimension(random);
    const std::int64_t k = dimension(random);
    const std::int64_t more = 1 + static_cast<std::int64_t>(random() % 300);
    CAPTURE(m, n, k, more);
    const Time time = gemm_time(device, Precision::kBf16, m, n, k);
    REQUIRE(gemm_time(device, Precision::kBf16, m + more, n, k) >= time);
    REQUIRE(gemm_time(device, Precision::kBf16, m, n + more, k) >= time);
    REQUIRE(gemm_time(device, Precision::kBf16, m, n, k + more) >= time);
  }
}

TEST_CASE("a product and its transpose take equally long") {
  const DeviceProfile device = h100();
  CHECK(gemm_time(device, Precision::kBf16, 4096, 1024, 8192) ==
        gemm_time(device, Precision::kBf16, 1024, 4096, 8192));
  CHECK(gemm_time(device, Precision::kBf16, 513, 12288, 777) ==
        gemm_time(device, Precision::kBf16, 12288, 513, 777));
}

TEST_CASE("two full waves of tiles take what the formula says by hand") {
  DeviceProfile device = h100();
  gemm_of(device).tiles = {{.m = 128, .n = 256}};
  gemm_of(device).efficiency.value = 0.5;
  gemm_of(device).k_overhead.value = 24;
  gemm_of(device).peak.value = 132e12;  // 1e12 a unit, 0.5e12 of it reached.
  gemm_of(device).tail.value = 1;
  gemm_of(device).operand_bandwidth.value = 1e12;
  device.memory_bandwidth.value = 1e20;  // Nothing waits for memory.
  device.launch.value = 2e-6;
  // 128 * 12 rows, 256 * 22 columns: 264 tiles on 132 units, 2 waves, no tail.
  // One tile: 2 * 128 * 256 * (1000 + 24) = 67,108,864 FLOP at 0.5e12 = 134.217728 us.
  // Twice that, and 2 us of launch: 270.435456 us. (The tile the other way makes 6 * 44 as well.)
  CHECK(gemm_time(device, Precision::kBf16, 128 * 12, 256 * 22, 1000) == 270435456_ps);
}

TEST_CASE("one tile more than a wave costs the tail's share of a second wave") {
  DeviceProfile device = h100();
  gemm_of(device).tiles = {{.m = 128, .n = 128}};
  gemm_of(device).tail.value = 1;
  gemm_of(device).split_traffic.value = 1e9;  // Cutting k is out of the question.
  device.memory_bandwidth.value = 1e18;
  device.launch.value = 1e-12;
  const Time one =
      gemm_time(device, Precision::kBf16, 128 * 12, 128 * 11, 4096);  // 132 tiles on 132 units.
  const Time two = gemm_time(device, Precision::kBf16, 128 * 19, 128 * 7, 4096);  // 133.
  CHECK(two.s() == Approx(2 * one.s()).epsilon(1e-6));
  gemm_of(device).tail.value = 0;
  CHECK(gemm_time(device, Precision::kBf16, 128 * 19, 128 * 7, 4096).s() ==
        Approx(one.s() * 133 / 132).epsilon(1e-6));
}

TEST_CASE("the smallest product takes about a launch") {
  const DeviceProfile device = h100();
  CHECK(gemm_time(device, Precision::kBf16, 1, 1, 1).us() < 2 * device.launch.value * 1e6);
  CHECK(gemm_time(device, Precision::kBf16, 1, 1, 1).us() > device.launch.value * 1e6);
}

TEST_CASE("large H100 products run at 70 to 85 % of the datasheet's peak") {
  const DeviceProfile device = h100();
  const double rate =
      flops(8192, 8192, 8192) / gemm_time(device, Precision::kBf16, 8192, 8192, 8192).s();
  CHECK(rate / gemm_of(device).peak.value > 0.70);
  CHECK(rate / gemm_of(device).peak.value < 0.85);
}

TEST_CASE("attention is never faster than peak or memory, and never faster when larger") {
  const DeviceProfile device = h100();
  std::mt19937_64 random(4);
  for (int i = 0; i < 1000; ++i) {
    const AttentionShape a = attention_shape(random);
    CAPTURE(a.batch, a.heads, a.kv_heads, a.head_dim, a.sequence);
    const Time forward = attention_forward_time(device, a);
    const Time backward = attention_backward_time(device, a);
    REQUIRE(forward > Time());
    REQUIRE(backward > forward);
    REQUIRE(forward_flops(a) / forward.s() < gemm_of(device).peak.value);
    REQUIRE(2.5 * forward_flops(a) / backward.s() < gemm_of(device).peak.value);
    const auto tokens = static_cast<double>(a.batch * a.sequence * a.head_dim);
    const double bytes = 2.0 * 2 * tokens * static_cast<double>(a.heads + a.kv_heads);
    REQUIRE(bytes / forward.s() < device.memory_bandwidth.value);
    for (const auto member : {&AttentionShape::batch, &AttentionShape::heads,
                              &AttentionShape::kv_heads, &AttentionShape::sequence}) {
      AttentionShape larger = a;
      ++(larger.*member);
      REQUIRE(attention_forward_time(device, larger) > forward);
      REQUIRE(attention_backward_time(device, larger) > backward);
    }
  }
}

TEST_CASE("long attention backward takes 2.5 times forward at equal efficiency") {
  DeviceProfile device = h100();
  device.attention.backward_ratio.value = 1;
  const AttentionShape shape{.batch = 1, .heads = 32, .kv_heads = 8, .sequence = 131072};
  const double ratio =
      attention_backward_time(device, shape).s() / attention_forward_time(device, shape).s();
  CHECK(ratio == Approx(2.5).epsilon(0.01));
}

TEST_CASE("streaming kernels take a launch and their bytes at the memory's rate") {
  DeviceProfile device = h100();
  device.launch.value = 3e-6;
  device.memory_bandwidth.value = 1e12;
  device.memory_efficiency.value = 0.8;
  CHECK(streaming_time(device, 0_B) == 3_us);
  CHECK(streaming_time(device, 8_MB) == 13_us);  // 8e6 B / 0.8e12 B/s = 10 us.
}

TEST_CASE("a lone kernel takes between its time at full clock and at the power limit") {
  const DeviceProfile device = h100();
  Time previous;
  for (Time t = 1_us; t < 10_s; t = t * 3) {
    const Time lone = lone_kernel_time(device, t);
    CHECK(lone >= t);
    CHECK(lone <= sustained_time(device, t));
    CHECK(lone > previous);
    previous = lone;
  }
  CHECK(lone_kernel_time(device, 10_us).s() == Approx(10e-6).epsilon(1e-3));
  CHECK(lone_kernel_time(device, 10_s).s() ==
        Approx(sustained_time(device, 10_s).s()).epsilon(1e-3));
}

TEST_CASE("kernels too long for the clock are refused, not wrapped") {
  const DeviceProfile device = h100();
  const std::int64_t huge = 1'000'000'000;
  CHECK_THROWS_AS(gemm_time(device, Precision::kBf16, huge, huge, huge), Error);
  CHECK_THROWS_AS(attention_forward_time(device, {.batch = huge, .sequence = huge}), Error);
}
