#include "sim/base/units.h"

#include <catch2/catch.hpp>

#include "sim/base/random.h"
#include "sim/base/section.h"

namespace tenk {

TEST_CASE("quantities are read with decimal and binary prefixes, bits and bytes") {
  CHECK(parse_time("600ns") == 600_ns);
  CHECK(parse_time("2.5 us") == 2500_ns);
  CHECK(parse_time("1.1us") == 1100_ns);
  CHECK(parse_time("3µs") == 3_us);
  CHECK(parse_time("1e3ms") == 1_s);
  CHECK(parse_time("+7ps") == 7_ps);
  CHECK(parse_time("0s") == Time{});
  CHECK(parse_time("106d") == 86400_s * 106);
  CHECK(parse_time("9223372036854775807ps") == Time::max());
  CHECK(parse_bytes("80GB") == 80_GB);
  CHECK(parse_bytes("512MiB") == 512_MiB);
  CHECK(parse_bytes("8B") == 8_B);
  CHECK(parse_bytes("1.5 KiB") == 1536_B);
  CHECK(parse_bytes("9007199254740993B") == 9007199254740993_B);  // 2^53 + 1.
  CHECK(parse_bandwidth("400Gbps") == 400_Gbps);
  CHECK(parse_bandwidth("400 Gbit/s") == 400_Gbps);
  CHECK(parse_bandwidth("50 GB/s") == 400_Gbps);
  CHECK(parse_bandwidth("900GBps") == 900_GBps);
  CHECK(parse_bandwidth("0Gbps") == Bandwidth{});
  CHECK(parse_bandwidth("1KiB/s") == Bandwidth::per_second(1024));
}

TEST_CASE("what is no finite number with a unit of its kind is refused") {
  for (const char* text :
       {"", " ", "600", "ns", "600 Ns", "600nss", "600ns ", "600GB", "nan s", "nans", "infs",
        "1e400s", "107d", "1e30s", "0.1ps", "0x10s", "1,5s", "1_0s", "--1s"}) {
    INFO(text);
    CHECK_FALSE(parse_time(text));
  }
  for (const char* text :
       {"8", "8b", "8GBps", "8 Gb", "0.1B", "1e30GB", "9223372036854775808B", "B"}) {
    INFO(text);
    CHECK_FALSE(parse_bytes(text));
  }
  for (const char* text :
       {"400", "400Gb", "400GB", "400 G bps", "400gbps", "infGbps", "1e308PB/s"}) {
    INFO(text);
    CHECK_FALSE(parse_bandwidth(text));
  }
}

TEST_CASE("quantities print with three or four digits and a fitting unit") {
  CHECK(to_text(Time{}) == "0 ps");
  CHECK(to_text(12345_ns) == "12.3 us");
  CHECK(to_text(600_ns) == "600 ns");
  CHECK(to_text(999960_ps) == "1 us");
  CHECK(to_text(Time::picoseconds(-1500)) == "-1.5 ns");
  CHECK(to_text(90_s) == "90 s");
  CHECK(to_text(7200_s) == "2 h");
  CHECK(to_text(1536_MiB) == "1.5 GiB");
  CHECK(to_text(1023_B) == "1023 B");
  CHECK(to_text(Bandwidth::per_second(46.9e9)) == "46.9 GB/s");
  CHECK(to_text(Bandwidth::unlimited()) == "unlimited");
  CHECK(to_text(FlopRate::per_second(432.81e12)) == "432.8 TFLOP/s");
  CHECK(to_text(Bandwidth::per_second(1e300)) == "1e+279 ZB/s");
}

TEST_CASE("what is printed reads back to within half a per cent") {
  Random random(7, "units");
  for (int i = 0; i < 20000; ++i) {
    const auto n = static_cast<std::int64_t>(random.bits() >> (1 + random.below(62)));
    const auto close = [](double a, double b) { return std::abs(a - b) <= 5.01e-3 * std::abs(b); };
    const Time t = Time::picoseconds(n);
    const Bytes b(n);
    const auto rate = Bandwidth::per_second(static_cast<double>(n));
    INFO(n << " " << to_text(t) << " " << to_text(b) << " " << to_text(rate));
    // The last picoseconds below 2^63 may round up beyond it.
    const auto time = parse_time(to_text(t));
    REQUIRE((!time ? n > 9'200'000'000'000'000'000 : close(time->s(), t.s())));
    if (n < std::int64_t{1} << 60) REQUIRE(close(parse_bytes(to_text(b))->value(), b.value()));
    if (n < 1'000'000'000'000'000'000)
      REQUIRE(close(parse_bandwidth(to_text(rate))->value(), rate.value()));
  }
}

}  // namespace tenk
