// How are values hashed so that the result is the same on every machine?
//
// `mix` is the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014); `combine` depends on the
// order of its arguments. `Fingerprint` accumulates values in order into 64 bits.
#pragma once
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace tenk {

constexpr std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

constexpr std::uint64_t combine(std::uint64_t a, std::uint64_t b) { return mix(mix(a) + b); }

class Fingerprint {
 public:
  void add(std::uint64_t x) { state_ = combine(state_, x); }
  void add(std::int64_t x) { add(static_cast<std::uint64_t>(x)); }
  void add(double x) { add(std::bit_cast<std::uint64_t>(x)); }
  void add(std::string_view text) {
    add(std::uint64_t{text.size()});
    for (const char c : text) add(std::uint64_t{static_cast<unsigned char>(c)});
  }
  std::uint64_t value() const { return state_; }
  std::string hex() const;  // 16 digits.

 private:
  std::uint64_t state_ = 0;
};

}  // namespace tenk
