// What do all these measurements identify, how sure are the constants, and what must be refused?
//
// Collectives and links give curves by size (fit_collective.h, fit_link.h), kernels the constants
// of a device's profile (fit_gemm.h, fit_attention.h). Every result has its error on the rows it
// was fitted to and on rows that were held out; whatever the rows cannot tell is refused with the
// reason, never guessed. Where we measured ourselves, published rows of the same thing do not
// count.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "calibration/fit_collective.h"
#include "calibration/fit_link.h"
#include "calibration/measurements.h"
#include "sim/base/config.h"

namespace tenk {

struct FittedConstant {
  std::string name, unit;
  double value = 0;
  double low = 0, high = 0;  // 95 % interval; 90 % for constants of kernels, as profiles have it.
  bool identified = true;    // Else the interval reaches zero, and the profile leaves it out.
};

// A prediction over what was measured; x is what the picture shows it over.
struct Residual {
  double x = 0;      // > 0
  double ratio = 1;  // > 0
};

struct FittedModel {
  std::string family;        // "collective", "latency a step", "link", "products", ...
  std::string subject;       // What it is a model of.
  std::string picture = {};  // Models of one picture are drawn together; empty: none.
  std::string x = {};        // "bytes", "FLOP".
  std::vector<FittedConstant> constants = {};
  FitErrors errors = {}, held_out = {};  // rows 0: no row is left to judge by.
  std::vector<Residual> residuals = {};
  std::string source = {};
};

struct FittedProfile {
  std::string name;  // Of its file, without ending.
  Config tree;
};

struct Calibration {
  std::vector<FittedModel> models;
  std::vector<Refusal> refused;
  std::vector<std::string> remarks;
  std::vector<FittedProfile> profiles;
};

// A device whose constants are known in part: what a fit starts from and writes into.
struct KnownDevice {
  std::string preset;
  Config tree;
};

struct CalibrateOptions {
  CurveOptions curve = {};
  // By the rows' gpu text: rows of other devices are refused.
  std::map<std::string, KnownDevice> devices = {};
};

// `own` comes before `published`: published rows of something that `own` has are set aside with a
// remark.
Calibration calibrate(Measurements own, Measurements published, const CalibrateOptions& options);

// Rows of `published` that are of nothing in `own`; what was set aside is counted in `remarks`.
Measurements unless_measured(const Measurements& own, Measurements published,
                             std::vector<std::string>& remarks);

}  // namespace tenk
