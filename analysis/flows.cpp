#include "analysis/flows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <numeric>

#include "analysis/collisions.h"
#include "analysis/congestion/congestion.h"
#include "sim/base/csv.h"
#include "sim/base/error.h"
#include "sim/base/hash.h"
#include "sim/base/kinds.h"
#include "sim/engine/engine.h"

namespace tenk {
namespace {

using Clock = std::chrono::steady_clock;

// A field that must be there.
template <class Value>
Value need(CsvReader& csv, std::size_t column, const std::optional<Value>& value) {
  if (!value && csv.text(column).empty()) {
    csv.fail(column, "found nothing, expected a number for " + csv.columns()[column]);
  }
  return value.value_or(Value());
}

// Does the flow cross single links only, each once and whole?
bool is_path(const Fabric& fabric, const std::vector<Usage>& way) {
  for (auto u = way.begin(); u != way.end(); ++u) {
    const auto again = [&](const Usage& other) { return other.trunk == u->trunk; };
    const bool whole = u->connections == 1 && fabric.trunks()[u->trunk.value].links == 1;
    if (!whole || std::any_of(u + 1, way.end(), again)) return false;
  }
  return true;
}

void add_way(const Fabric& fabric, const Flow& flow, std::vector<Usage>& way, RoutedFlows& routed) {
  Wire wire;
  wire.key = combine(static_cast<std::uint64_t>(flow.id), std::uint64_t{flow.src} << 32 | flow.dst);
  routed.latency.push_back(fabric.connect(flow.src, flow.dst, wire, way));
  const bool whole = is_path(fabric, way);
  routed.paths = routed.paths && whole;
  if (!whole) merge_usage(way);
  std::vector<ClassUsage> usage;
  for (const Usage& u : way) {
    if (fabric.trunks()[u.trunk.value].capacity.value() <= 0) {
      const std::uint16_t kind = fabric.trunks()[u.trunk.value].kind;
      throw Error(ErrorKind::kInvalid,
                  fmt::format("a {} link that flow {} needs is down and has no detour",
                              fabric.graph().link_kind(kind), flow.id));
    }
    usage.push_back({ClassId(u.trunk.value), u.connections});
  }
  routed.usage.add(usage);
  const bool leaves_node = fabric.node_of(flow.src) != fabric.node_of(flow.dst);
  routed.cap.push_back(leaves_node ? fabric.router().private_rate() : Bandwidth::unlimited());
}

// Renumbers links in order of first use and forgets the others: a cluster has far more links than
// some flows use.
void keep_used_links(RoutedFlows& routed) {
  constexpr std::uint32_t kUnused = 0xffffffff;
  std::vector<std::uint32_t> number(routed.capacity.size(), kUnused);
  std::vector<Bandwidth> used;
  for (ClassUsage& u : routed.usage.items) {
    std::uint32_t& n = number[u.trunk.value];
    if (n == kUnused) {
      n = static_cast<std::uint32_t>(used.size());
      used.push_back(routed.capacity[u.trunk.value]);
    }
    u.trunk = ClassId(n);
  }
  routed.capacity = std::move(used);
}

void add_flow(const RoutedFlows& routed, std::size_t i, Plan& plan) {
  Activity wait;
  wait.category = Category::kOther;
  wait.time = Time::seconds(routed.flows[i].start_us * 1e-6);
  Activity transfer;
  transfer.kind = Activity::Kind::kTransfer;
  transfer.category = Category::kDp;
  transfer.coflow = ClassId(i);
  transfer.bytes = routed.flows[i].bytes;
  transfer.time = routed.latency[i];
  transfer.cap = routed.cap[i];
  plan.activities.push_back(wait);
  plan.activities.push_back(transfer);
  const std::array<ActivityId, 2> both = {ActivityId(2 * i), ActivityId(2 * i + 1)};
  const ClassId self(i);
  plan.successors.add({&both[1], 1});
  plan.successors.add({});
  plan.waits_for.insert(plan.waits_for.end(), {0, 1});
  plan.ranks_of.add({&self, 1});
  plan.ranks_of.add({&self, 1});
  plan.of_rank_class.add(both);
}

FlowRow row_of(const Flow& flow, Time finish, Time start) {
  FlowRow row;
  row.id = flow.id;
  row.finish_us = finish.us();
  row.fct_us = (finish - start).us();
  row.mean_rate_GBps = row.fct_us > 0 ? flow.bytes / row.fct_us * 1e-3 : 0;
  return row;
}

FlowTable run_with(const CongestionKind& kind, const RoutedFlows& routed, std::string_view engine) {
  if (engine != "fluid") {
    throw Error(ErrorKind::kInvalid,
                fmt::format("engine.congestion {} corrects the engine fluid; found engine.name {}",
                            kind.name, engine));
  }
  if (kind.paths && !routed.paths) {
    throw Error(ErrorKind::kInvalid,
                fmt::format("engine.congestion {} needs flows that go whole over one path, such as "
                            "under routing.policy ecmp-hash",
                            kind.name));
  }
  std::vector<OpenFlow> flows;
  for (std::size_t i = 0; i < routed.flows.size(); ++i) {
    const Flow& f = routed.flows[i];
    const Time opens = Time::seconds(f.start_us * 1e-6) + routed.latency[i];
    flows.push_back({opens, f.bytes, routed.cap[i]});
  }
  const Corrected run = run_corrected(kind, routed.capacity, flows, routed.usage);
  FlowTable table;
  for (std::size_t i = 0; i < flows.size(); ++i) {
    const Time start = flows[i].opens - routed.latency[i];
    table.rows.push_back(row_of(routed.flows[i], run.end[i], start));
    table.makespan_us = std::max(table.makespan_us, run.end[i].us());
  }
  table.engine.activities = flows.size();
  table.engine.events = run.events;
  table.assumptions.push_back(fmt::format("congestion {}: {}", kind.name, kind.summary));
  return table;
}

FlowTable run_ideal(const RoutedFlows& routed, std::string_view engine) {
  const Plan plan = plan_of(routed);
  const Timeline timeline = simulate(plan, engine);
  FlowTable table;
  for (std::size_t i = 0; i < routed.flows.size(); ++i) {
    table.rows.push_back(row_of(routed.flows[i], timeline.end[2 * i + 1], timeline.end[2 * i]));
  }
  table.makespan_us = timeline.makespan.us();
  table.engine.activities = plan.activities.size();
  table.engine.events = timeline.events;
  return table;
}

}  // namespace

void check_ids(std::vector<Flow> flows, const std::string& file) {
  std::sort(flows.begin(), flows.end(), [](const Flow& a, const Flow& b) { return a.id < b.id; });
  const auto twice = std::adjacent_find(flows.begin(), flows.end(),
                                        [](const Flow& a, const Flow& b) { return a.id == b.id; });
  if (twice == flows.end()) return;
  throw Error(
      ErrorKind::kInvalid,
      fmt::format("found two flows with id {}, expected an id of its own for each", twice->id),
      Where{.file = file});
}

std::vector<Flow> read_flows(std::string text, const std::string& file, std::uint32_t ends) {
  CsvReader csv(std::move(text), file);
  const std::size_t id = csv.column("id"), src = csv.column("src"), dst = csv.column("dst"),
                    bytes = csv.column("bytes"), start = csv.column("start_us");
  const IntegerRange end{0, std::int64_t{ends} - 1};
  std::vector<Flow> flows;
  while (csv.next()) {
    Flow f;
    f.id = need(csv, id, csv.integer(id));
    f.src = static_cast<std::uint32_t>(need(csv, src, csv.integer(src, end)));
    f.dst = static_cast<std::uint32_t>(need(csv, dst, csv.integer(dst, end)));
    f.bytes = need(csv, bytes, csv.number(bytes, {1e-3, kMostFlowBytes}));
    f.start_us = need(csv, start, csv.number(start, {0, kLatestFlowStart_us}));
    if (f.src == f.dst && !csv.text(src).empty() && csv.text(src) == csv.text(dst)) {
      csv.fail(dst, fmt::format("found {} again, expected another end than src", f.dst));
    }
    flows.push_back(f);
  }
  csv.finish();
  if (flows.empty()) {
    throw Error(ErrorKind::kFile, "has no flows, expected at least one", Where{.file = file});
  }
  check_ids(flows, file);
  return flows;
}

RoutedFlows route(const Fabric& fabric, std::vector<Flow> flows) {
  if (fabric.router().ways() > 1) {
    throw Error(
        ErrorKind::kInvalid,
        "routing.policy ugal balances the traffic of groups; flows need minimal or valiant");
  }
  RoutedFlows routed;
  routed.flows = std::move(flows);
  for (const Trunk& trunk : fabric.trunks()) routed.capacity.push_back(trunk.capacity);
  std::vector<Usage> way;
  Lists<Usage> ways;
  for (const Flow& flow : routed.flows) {
    way.clear();
    add_way(fabric, flow, way, routed);
    if (fabric.router().hashes()) ways.add(way);
  }
  routed.collisions = collisions_of(fabric, ways);
  keep_used_links(routed);
  return routed;
}

Plan plan_of(const RoutedFlows& routed) {
  Plan plan;
  const std::size_t n = routed.flows.size();
  for (std::size_t i = 0; i < n; ++i) add_flow(routed, i, plan);
  plan.usage = routed.usage;
  plan.capacity = routed.capacity;
  plan.trunk_count.assign(routed.capacity.size(), 1);
  plan.rank_count.assign(n, 1);
  plan.coflow_count.assign(n, 1);
  return plan;
}

FlowTable run_flows(const RoutedFlows& routed, std::string_view engine,
                    std::string_view congestion) {
  const auto since = Clock::now();
  const CongestionKind* kind = find_kind(congestion_kinds(), congestion);
  TENK_CHECK(kind != nullptr, "a congestion model of the list");
  FlowTable table =
      kind->correct == nullptr ? run_ideal(routed, engine) : run_with(*kind, routed, engine);
  table.collisions = routed.collisions;
  table.engine.name = engine;
  table.engine.detail = "coflow";
  table.engine.fold = false;
  table.engine.rank_classes = table.engine.coflow_classes = routed.flows.size();
  table.engine.link_classes = routed.capacity.size();
  table.engine.wall_s = std::chrono::duration<double>(Clock::now() - since).count();
  return table;
}

FlowTable predict_flows(const Scenario& scenario, std::vector<Flow> flows) {
  const Fabric fabric = build_fabric(scenario.cluster);
  FlowTable table =
      run_flows(route(fabric, std::move(flows)), scenario.engine.name, scenario.engine.congestion);
  table.engine.detail = scenario.engine.detail;
  table.scenario = scenario.name;
  const auto& assumed = fabric.facts().assumptions;
  table.assumptions.insert(table.assumptions.begin(), assumed.begin(), assumed.end());
  table.assumptions.emplace_back(
      "flows go at the nominal rates of links; latency is that of the "
      "links passed");
  return table;
}

}  // namespace tenk
