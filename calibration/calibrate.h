// What do all these measurements identify, how sure are the constants, and what must be refused?
//
// Collectives and links give curves by size (fit_collective.h, fit_link.h); kernels the constants
// of accelerators (calibrate_kernels.h), sweeps of collectives those of hardware generations and
// NICs (calibrate_tunings.h), each written into the profile that is known. Every result has its
// error on the rows it was fitted to and on rows that were held out; whatever the rows cannot tell
// is refused with the reason, never guessed. Where we measured ourselves, published rows of the
// same thing do not count.
#pragma once
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "calibration/constant_fit.h"
#include "calibration/fit_collective.h"
#include "calibration/fit_link.h"
#include "calibration/measurements.h"
#include "calibration/timed_sweep.h"

namespace tenk {

struct FittedConstant {
  std::string name, unit;
  double value = 0;
  double low = 0, high = 0;  // 95 % interval; 90 % for constants of kernels, as profiles have it.
  bool identified = true;    // Else the interval reaches zero, and the profile leaves it out.
};

// For people: seconds as us, bytes/s as GB/s; the interval is that of `ci`, not below 0.
FittedConstant shown_constant(const FittedNumber& number);

// A prediction over what was measured; x is what the picture shows it over.
struct Residual {
  double x = 0;      // > 0
  double ratio = 1;  // > 0
};

// The held-out rows of one kind: "m, n, k >= 512".
struct HeldOutPart {
  std::string name;
  FitErrors errors;
};

struct FittedModel {
  std::string family;        // "collective", "latency a step", "link", "products", ...
  std::string subject;       // What it is a model of.
  std::string picture = {};  // Models of one picture are drawn together; empty: none.
  std::string x = {};        // "bytes", "FLOP".
  std::vector<FittedConstant> constants = {};
  FitErrors errors = {}, held_out = {};  // rows 0: no row is left to judge by.
  std::vector<HeldOutPart> parts = {};   // Of `held_out`; they may overlap.
  std::vector<Residual> residuals = {};
  std::string source = {};
};

struct FittedProfile {
  std::string name;  // Of its file, without ending: "collectives", "accelerators/h100-sxm".
  std::string yaml;
};

struct Calibration {
  std::vector<FittedModel> models;
  std::vector<Refusal> refused;
  std::vector<std::string> remarks;
  std::vector<FittedProfile> profiles;
};

// A profile whose numbers are known in part: what a fit starts from and writes into.
struct KnownPreset {
  std::string name;
  std::string text;  // YAML.
};

struct CalibrateOptions {
  CurveOptions curve = {};
  FitOptions fit = {};  // Steps, samples and seed of the fits of profiles.
  // By the rows' gpu text: kernels of other devices are refused.
  std::map<std::string, KnownPreset> devices = {};
  // Of profiles/collectives and profiles/nics, by name, and what rows of collectives mean; none:
  // no fits of them. Rows that mean nothing are added to the refusals.
  std::map<std::string, KnownPreset> tunings = {}, nics = {};
  std::function<std::vector<TimedCollective>(std::span<const CollectiveSample>,
                                             std::vector<Refusal>&)>
      sweeps_of = {};
};

// Rows are our own if they are in `own` or their `how` is "measured". They come before the others:
// published rows of something that we measured are set aside with a remark.
Calibration calibrate(Measurements own, Measurements published, const CalibrateOptions& options);

// Rows of `published` that are of nothing in `own`; what was set aside is counted in `remarks`. The
// same thing: kernels of one accelerator (by its preset, if its text is in `devices`), kind,
// precision and direction; collectives of one card, operation, shape and choice; links of one
// device, kind, ends and metric.
Measurements unless_measured(const Measurements& own, Measurements published,
                             const std::map<std::string, KnownPreset>& devices,
                             std::vector<std::string>& remarks);

}  // namespace tenk
