// Packet-level simulations of raw flows: does the fluid engine say what packets do?
//
// A case is a JSON file (docs/formats.md): a fat tree or leaf-spine of hosts, flows with bytes and
// start, and when the sender of each saw its last acknowledgement. The engine gets the flows on the
// very paths that the simulator hashed them to; sprayed flows split evenly over all shortest paths.
// Payload share of a link: 4,086 of 4,150 bytes a packet (Ultra Ethernet transport); RoCE all.
// Latency of a flow: the round trip over its links and the store-and-forward of one packet.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "analysis/validate/validation.h"
#include "sim/base/error.h"
#include "sim/base/kinds.h"
#include "sim/engine/engine.h"

namespace tenk {
namespace {

using Json = nlohmann::json;

constexpr double kPacketBytes = 4150, kPayloadBytes = 4086;
constexpr std::int64_t kMostHosts = 100'000;

struct Flow {
  std::int64_t id = 0, src = 0, dst = 0;
  double bytes = 0, start_us = 0, measured_us = 0;
  std::vector<std::string> path;  // Switch to switch; empty: sprayed, or below one switch.
};

struct Case {
  std::string name;
  bool roce = false;
  bool sprayed = false;
  std::int64_t hosts_per_leaf = 1, leaves_per_pod = 0;  // leaves_per_pod 0: two tiers.
  std::int64_t uplinks = 1;                             // Of a leaf (and of an aggregation switch).
  double gbps = 0, link_latency_us = 0;
  std::vector<Flow> flows;
};

// Throws Json exceptions for what is missing; judge_packet turns them into an Error.
Flow read_flow(const Json& json) {
  Flow flow;
  flow.id = json.at("id").get<std::int64_t>();
  flow.src = json.at("src").get<std::int64_t>();
  flow.dst = json.at("dst").get<std::int64_t>();
  flow.bytes = json.at("bytes").get<double>();
  flow.start_us = json.at("start_us").get<double>();
  flow.measured_us = json.at("finish_us").get<double>() - flow.start_us;
  if (json.contains("path")) flow.path = json["path"].get<std::vector<std::string>>();
  return flow;
}

void check_flow(const Flow& flow, std::int64_t hosts, const std::string& file) {
  const bool hosts_exist = flow.src >= 0 && flow.dst >= 0 && flow.src < hosts && flow.dst < hosts &&
                           flow.src != flow.dst;
  if (hosts_exist && flow.bytes > 0 && flow.start_us >= 0 && flow.measured_us > 0) return;
  throw Error(ErrorKind::kInvalid,
              fmt::format("flow {}: expected two different hosts below {}, bytes above 0 and a "
                          "finish after the start",
                          flow.id, hosts),
              Where{.file = file});
}

Case read_case(const Json& json, const std::string& file) {
  Case c;
  c.name = json.at("case").get<std::string>();
  const Json& topology = json.at("topology");
  const std::int64_t hosts = topology.at("hosts").get<std::int64_t>();
  c.gbps = topology.at("gbps").get<double>();
  c.link_latency_us = topology.at("link_latency_ns").get<double>() * 1e-3;
  if (topology.contains("k")) {
    const auto k = topology["k"].get<std::int64_t>();
    c.hosts_per_leaf = c.leaves_per_pod = c.uplinks = k / 2;
  } else {
    c.hosts_per_leaf = topology.at("hosts_per_leaf").get<std::int64_t>();
    c.uplinks = topology.at("spines").get<std::int64_t>();
  }
  if (hosts < 1 || hosts > kMostHosts || c.hosts_per_leaf < 1 || c.uplinks < 1 || !(c.gbps > 0)) {
    throw Error(ErrorKind::kInvalid, "the topology has a number that is out of range",
                Where{.file = file});
  }
  const std::string transport = json.at("congestion_control").get<std::string>();
  c.roce = transport.find("PFC") != std::string::npos;
  c.sprayed = json.at("routing").get<std::string>().find("pray") != std::string::npos;
  for (const Json& flow : json.at("flows")) {
    c.flows.push_back(read_flow(flow));
    check_flow(c.flows.back(), hosts, file);
  }
  return c;
}

// Links by name, numbered as they come up; every link has the same rate.
class Links {
 public:
  ClassId operator[](const std::string& name) {
    return ClassId(numbers_.emplace(name, numbers_.size()).first->second);
  }
  std::size_t size() const { return numbers_.size(); }

 private:
  std::map<std::string, std::size_t> numbers_;
};

// Switches between source and destination: 0 below one leaf, 2 tiers up inside a pod, ...
std::int64_t switch_links(const Case& c, const Flow& flow) {
  const std::int64_t a = flow.src / c.hosts_per_leaf, b = flow.dst / c.hosts_per_leaf;
  if (a == b) return 0;
  return c.leaves_per_pod == 0 || a / c.leaves_per_pod == b / c.leaves_per_pod ? 2 : 4;
}

void spray(const Case& c, const Flow& flow, Links& links, std::vector<ClassUsage>& usage) {
  const std::int64_t a = flow.src / c.hosts_per_leaf, b = flow.dst / c.hosts_per_leaf;
  const std::int64_t tiers = switch_links(c, flow);
  const double share = 1.0 / static_cast<double>(c.uplinks);
  for (std::int64_t up = 0; tiers > 0 && up < c.uplinks; ++up) {
    usage.push_back({links[fmt::format("leaf {} up {}", a, up)], share});
    usage.push_back({links[fmt::format("leaf {} down {}", b, up)], share});
    for (std::int64_t core = 0; tiers > 2 && core < c.uplinks; ++core) {
      const std::int64_t pod_a = a / c.leaves_per_pod, pod_b = b / c.leaves_per_pod;
      usage.push_back({links[fmt::format("pod {} up {} {}", pod_a, up, core)], share * share});
      usage.push_back({links[fmt::format("pod {} down {} {}", pod_b, up, core)], share * share});
    }
  }
}

std::vector<ClassUsage> usage_of(const Case& c, const Flow& flow, Links& links) {
  std::vector<ClassUsage> usage = {{links[fmt::format("host {} out", flow.src)], 1},
                                   {links[fmt::format("host {} in", flow.dst)], 1}};
  if (flow.path.empty()) {
    spray(c, flow, links, usage);
  } else {
    for (const std::string& link : flow.path) usage.push_back({links[link], 1});
  }
  return usage;
}

Time latency_of(const Case& c, const Flow& flow) {
  const auto hops = static_cast<double>(switch_links(c, flow) + 2);
  const double packet_us = kPacketBytes * 8 / (c.gbps * 1e3);
  return Time::seconds((2 * hops * c.link_latency_us + (hops - 1) * packet_us) * 1e-6);
}

// Two activities a flow: its start (a wait) and its transfer; each flow is a rank class.
Plan plan_of(const Case& c) {
  Plan plan;
  Links links;
  for (std::size_t i = 0; i < c.flows.size(); ++i) {
    const Flow& flow = c.flows[i];
    Activity wait;
    wait.category = Category::kOther;
    wait.time = Time::seconds(flow.start_us * 1e-6);
    Activity transfer;
    transfer.kind = Activity::Kind::kTransfer;
    transfer.category = Category::kDp;
    transfer.coflow = ClassId(i);
    transfer.bytes = flow.bytes;
    transfer.time = latency_of(c, flow);
    plan.activities.push_back(wait);
    plan.activities.push_back(transfer);
    const std::array<ActivityId, 2> both = {ActivityId(2 * i), ActivityId(2 * i + 1)};
    const ClassId self(i);
    plan.successors.add({&both[1], 1});
    plan.successors.add({});
    plan.waits_for.insert(plan.waits_for.end(), {0, 1});
    plan.usage.add(usage_of(c, flow, links));
    plan.ranks_of.add({&self, 1});
    plan.ranks_of.add({&self, 1});
    plan.of_rank_class.add(both);
  }
  const double share = c.roce ? 1 : kPayloadBytes / kPacketBytes;
  plan.capacity.assign(links.size(), Bandwidth::per_second(c.gbps * 1e9 / 8 * share));
  plan.trunk_count.assign(links.size(), 1);
  plan.rank_count.assign(c.flows.size(), 1);
  plan.coflow_count.assign(c.flows.size(), 1);
  return plan;
}

Judged judged_time(const Case& c, std::string id, std::string what, double measured_us, double us) {
  Judged row;
  row.id = std::move(id);
  row.part = c.name;
  row.gpu = c.roce ? "RoCE with PFC" : "Ultra Ethernet";
  row.cell = std::move(what) + (c.sprayed ? ", sprayed" : ", single path");
  row.measured_s = measured_us * 1e-6;
  row.predicted_s = us * 1e-6;
  return row;
}

void judge_packet(const std::string& text, const std::string& file, Validation& all) {
  Case c;
  try {
    c = read_case(Json::parse(text), file);
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::kFile, fmt::format("is no packet-level case: {}", error.what()),
                Where{.file = file});
  }
  const Plan plan = plan_of(c);
  const Timeline timeline = find_kind(engine_kinds(), "fluid")->run(plan);
  check_bounds(plan, timeline);
  double last = 0;
  for (std::size_t i = 0; i < c.flows.size(); ++i) {
    const Flow& flow = c.flows[i];
    const double us = timeline.end[2 * i + 1].us() - flow.start_us;
    all.rows.push_back(
        judged_time(c, fmt::format("{}:{}", c.name, flow.id), "flow", flow.measured_us, us));
    last = std::max(last, flow.start_us + flow.measured_us);
  }
  all.rows.push_back(judged_time(c, c.name, "makespan", last, timeline.makespan.us()));
}

}  // namespace

extern const ValidationKind kPacketValidation{
    .name = "packet",
    .summary = "packet-level simulations of raw flows (JSON cases)",
    .judge = judge_packet};

}  // namespace tenk
