// What does tenk predict for one scenario?
//
// The fields of `tenk run --format json` (docs/result.schema.json), in the same words and order.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/units.h"
#include "sim/plan/category.h"

namespace tenk {

// Mean over ranks; each instant of a rank belongs to one category. In order of Category.
using Breakdown = std::array<double, kCategoryNames.size()>;

struct LinkUse {
  std::string kind;             // "leaf-spine up"
  std::uint64_t count = 0;      // Links of that kind.
  double peak_utilisation = 0;  // Of the busiest link at its busiest instant.
  double mean_utilisation = 0;  // Over all links of the kind and the whole step.
};

// What the traffic of one category does to one kind of links; not in the JSON of a run.
struct LinkTraffic {
  std::string kind;
  Category category = Category::kOther;
  bool network = false;  // Joins nodes or switches, not devices of one node.
  double bytes = 0;      // Through all links of the kind.
  double full_s = 0;     // How long it meets a full link, where that is longest.
};

// The step with one uncertain number at the end of its interval, all others as they were.
struct Variation {
  std::string number;  // "h100-sxm: sustained_power_factor"; equal names are the same number.
  Time step_time;
};

// One trunk class, for result.h5 only.
struct TrunkClassUse {
  std::string kind;
  std::uint64_t trunks = 0, links_per_trunk = 0;
  double bytes = 0;  // Through one trunk.
  double peak_utilisation = 0;
};

// US dollars and watts with what they are made of. low and high are the ends of the price ranges,
// each part's taken as independent (quadrature).
struct CostPart {
  std::string name;  // "servers", "switches", "cables", "optics", "racks and cooling", ...
  double count = 0;
  double usd = 0;
  double usd_half_width = 0;  // Of the 90 % interval.
  double watts = 0;
  bool network = false;  // Counts toward network_share.
};
struct Cost {
  double capex_usd = 0, capex_low_usd = 0, capex_high_usd = 0;
  double network_share = 0;           // Of capex.
  double power_w = 0;                 // Of the machines.
  double facility_power_w = 0;        // Times PUE.
  double usd_per_million_tokens = 0;  // Capex over its life, and energy; 0 without a job.
  std::uint64_t switches = 0;
  std::uint64_t cables = 0;  // Between NIC ports and switches, and between switches.
  std::uint64_t optics = 0;  // Transceivers.
  std::uint64_t racks = 0;
  std::vector<CostPart> parts;
};

// Connections on links between switches under hashed routing (analysis/collisions.h).
struct CollisionBin {
  std::uint64_t from = 0, to = 0;  // Connections, both included.
  std::uint64_t links = 0;         // That have so many.
};
struct Collisions {
  std::string kind;           // Of the links.
  std::string traffic;        // "dp ring"; "flows".
  std::uint64_t links = 0;    // Of that kind.
  double mean = 0;            // Connections on a link,
  std::uint64_t busiest = 0;  // and on the one that has most.
  std::vector<CollisionBin> histogram;
};

struct EngineReport {
  std::string name, detail;
  bool fold = true;
  std::uint64_t rank_classes = 0, coflow_classes = 0, link_classes = 0;
  std::uint64_t activities = 0, events = 0;
  double wall_s = 0;  // Of placing, folding, lowering and running; never part of the fingerprint.
};

struct Prediction {
  std::string scenario;
  std::uint64_t accelerators = 0;  // Of the job.
  Time step_time;
  double tokens_per_s = 0;
  double tflops_per_gpu = 0;      // Model FLOPs, attention in full.
  double mfu = 0;                 // Of the BF16 peak of all accelerators; 0 to 1.
  double model_flops = 0;         // One step.
  double model_flops_causal = 0;  // With causal attention counted half.
  double interval_low_s = 0, interval_high_s = 0;
  Breakdown breakdown_s{};  // Exposed.
  Breakdown hidden_s{};     // Beside something of a category before it.
  std::int64_t parameters = 0;
  Bytes memory_per_gpu;
  bool fits = true;
  bool buildable = true;
  std::string reason;  // Why it does not fit or cannot be built; empty if all is well.
  std::vector<LinkUse> links;
  std::vector<LinkTraffic> traffic;
  std::vector<Variation> variations;  // What the interval is made of.
  std::vector<TrunkClassUse> trunk_classes;
  std::optional<Collisions> collisions;
  Cost cost;
  EngineReport engine;
  std::vector<std::string> assumptions;
  std::vector<std::string> warnings;
  std::string fingerprint;
  std::vector<std::string> provenance;  // tenk's version, profiles and their sources.
};

// One row of `tenk collective`, as nccl-tests prints it.
struct CollectiveRow {
  std::string op;
  Bytes bytes;
  double time_us = 0;
  double algbw_GBps = 0, busbw_GBps = 0;
  std::string algorithm, protocol;
  int channels = 0;
  double bound_us = 0;  // Payload over the busiest link: nothing can be faster.
};

struct CollectiveTable {
  std::string scenario;
  std::uint64_t accelerators = 0;
  std::vector<CollectiveRow> rows;
  std::optional<Collisions> collisions;
  EngineReport engine;
  std::vector<std::string> assumptions;
};

}  // namespace tenk
