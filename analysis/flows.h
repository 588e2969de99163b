// When does each of many point-to-point flows end, if they share a network max-min fairly?
//
// A flow asks for bytes from one end to another at a time. It waits for its start and its latency,
// and then moves its bytes on the links that it was routed over. It has finished when the last of
// them has arrived. No collective, no protocol: what packet-level simulators are given, too.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/prediction.h"
#include "analysis/scenario.h"
#include "sim/plan/plan.h"

namespace tenk {

struct Flow {
  std::int64_t id = 0;             // Of one flow only.
  std::uint32_t src = 0, dst = 0;  // Different ends.
  double bytes = 0;                // > 0.
  double start_us = 0;             // >= 0.
};
inline constexpr double kMostFlowBytes = 1e18, kLatestFlowStart_us = 1e12;

struct RoutedFlows {
  std::vector<Flow> flows;
  // By flow:
  Lists<ClassUsage> usage;  // By link of `capacity`.
  std::vector<Time> latency;
  std::vector<Bandwidth> cap;

  bool paths = true;                     // Each flow goes whole over one path, usage in its order.
  std::vector<Bandwidth> capacity;       // By link.
  std::optional<Collisions> collisions;  // Of hashed routing.
};

// CSV with the columns id, src, dst, bytes, start_us; ends are whole numbers below `ends`. Throws
// Error{kFile} with all faults.
std::vector<Flow> read_flows(std::string text, const std::string& file, std::uint32_t ends);
// Throws Error{kInvalid} that names `file` if two flows have the same id. O(n log n).
void check_ids(std::vector<Flow> flows, const std::string& file);

// The way that the fabric's own routing takes from accelerator to accelerator, at the nominal rate
// of each link; a hashed path depends on the routing's seed and the flow's id. Latency is that of
// the links and switches passed. Throws Error{kInvalid} if failed links leave no path, or if the
// routing (ugal) decides for groups and not for a flow.
RoutedFlows route(const Fabric& fabric, std::vector<Flow> flows);

// Activities 2i (the wait) and 2i + 1 (the transfer) are flow i's; nothing is folded.
Plan plan_of(const RoutedFlows& routed);

struct FlowRow {
  std::int64_t id = 0;
  double finish_us = 0, fct_us = 0;  // From time 0; from the flow's start.
  double mean_rate_GBps = 0;         // Bytes over fct.
};
struct FlowTable {
  std::string scenario;
  std::vector<FlowRow> rows;  // In the order given.
  double makespan_us = 0;     // When the last flow finishes.
  std::optional<Collisions> collisions;
  EngineReport engine;
  std::vector<std::string> assumptions;
};
// Runs them on the engine of that name, with the bounds checked, or with rates corrected by a
// congestion model (analysis/congestion/congestion.h); then only the engine fluid is legal. Throws
// Error{kInvalid} if the model cannot serve these flows.
FlowTable run_flows(const RoutedFlows& routed, std::string_view engine,
                    std::string_view congestion = "ideal");

// All of it: the flows on the scenario's cluster.
FlowTable predict_flows(const Scenario& scenario, std::vector<Flow> flows);

}  // namespace tenk
