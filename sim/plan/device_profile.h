// What can one accelerator do, how do we know, and how sure are we?
//
// A profile is data (profiles/accelerators/*.yaml): a GPU, NPU, ASIC or FPGA is a profile, not
// code. Every number is a `Known`: value, where it comes from, and a relative interval. The
// formulas that the constants belong to are in workloads/kernels.h.
#pragma once
#include <cstdint>
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

// Block of the output that one unit computes at a time, elements. Both orientations are tried.
struct Tile {
  std::int64_t m = 0;
  std::int64_t n = 0;
};

// Matrix-product model of one precision.
struct GemmModel {
  Known peak;               // FLOP/s of the tensor cores, dense.
  Known efficiency;         // Of the peak, inside the main loop of a full wave; (0, 1].
  Known k_overhead;         // Prologue and epilogue of a tile, in elements of k.
  Known tail;               // Share of the idle last wave that is paid, 0 to 1.
  std::vector<Tile> tiles;  // Shapes a library chooses among; not empty.
  How tiles_how = How::kAssumed;
  std::string tiles_source = {};
};

// Causal flash attention.
struct AttentionModel {
  Known efficiency;      // Forward, of the BF16 peak; (0, 1].
  Known latency;         // Seconds of a call that computes nothing.
  Known passes;          // Times that Q, K, V and the output cross the memory, >= 1.
  Known backward_ratio;  // Backward efficiency over forward efficiency, > 0.
};

struct DeviceProfile {
  std::string name;
  Bytes memory;
  int sms = 0;              // Units that run one tile each.
  Known memory_bandwidth;   // bytes/s, datasheet.
  Known memory_efficiency;  // Of it, reached by streaming kernels; (0, 1].
  Known launch;             // Seconds of a kernel that does nothing, in a stream.
  GemmModel bf16;
  AttentionModel attention;
  Known sustained_power_factor;  // Speed at the power limit over speed at full clock; (0, 1].
  Known power_settling;          // Length of a benchmarked kernel half slowed by it, s; > 0.
};

// Reads {value, unit, how, source, ci} of `key`; faults name the missing part. `unit` in the file
// must be of the kind that `expected_unit` names ("FLOP/s", "B/s", "s", "B", "1"), with a decimal
// prefix (n u m k M G T P) or, for bytes, Ki Mi Gi. `range` is in base units.
Known read_known(Section& section, std::string_view key, std::string_view expected_unit,
                 NumberRange range = {.min = 0});

// Reads a profile; throws Error with all faults.
DeviceProfile read_device_profile(const Config& file);

}  // namespace tenk
