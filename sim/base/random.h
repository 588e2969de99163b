// Where do random draws come from, so that a scenario gives the same draws on every machine?
//
// Each use names its own stream ("ecmp", "bootstrap"): draws of one never shift those of another.
// A stream counts up from mix(seed, name), and SplitMix64's finaliser (see hash.h) makes draws of
// the counts. No std distribution is used: their results differ between standard libraries.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace tenk {

class Random {
 public:
  Random(std::uint64_t seed, std::string_view stream);

  std::uint64_t bits();                      // 64 of them.
  double uniform();                          // In [0, 1): a multiple of 2^-53.
  double uniform(double low, double high);   // In [low, high].
  std::uint64_t below(std::uint64_t count);  // In [0, count), each equally likely; count > 0.
  // In [low, high], each equally likely; low <= high.
  std::int64_t between(std::int64_t low, std::int64_t high);

  // Every order is equally likely (Fisher and Yates).
  template <class T>
  void shuffle(std::span<T> values) {
    for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }

 private:
  std::uint64_t count_;
};

}  // namespace tenk
