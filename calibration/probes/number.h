// How do the number formats of tensor cores look as bits, and what real number is each?
//
// Storage types with exact decoding and encoding to nearest, ties to even, in portable code that
// runs on both sides, so that the FP64 references do not rest on the conversions of the hardware
// that is measured. BF16 (8, 7), FP16 (5, 10; IEEE 754), FP8 E4M3 (4, 3; no infinity, largest 448:
// Micikevicius et al., FP8 Formats for Deep Learning, 2022).
#pragma once
#include <cstdint>
#include <cstring>

#ifdef __CUDACC__
#define TENK_BOTH __host__ __device__
#else
#define TENK_BOTH
#endif

namespace tenk::probe {

struct Bf16 {
  std::uint16_t bits;
};
struct Fp16 {
  std::uint16_t bits;
};
struct Fp8 {
  std::uint8_t bits;
};

TENK_BOTH inline std::uint32_t bits_of(float value) {
  std::uint32_t bits = 0;
  memcpy(&bits, &value, sizeof(bits));
  return bits;
}
TENK_BOTH inline float float_of(std::uint32_t bits) {
  float value = 0;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

// The value of a small format: sign, exponent and fraction of the given widths; subnormals too.
TENK_BOTH inline float small_value(std::uint32_t bits, int exponent_bits, int fraction_bits) {
  const std::uint32_t sign = bits >> (exponent_bits + fraction_bits) & 1u;
  const std::uint32_t exponent = bits >> fraction_bits & ((1u << exponent_bits) - 1);
  const std::uint32_t fraction = bits & ((1u << fraction_bits) - 1);
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int power = (exponent == 0 ? 1 : static_cast<int>(exponent)) - bias - fraction_bits;
  const std::uint32_t whole = fraction + (exponent == 0 ? 0u : 1u << fraction_bits);
  const float unit = float_of(static_cast<std::uint32_t>(power + 127) << 23);  // 2^power
  const float value = static_cast<float>(whole) * unit;
  return sign != 0 ? -value : value;
}

// Nearest of a small format, for |value| below its largest; ties to even.
TENK_BOTH inline std::uint32_t small_bits(float value, int exponent_bits, int fraction_bits) {
  const std::uint32_t bits = bits_of(value);
  const std::uint32_t sign = (bits >> 31) << (exponent_bits + fraction_bits);
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = static_cast<int>(bits >> 23 & 255u) - 127 + bias;
  if (exponent < -fraction_bits) return sign;  // Below half of the least.
  // 24 bits with the leading one, shifted so that the format's last bit has weight 1.
  const std::uint32_t whole = (bits & 0x7FFFFFu) | 0x800000u;
  const int shift = 23 - fraction_bits + (exponent >= 1 ? 0 : 1 - exponent);
  const std::uint32_t half = 1u << (shift - 1);
  const std::uint32_t odd = whole >> shift & 1u;
  const std::uint32_t rounded = (whole + half - 1 + odd) >> shift;
  // A carry out of the fraction raises the exponent by itself.
  const std::uint32_t base =
      exponent >= 1 ? static_cast<std::uint32_t>(exponent - 1) << fraction_bits : 0u;
  return sign | (base + rounded);
}

TENK_BOTH inline float decode(Bf16 x) { return float_of(static_cast<std::uint32_t>(x.bits) << 16); }
TENK_BOTH inline float decode(Fp16 x) {
  if ((x.bits & 0x7C00u) != 0x7C00u) return small_value(x.bits, 5, 10);
  const std::uint32_t sign = (x.bits & 0x8000u) != 0 ? 0x80000000u : 0u;
  return float_of(sign | 0x7F800000u | static_cast<std::uint32_t>(x.bits & 0x3FFu) << 13);
}
TENK_BOTH inline float decode(Fp8 x) {
  return (x.bits & 0x7Fu) == 0x7Fu ? float_of(0x7FC00000u) : small_value(x.bits, 4, 3);
}
TENK_BOTH inline float decode(float x) { return x; }
TENK_BOTH inline double decode(double x) { return x; }
TENK_BOTH inline float decode(std::int8_t x) { return static_cast<float>(x); }
TENK_BOTH inline double decode(std::int32_t x) { return static_cast<double>(x); }

TENK_BOTH inline Bf16 to_bf16(float value) {
  const std::uint32_t bits = bits_of(value);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return {static_cast<std::uint16_t>(0x7FFFu)};  // NaN
  const std::uint32_t odd = bits >> 16 & 1u;
  return {static_cast<std::uint16_t>((bits + 0x7FFFu + odd) >> 16)};
}

// `value` from -1 to 1 in each format; INT8 has steps of 1/127.
TENK_BOTH inline void encode(float value, Bf16& x) { x = to_bf16(value); }
TENK_BOTH inline void encode(float value, Fp16& x) {
  x.bits = static_cast<std::uint16_t>(small_bits(value, 5, 10));
}
TENK_BOTH inline void encode(float value, Fp8& x) {
  x.bits = static_cast<std::uint8_t>(small_bits(value, 4, 3));
}
TENK_BOTH inline void encode(float value, float& x) { x = value; }
TENK_BOTH inline void encode(float value, double& x) { x = static_cast<double>(value); }
TENK_BOTH inline void encode(float value, std::int8_t& x) {
  x = static_cast<std::int8_t>(value * 127.0f + (value < 0 ? -0.5f : 0.5f));
}

// Uniform in [-1, 1) in steps of 2^-23 from a seed and a place (mixing as in SplitMix64: Steele,
// Lea and Flood, 2014).
TENK_BOTH inline float random_value(std::uint64_t seed, std::uint64_t place) {
  std::uint64_t z = seed * 0x9E3779B97F4A7C15ull + (place + 1) * 0xD1342543DE82EF95ull;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  z ^= z >> 31;
  return static_cast<float>(z >> 40) * (1.0f / 8388608.0f) - 1.0f;
}

}  // namespace tenk::probe
