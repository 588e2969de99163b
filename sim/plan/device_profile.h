// What can one accelerator do, how do we know, and how sure are we?
//
// A profile is data (profiles/accelerators/*.yaml): a GPU, NPU, ASIC or FPGA is a profile, not
// code. Every number is a `Known`: value, where it comes from, and a relative interval. The
// formulas that the constants belong to are in workloads/kernels.h.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/section.h"
#include "sim/base/units.h"

namespace tenk {

enum class How { kMeasured, kFitted, kDatasheet, kAssumed };

// A number with its pedigree. `ci` is the half-width of the 90 % interval as a fraction of value.
struct Known {
  double value = 0;  // In base units: seconds, bytes, bytes/s, FLOP/s, or a plain ratio.
  How how = How::kAssumed;
  double ci = 0;
  std::string source = {};
};

// Number format of a matrix product's operands.
enum class Precision : std::uint8_t { kFp32, kTf32, kFp16, kBf16, kFp8, kFp4, kInt8 };
inline constexpr std::size_t kPrecisions = 7;
inline constexpr std::array<std::string_view, kPrecisions> kPrecisionNames = {
    "fp32", "tf32", "fp16", "bf16", "fp8", "fp4", "int8"};
constexpr std::string_view name_of(Precision p) {
  return kPrecisionNames[static_cast<std::size_t>(p)];
}
// Bytes of an operand's element (fp4: with a scale of one byte for each 16, as NVFP4), and of the
// result's: products of less than 16 bits write BF16.
constexpr double operand_bytes(Precision p) {
  constexpr std::array<double, kPrecisions> kBytes = {4, 4, 2, 2, 1, 0.5625, 1};
  return kBytes[static_cast<std::size_t>(p)];
}
constexpr double result_bytes(Precision p) { return operand_bytes(p) > 2 ? 4 : 2; }

// Block of the output that one unit computes at a time, elements. Both orientations are tried.
struct Tile {
  std::int64_t m = 0;
  std::int64_t n = 0;
};

// What a serving stack adds to a product whose 16-bit operand A it casts first, as it measures it.
struct Quantisation {
  Known latency;  // Seconds of its kernels when they move nothing.
  Known traffic;  // Bytes moved per element of A.
};

// Matrix-product model of one precision.
struct GemmModel {
  Known peak;               // FLOP/s of the tensor cores, dense.
  Known efficiency;         // Of the peak, inside the main loop of a full wave; (0, 1].
  Known k_overhead;         // Prologue and epilogue of a tile, in elements of k.
  Known tail;               // Share of the idle last wave that is paid, 0 to 1.
  Known operand_bandwidth;  // bytes/s at which one unit loads the operands of its tile.
  Known split_traffic;      // Of partial sums, when k is cut: bytes moved over 8 B an element.
  Known memory_efficiency;  // Of the memory's bandwidth, for operands and result; (0, 1].
  std::vector<Tile> tiles;  // Shapes a library chooses among; not empty.
  How tiles_how = How::kAssumed;
  std::string tiles_source = {};
  std::optional<Quantisation> quantisation;  // Of narrow formats; see served_gemm_time.
};

// Causal flash attention.
struct AttentionModel {
  Known efficiency;      // Forward, of the peak in wide() precision; (0, 1].
  Known latency;         // Seconds of a call that computes nothing.
  Known passes;          // Times that Q, K, V and the output cross the memory, >= 1.
  Known tail;            // Share of the longest tile that other units wait for, 0 to 1.
  Known key_overhead;    // What a tile of queries costs beside its keys, in keys.
  Known backward_ratio;  // Backward efficiency over forward efficiency, > 0.
  // Forward, of kernels written for the generation of devices before (FlashAttention-2 on Hopper);
  // none: there is no such difference, or nobody measured it.
  std::optional<Known> flash_2;
};

struct DeviceProfile {
  std::string name;
  Bytes memory;
  int sms = 0;              // Units that run one tile each.
  Known memory_bandwidth;   // bytes/s, datasheet.
  Known memory_efficiency;  // Of it, reached by streaming kernels; (0, 1].
  Known launch;             // Seconds of a kernel that does nothing, in a stream.
  std::array<std::optional<GemmModel>, kPrecisions> gemms;  // By precision; use gemm().
  AttentionModel attention;
  Known sustained_power_factor;  // Speed at the power limit over speed at full clock; (0, 1].
  Known power_settling;          // Length of a benchmarked kernel half slowed by it, s; > 0.

  // The model of a precision; nullptr if the device has none.
  const GemmModel* gemm(Precision precision) const;
  // The same; Error{kInvalid} that names the precisions the device has.
  const GemmModel& need_gemm(Precision precision) const;
  // What attention and everything that is not a linear layer computes in: bf16, else fp16, else
  // fp32. Every profile has one of them.
  Precision wide() const;
  std::string precisions() const;  // "bf16, fp8"
};

// Reads {value, unit, how, source, ci} of `key`; faults name the missing part. `unit` in the file
// must be of the kind that `expected_unit` names ("FLOP/s", "B/s", "s", "B", "1"), with a decimal
// prefix (n u m k M G T P) or, for bytes, Ki Mi Gi. `range` is in base units.
Known read_known(Section& section, std::string_view key, std::string_view expected_unit,
                 NumberRange range = {.min = 0});

// Reads a profile; throws Error with all faults. A profile with `like: h100-sxm` takes from that
// preset what it does not say itself (with_inherited).
DeviceProfile read_device_profile(const Config& file);

// The tree of a profile with everything that `like` stands for written out. A number that is not
// the profile's own is `assumed` here, its interval widened by 20 % in quadrature, its source names
// the preset it comes from; `bf16: null` takes a section away. The tree itself without `like`.
// Throws Error{kInvalid} at `like` for an unknown preset or a circle.
Config with_inherited(const Config& file);

}  // namespace tenk
