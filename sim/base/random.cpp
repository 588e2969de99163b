#include "sim/base/random.h"

#include "sim/base/error.h"
#include "sim/base/hash.h"

namespace tenk {

Random::Random(std::uint64_t seed, std::string_view stream) : count_(0) {
  Fingerprint start;
  start.add(seed);
  start.add(stream);
  count_ = start.value();
}

std::uint64_t Random::bits() {
  count_ += 0x9e3779b97f4a7c15;
  return mix(count_);
}

double Random::uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }

double Random::uniform(double low, double high) {
  const double u = uniform();
  return low * (1 - u) + high * u;
}

std::uint64_t Random::below(std::uint64_t count) {
  TENK_CHECK(count > 0, "a draw from nothing");
  // Draws below 2^64 mod count would make the small remainders likelier.
  const std::uint64_t uneven = (0 - count) % count;
  std::uint64_t draw = bits();
  while (draw < uneven) draw = bits();
  return draw % count;
}

std::int64_t Random::between(std::int64_t low, std::int64_t high) {
  TENK_CHECK(low <= high, "a draw from an empty range");
  const std::uint64_t count =
      static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
  const std::uint64_t draw = count == 0 ? bits() : below(count);  // 0: all 2^64.
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + draw);
}

}  // namespace tenk
