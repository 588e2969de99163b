#include "analysis/predict.h"

#include <algorithm>

#include <fmt/format.h>

#include "analysis/breakdown.h"
#include "analysis/collisions.h"
#include "analysis/cost.h"
#include "analysis/interval.h"
#include "analysis/link_traffic.h"
#include "analysis/pipeline.h"
#include "sim/base/error.h"
#include "sim/base/kinds.h"
#include "sim/base/version.h"
#include "sim/engine/engine.h"
#include "workloads/benchmark.h"
#include "workloads/place.h"
#include "workloads/training.h"

namespace tenk {
namespace {

constexpr std::string_view kSpreadLatency =
    "detail steps: an operation's start latency is spread evenly over its longest chain of "
    "messages";

void report_links(const Fabric& fabric, const Symmetry& symmetry, const Timeline& timeline,
                  Prediction& p) {
  const Graph& graph = fabric.graph();
  const double makespan = timeline.makespan.s();
  std::vector<LinkUse> by_kind(graph.link_kinds());
  for (std::size_t k = 0; k < symmetry.trunks.classes(); ++k) {
    const Trunk& trunk = fabric.trunks()[symmetry.trunks.representative[k]];
    const TrunkLoad& load = timeline.loads[k];
    const double count = static_cast<double>(symmetry.trunks.count[k]) * trunk.links;
    LinkUse& use = by_kind[trunk.kind];
    use.count += std::uint64_t{symmetry.trunks.count[k]} * trunk.links;
    use.peak_utilisation = std::max(use.peak_utilisation, load.peak_utilisation);
    if (load.bytes > 0) use.mean_utilisation += count * load.bytes / trunk.capacity.value();
    p.trunk_classes.push_back({graph.link_kind(trunk.kind), symmetry.trunks.count[k], trunk.links,
                               load.bytes, load.peak_utilisation});
  }
  for (std::size_t k = 0; k < by_kind.size(); ++k) {
    by_kind[k].kind = graph.link_kind(static_cast<std::uint16_t>(k));
    if (by_kind[k].count == 0) continue;
    by_kind[k].mean_utilisation /= static_cast<double>(by_kind[k].count) * makespan;
    p.links.push_back(by_kind[k]);
  }
}

void report_rates(const Scenario& s, const TrainingFacts& facts, Prediction& p) {
  const double step = p.step_time.s();
  const auto gpus = static_cast<double>(p.accelerators);
  p.tokens_per_s = static_cast<double>(facts.tokens_per_step) / step;
  p.model_flops = facts.model_flops_per_step;
  p.model_flops_causal = facts.model_flops_causal;
  p.tflops_per_gpu = p.model_flops / step / gpus * 1e-12;
  p.mfu = p.tflops_per_gpu * 1e12 / s.device->need_gemm(s.job->precision).peak.value;
  p.parameters = facts.parameters;
  p.memory_per_gpu = facts.memory_per_gpu;
  p.fits = facts.fits;
}

void report_assumptions(const Scenario& s, const Fabric& fabric, const TrainingFacts& facts,
                        Prediction& p) {
  const NetworkFacts& network = fabric.facts();
  p.buildable = network.buildable;
  if (!p.fits) {
    p.reason = fmt::format("a GPU of stage {} needs {} and has {}", facts.fullest_stage,
                           to_text(facts.memory_per_gpu), to_text(s.device->memory));
  }
  if (!p.buildable) p.reason += (p.reason.empty() ? "" : "; ") + network.reason;
  p.assumptions = facts.assumptions;
  p.assumptions.insert(p.assumptions.end(), network.assumptions.begin(), network.assumptions.end());
  if (p.accelerators < fabric.accelerators()) {
    p.assumptions.push_back(
        fmt::format("the job has {} of the cluster's {} accelerators; the others are idle",
                    p.accelerators, fabric.accelerators()));
  }
  if (const std::string text = about_stragglers(s.cluster.stragglers); !text.empty()) {
    p.assumptions.push_back(text);
  }
  p.assumptions.emplace_back(
      "point-to-point latency: one operation and one step of NCCL's ring tables");
  p.assumptions.emplace_back(
      "computation beside communication loses one SM for each of its channels");
  p.assumptions.push_back(fmt::format("GPUs run at {:.3g} of full-clock speed under sustained load",
                                      s.device->sustained_power_factor.value));
  p.assumptions.push_back(fmt::format(
      "interval_s: the stated uncertainty of the profiles' numbers and {:.0f} % for what the model "
      "leaves out{}",
      100 * kModelError,
      s.job->model.experts.routed > 0
          ? fmt::format(", {:.0f} % for how frameworks run experts", 100 * kExpertError)
          : ""));
  p.warnings = s.warnings;
  p.provenance = {
      fmt::format("tenk {}", kVersion),
      fmt::format("profiles/accelerators/{}.yaml: {}", s.cluster.node.accelerator, s.device->name),
      fmt::format("profiles/nodes/{}.yaml", s.cluster.node.name),
      fmt::format("profiles/collectives/{}.yaml: {}", s.cluster.node.collectives, s.tuning.name),
      fmt::format("profiles/nics/{}.yaml", s.cluster.node.nic),
      fmt::format("profiles/prices/{}.yaml", s.price_preset)};
}

CollectiveRow collective_row(const Placed& placed, const Simulation& sim, const Workload& workload,
                             SlotId slot, bool contention) {
  Time start = Time::max(), end;
  const Activity* one = nullptr;
  for (std::size_t a = 0; a < sim.plan.activities.size(); ++a) {
    const Activity& activity = sim.plan.activities[a];
    if (activity.kind != Activity::Kind::kTransfer || activity.slot != slot) continue;
    one = &activity;
    start = std::min(start, sim.timeline.start[a]);
    end = std::max(end, sim.timeline.end[a]);
  }
  TENK_CHECK(one != nullptr, "each size was run");
  const Slot& s = workload.slots[slot.value];
  CollectiveRow row;
  row.op = name_of(s.op);
  row.bytes = s.bytes;
  row.time_us = (end - start).us();
  row.algbw_GBps = s.bytes.value() / (end - start).s() * 1e-9;
  const auto ranks = static_cast<std::uint32_t>(workload.ranks());
  row.busbw_GBps = row.algbw_GBps * bus_factor(s.op, ranks);
  for (const Ask& ask :
       placed.traffic.asks[placed.symmetry.coflows.representative[one->coflow.value]]) {
    if (ask.slot != slot) continue;
    const Method& method = placed.traffic.methods[ask.method];
    row.algorithm = method.algorithm;
    row.protocol = method.protocol;
    row.channels = method.channels;
  }
  row.bound_us = wire_bound(placed.traffic, slot).us();
  TENK_CHECK(!contention || row.time_us >= row.bound_us * (1 - 1e-9),
             "nothing is faster than the wires");
  return row;
}

}  // namespace

Prediction predict(const Scenario& s) {
  TENK_CHECK(s.job.has_value() && s.device.has_value(), "the scenario was read with its job");
  const auto since = Clock::now();
  const Fabric fabric = build_fabric(s.cluster);
  const Inventory inventory = inventory_of(fabric);
  const SitePlan site = plan_site(inventory, s.prices);  // First: the node may lack a price.
  const TrainingFacts facts = describe_training(*s.job, *s.device);
  const Workload workload = build_training(*s.job, *s.device);
  const Seats seats = seats_of(s, fabric);
  const Placed placed = place_and_fold(fabric, workload, s.tuning, seats, s.engine.fold);
  Simulation sim = simulate(s, fabric, workload, placed);

  Prediction p;
  p.scenario = s.name;
  p.accelerators = workload.ranks();
  p.step_time = sim.timeline.makespan;
  const TimeShares shares = break_down(sim.plan, sim.timeline);
  p.breakdown_s = shares.exposed;
  p.hidden_s = shares.hidden;
  p.engine = report_engine(s.engine, placed, sim, since);
  p.fingerprint = sim.timeline.fingerprint();
  report_links(fabric, placed.symmetry, sim.timeline, p);
  if (placed.slowest_of_node) {
    p.assumptions.push_back(
        fmt::format("every rank computes at the speed of the slowest on its node: with a speed for "
                    "each, more than {} classes of ranks would be left",
                    kMostRankClasses));
  }
  p.collisions = collisions_of(fabric, workload, placed.traffic);
  p.traffic = link_traffic(fabric, placed.symmetry.trunks, sim.plan, sim.timeline);
  report_rates(s, facts, p);
  report_assumptions(s, fabric, facts, p);
  p.cost = cost_of(inventory, s.prices, p.tokens_per_s);
  p.assumptions.insert(p.assumptions.end(), site.assumptions.begin(), site.assumptions.end());
  sim = {};       // Variations are as large.
  Placed folded;  // Only if the scenario asks for the unfolded run.
  if (!s.engine.fold) folded = {placed.seats, placed.traffic, find_symmetry(placed.traffic), false};
  p.variations = vary(s, fabric, s.engine.fold ? placed : folded, p.step_time);
  const auto [low, high] = interval_of(p.variations, p.step_time);
  p.interval_low_s = low;
  p.interval_high_s = high;
  return p;
}

StepTime predict_step(const Scenario& s) {
  TENK_CHECK(s.job.has_value() && s.device.has_value(), "the scenario was read with its job");
  const Fabric fabric = build_fabric(s.cluster);
  const Workload workload = build_training(*s.job, *s.device);
  const Placed placed = place_and_fold(fabric, workload, s.tuning, seats_of(s, fabric), true);
  StepTime result;
  result.step = simulate(workload, placed, s.engine).timeline.makespan;
  const auto [low, high] = interval_of(vary(s, fabric, placed, result.step), result.step);
  result.low_s = low;
  result.high_s = high;
  result.fits = describe_training(*s.job, *s.device).fits;
  return result;
}

CollectiveTable predict_collective(const Scenario& s, Collective op, std::span<const Bytes> sizes) {
  const auto since = Clock::now();
  const Fabric fabric = build_fabric(s.cluster);
  if (fabric.accelerators() < 2) {
    throw Error(ErrorKind::kInvalid, "a collective needs at least two accelerators");
  }
  if (s.engine.congestion != "ideal") {
    throw Error(ErrorKind::kInvalid, "engine.congestion " + s.engine.congestion +
                                         " corrects raw flows (tenk flows), not collectives");
  }
  const Workload workload = one_after_another(fabric.accelerators(), op, sizes);
  const Seats seats = in_order(fabric.accelerators());
  const Placed placed = place_and_fold(fabric, workload, s.tuning, seats, s.engine.fold);
  const Simulation sim = simulate(s, fabric, workload, placed);

  CollectiveTable table;
  table.scenario = s.name;
  table.accelerators = fabric.accelerators();
  table.engine = report_engine(s.engine, placed, sim, since);
  table.collisions = collisions_of(fabric, workload, placed.traffic);
  table.assumptions = fabric.facts().assumptions;
  if (s.engine.steps()) table.assumptions.emplace_back(kSpreadLatency);
  const bool contention = find_kind(engine_kinds(), s.engine.name)->contention;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    table.rows.push_back(collective_row(placed, sim, workload, SlotId(i), contention));
  }
  return table;
}

}  // namespace tenk
