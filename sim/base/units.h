// How are time, data, bandwidth and compute rate represented, so that they cannot be mixed up?
//
// Time is a whole number of picoseconds (int64: ends at 106 days), Bytes a whole number of bytes;
// Bandwidth (bytes/s) and FlopRate (FLOP/s) are doubles in base units. GB is 10^9 B, GiB 2^30 B.
// Bits exist in literals and scenario text only (400_Gbps is 50e9 bytes/s).
#pragma once
#include <cmath>
#include <compare>
#include <cstdint>
#include <limits>
#include <string>

namespace tenk {

class Time {
 public:
  constexpr Time() = default;
  static constexpr Time picoseconds(std::int64_t ps) { return Time(ps); }
  // Rounds to the nearest picosecond. |seconds| must be below 9.2e6.
  static Time seconds(double s) { return Time(std::llround(s * 1e12)); }
  static constexpr Time max() { return Time(std::numeric_limits<std::int64_t>::max()); }

  constexpr std::int64_t ps() const { return ps_; }
  constexpr double us() const { return static_cast<double>(ps_) * 1e-6; }
  constexpr double s() const { return static_cast<double>(ps_) * 1e-12; }

  constexpr auto operator<=>(const Time&) const = default;
  constexpr Time operator+(Time o) const { return Time(ps_ + o.ps_); }
  constexpr Time operator-(Time o) const { return Time(ps_ - o.ps_); }
  constexpr Time operator*(std::int64_t n) const { return Time(ps_ * n); }
  constexpr Time& operator+=(Time o) {
    ps_ += o.ps_;
    return *this;
  }

 private:
  constexpr explicit Time(std::int64_t ps) : ps_(ps) {}
  std::int64_t ps_ = 0;
};

class Bytes {
 public:
  constexpr Bytes() = default;
  constexpr explicit Bytes(std::int64_t count) : count_(count) {}
  constexpr std::int64_t count() const { return count_; }
  constexpr double value() const { return static_cast<double>(count_); }
  constexpr auto operator<=>(const Bytes&) const = default;
  constexpr Bytes operator+(Bytes o) const { return Bytes(count_ + o.count_); }
  constexpr Bytes operator-(Bytes o) const { return Bytes(count_ - o.count_); }
  constexpr Bytes operator*(std::int64_t n) const { return Bytes(count_ * n); }
  constexpr Bytes& operator+=(Bytes o) {
    count_ += o.count_;
    return *this;
  }

 private:
  std::int64_t count_ = 0;
};

// A double per second; `Unit` keeps bytes/s and FLOP/s apart.
template <class Unit>
class Rate {
 public:
  constexpr Rate() = default;
  static constexpr Rate per_second(double v) { return Rate(v); }
  static constexpr Rate unlimited() { return Rate(std::numeric_limits<double>::infinity()); }
  constexpr double value() const { return value_; }
  constexpr double giga() const { return value_ * 1e-9; }
  constexpr bool finite() const { return value_ < std::numeric_limits<double>::infinity(); }
  constexpr auto operator<=>(const Rate&) const = default;
  constexpr Rate operator+(Rate o) const { return Rate(value_ + o.value_); }
  constexpr Rate operator*(double f) const { return Rate(value_ * f); }
  constexpr Rate operator/(double f) const { return Rate(value_ / f); }

 private:
  constexpr explicit Rate(double v) : value_(v) {}
  double value_ = 0;
};
struct BytesUnit;
struct FlopUnit;
using Bandwidth = Rate<BytesUnit>;
using FlopRate = Rate<FlopUnit>;

// Time to move `bytes` (to execute `flops`) at `rate` > 0, to the nearest picosecond. Rounding to
// nearest keeps algebraically equal durations equal; rounding up splits ranks in lock step.
inline Time duration(double bytes, Bandwidth rate) { return Time::seconds(bytes / rate.value()); }
inline Time duration(Bytes bytes, Bandwidth rate) { return duration(bytes.value(), rate); }
inline Time duration(double flops, FlopRate rate) { return Time::seconds(flops / rate.value()); }

// For people: three or four significant digits and a fitting unit ("12.3 us", "1.5 GiB",
// "46.9 GB/s", "432.8 TFLOP/s").
std::string to_text(Time t);
std::string to_text(Bytes b);
std::string to_text(Bandwidth b);
std::string to_text(FlopRate f);

inline namespace literals {
// NOLINTBEGIN(google-runtime-int): the standard fixes the types of literal operators.
using Whole = unsigned long long;
constexpr Time operator""_ps(Whole v) { return Time::picoseconds(static_cast<std::int64_t>(v)); }
constexpr Time operator""_ns(Whole v) { return operator""_ps(v * 1000); }
constexpr Time operator""_us(Whole v) { return operator""_ps(v * 1000000); }
constexpr Time operator""_ms(Whole v) { return operator""_ps(v * 1000000000); }
constexpr Time operator""_s(Whole v) { return operator""_ps(v * 1000000000000); }
constexpr Bytes operator""_B(Whole v) { return Bytes(static_cast<std::int64_t>(v)); }
constexpr Bytes operator""_MB(Whole v) { return operator""_B(v * 1000000); }
constexpr Bytes operator""_GB(Whole v) { return operator""_B(v * 1000000000); }
constexpr Bytes operator""_KiB(Whole v) { return operator""_B(v << 10); }
constexpr Bytes operator""_MiB(Whole v) { return operator""_B(v << 20); }
constexpr Bytes operator""_GiB(Whole v) { return operator""_B(v << 30); }
constexpr Bandwidth operator""_Gbps(Whole v) {
  return Bandwidth::per_second(static_cast<double>(v) * 0.125e9);
}
constexpr Bandwidth operator""_GBps(Whole v) {
  return Bandwidth::per_second(static_cast<double>(v) * 1e9);
}
constexpr FlopRate operator""_TFLOPs(Whole v) {
  return FlopRate::per_second(static_cast<double>(v) * 1e12);
}
// NOLINTEND(google-runtime-int)
}  // namespace literals

}  // namespace tenk
