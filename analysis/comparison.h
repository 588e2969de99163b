// What does tenk say about several clusters that do the same job?
//
// The fields of `tenk compare --format json` (docs/result.schema.json), in the same words.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "analysis/prediction.h"

namespace tenk {

// A ratio of two predictions with its 90 % interval (analysis/lead.h).
struct Ratio {
  double value = 1, low = 1, high = 1;
};

// One of the links that are busiest, and what keeps them busy.
struct HotLink {
  LinkUse use;
  bool network = false;
  Category traffic = Category::kOther;  // Most of the bytes.
  double traffic_share = 0;             // Of the bytes.
  double full_s = 0;                    // How long the link is full while traffic is on it.
};

struct ComparedCluster {
  std::string label;  // How the user named it: the file without folder and ending.
  Prediction prediction;
  std::vector<HotLink> hot_links;  // The busiest first; at most three.
  // To the baseline.
  Ratio step_ratio, token_cost_ratio;
};

// Who is first, and does the lead survive?
struct Verdict {
  std::string question;               // "fastest", "fastest_buildable", "cheapest_tokens", ...
  std::optional<std::size_t> leader;  // Of clusters; none if no cluster may be asked.
  std::optional<std::size_t> rival;   // Whoever comes nearest to spoiling the lead.
  Ratio lead;                         // Leader to rival: below 1 is better.
  bool survives = false;
  std::string text;  // In words.
};

struct Comparison {
  std::size_t baseline = 0;
  std::vector<ComparedCluster> clusters;  // In the order given.
  std::vector<Verdict> verdicts;
  std::string why;                       // The fastest against the others, in words.
  std::vector<std::string> assumptions;  // About the comparison; each prediction has its own.
  std::vector<std::string> warnings;     // What makes the comparison unfair: the jobs differ, ...
};

}  // namespace tenk
