// How are fitted curves written as a profile, and read back?
//
//   fitted-collectives:
//     - collective: allreduce
//       gpu: H100-SXM
//       nodes: 1
//       gpus: 8
//       pieces:
//         - from: 512B
//           to: 65536B
//           latency: {value: 12.1, unit: us, how: fitted, source: ..., ci: 0.02}
//           bandwidth: {value: 8.3, unit: GB/s, how: fitted, source: ..., ci: 0.05}
//
// `fitted-steps` has base and step latencies, `fitted-links` the same pieces as collectives with
// device, kind, endpoints and metric. A constant that the data do not identify is left out. `ci` is
// the half-width of the 95 % interval as a fraction of the value.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "calibration/fit_collective.h"
#include "calibration/fit_link.h"
#include "sim/base/config.h"
#include "sim/plan/device_profile.h"

namespace tenk {

Config collectives_profile(const CollectiveFits& fits);
Config links_profile(const LinkFits& fits);
// {value, unit, how, source, ci}; `scale` base units make one `unit`.
Config known_tree(const Known& known, const std::string& unit, double scale);

struct ProfilePiece {
  double from = 0, to = 0;                  // Bytes.
  std::optional<Known> latency, bandwidth;  // Seconds, bytes/s.
};
struct ProfileCurve {
  std::string name;  // "allreduce, 1 x 8 H100-SXM"
  std::vector<ProfilePiece> pieces;
};
// Reads what the two functions above write. Throws Error{kInvalid} with all faults.
std::vector<ProfileCurve> read_fitted_curves(const Config& file);
bool is_fitted_profile(const Config& file);

}  // namespace tenk
