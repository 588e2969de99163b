// Which constants of a device's profile agree best with timed kernels, and can the rows tell?
//
// The fits of products, attention and memory share this. The loss is the weighted mean of
// |log(predicted / measured)|: its minimum is searched by a simplex (calibration/robust_fit.h) and
// polished by steps that are exact for the model made linear in its constants (least absolute
// deviations by iteratively reweighted least squares; Schlossmacher, JASA 68, 1973). With the same
// linear model a bootstrap over groups of rows gives the 90 % interval of each constant, its `ci`.
//
// Refusal where the rows cannot identify a constant is decided from the Jacobian J of
// log(predicted) at the fit: with the rows' scatter s the constants have covariance
// (J'J / s^2 + 1/4)^-1 in units of their `scale`, the 1/4 being what one believes without rows (two
// units). A constant that stays uncertain by more than one unit is not identified, be it that no
// row depends on it or that another constant does the same to all of them (Bates and Watts,
// Nonlinear Regression Analysis, 1988, section 2.2).
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "calibration/robust_fit.h"
#include "sim/plan/device_profile.h"

namespace tenk {

struct FitOptions {
  int steps = 1200;   // Of the simplex.
  int samples = 200;  // Of the bootstrap; 0: every ci is 0.
  std::uint64_t seed = 1;
  std::string source = {};             // Written into every fitted constant.
  std::vector<std::string> hold = {};  // Paths of constants to leave as they are.
  // Constants that the rows do not identify keep their value and are listed, also those that fewer
  // than five rows feel or whose interval is wider than a unit; else the fit is refused.
  bool keep_unidentified = false;
};

struct FittableConstant {
  std::string path;        // In the profile: "bf16.tail".
  Known* known = nullptr;  // In the caller's model.
  Parameter range;         // Its `start` is not used.
  double scale = 0;        // Uncertainty that matters; the value itself if that is larger.
  std::string unit;        // Of the value, as a profile writes it.
  std::string needs;       // The rows that identify it, for people.
};
using Constants = std::vector<FittableConstant>;

// `predict` gives the seconds of some rows by the caller's model as its constants stand; the fit
// changes their values and leaves the best ones there.
struct FitProblem {
  Constants constants;
  std::function<void(std::span<const std::size_t> rows, std::span<double> seconds)> predict;
  std::vector<double> measured;      // Seconds, by row.
  std::vector<double> weights;       // By row, > 0.
  std::vector<std::size_t> groups;   // By row, from 0: rows that share their faults.
  std::string efficiency_path = {};  // Gets the fit's median error in quadrature.
};
// The same from a prediction of single rows.
std::function<void(std::span<const std::size_t>, std::span<double>)> by_row(
    std::function<double(std::size_t row)> predict);

struct FittedNumber {
  std::string path;
  std::string unit;
  Known known;
};

struct Unidentified {
  std::string path, needs;
};

struct ConstantFit {
  std::vector<FittedNumber> numbers;       // The constants that were fitted, how: fitted.
  std::vector<Unidentified> unidentified;  // Kept as they were.
  FitErrors errors;                        // On the rows fitted, each once.
};
struct DeviceFit : ConstantFit {
  DeviceProfile device;  // The known one with the constants replaced.
};

// Throws Error{kInvalid} that names each constant the rows do not identify and what it needs
// (unless they are kept), or a name in `hold` that is no constant. The simplex looks at 2,000 rows,
// evenly taken; everything after it at all. O(rows x constants) predictions.
ConstantFit fit_constants(const FitProblem& problem, const FitOptions& options);

// 0, 1, 2 ... by first appearance: equal keys get equal numbers.
std::vector<std::size_t> number_groups(std::span<const std::uint64_t> keys);

}  // namespace tenk
