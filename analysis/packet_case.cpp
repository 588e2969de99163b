#include "analysis/packet_case.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "sim/base/error.h"

namespace tenk {
namespace {

using Json = nlohmann::json;

constexpr double kPacketBytes = 4150, kPayloadBytes = 4086;
constexpr std::int64_t kMostHosts = 100'000, kMostUplinks = 1024;
constexpr std::size_t kMostUsages = 50'000'000;

struct Shape {
  std::int64_t hosts = 0;
  std::int64_t hosts_per_leaf = 1, leaves_per_pod = 0;  // leaves_per_pod 0: two tiers.
  std::int64_t uplinks = 1;                             // Of a leaf (and of an aggregation switch).
  double gbps = 0, link_latency_us = 0;
};

// Reading throws Json exceptions for what is missing; read_packet_case makes an Error of them.
Shape read_shape(const Json& topology, const std::string& file) {
  Shape s;
  s.hosts = topology.at("hosts").get<std::int64_t>();
  s.gbps = topology.at("gbps").get<double>();
  s.link_latency_us = topology.at("link_latency_ns").get<double>() * 1e-3;
  if (topology.contains("k")) {
    s.hosts_per_leaf = s.leaves_per_pod = s.uplinks = topology["k"].get<std::int64_t>() / 2;
  } else {
    s.hosts_per_leaf = topology.at("hosts_per_leaf").get<std::int64_t>();
    s.uplinks = topology.at("spines").get<std::int64_t>();
  }
  const bool sizes = s.hosts >= 1 && s.hosts <= kMostHosts && s.hosts_per_leaf >= 1 &&
                     s.uplinks >= 1 && s.uplinks <= kMostUplinks;
  const bool speeds =
      s.gbps >= 1e-3 && s.gbps <= 1e9 && s.link_latency_us >= 0 && s.link_latency_us <= 1e6;
  if (sizes && speeds) return s;
  throw Error(ErrorKind::kInvalid, "the topology has a number that is out of range",
              Where{.file = file});
}

// A flow and when it ended for its sender (0: not said), from its start.
std::pair<Flow, double> read_flow(const Json& json, const Shape& shape, const std::string& file) {
  Flow flow;
  flow.id = json.at("id").get<std::int64_t>();
  const auto src = json.at("src").get<std::int64_t>(), dst = json.at("dst").get<std::int64_t>();
  flow.bytes = json.at("bytes").get<double>();
  flow.start_us = json.at("start_us").get<double>();
  const bool measured = json.contains("finish_us");
  const double took = measured ? json["finish_us"].get<double>() - flow.start_us : 0;
  const bool ends = src >= 0 && dst >= 0 && src < shape.hosts && dst < shape.hosts && src != dst;
  if (!ends || !(flow.bytes >= 1e-3 && flow.bytes <= kMostFlowBytes) ||
      !(flow.start_us >= 0 && flow.start_us <= kLatestFlowStart_us) || (measured && !(took > 0))) {
    throw Error(ErrorKind::kInvalid,
                fmt::format("flow {}: expected two different hosts below {}, bytes above 0 and a "
                            "finish after the start",
                            flow.id, shape.hosts),
                Where{.file = file});
  }
  flow.src = static_cast<std::uint32_t>(src);
  flow.dst = static_cast<std::uint32_t>(dst);
  return {flow, took};
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

// Links between switches on the way: 0 below one leaf, 2 inside a pod, ...
std::int64_t switch_links(const Shape& s, const Flow& flow) {
  const std::int64_t a = flow.src / s.hosts_per_leaf, b = flow.dst / s.hosts_per_leaf;
  if (a == b) return 0;
  return s.leaves_per_pod == 0 || a / s.leaves_per_pod == b / s.leaves_per_pod ? 2 : 4;
}

void spray(const Shape& s, const Flow& flow, Links& links, std::vector<ClassUsage>& usage) {
  const std::int64_t a = flow.src / s.hosts_per_leaf, b = flow.dst / s.hosts_per_leaf;
  const std::int64_t tiers = switch_links(s, flow);
  const double share = 1.0 / static_cast<double>(s.uplinks);
  for (std::int64_t up = 0; tiers > 0 && up < s.uplinks; ++up) {
    usage.push_back({links[fmt::format("leaf {} up {}", a, up)], share});
    usage.push_back({links[fmt::format("leaf {} down {}", b, up)], share});
    for (std::int64_t core = 0; tiers > 2 && core < s.uplinks; ++core) {
      const std::int64_t pod_a = a / s.leaves_per_pod, pod_b = b / s.leaves_per_pod;
      usage.push_back({links[fmt::format("pod {} up {} {}", pod_a, up, core)], share * share});
      usage.push_back({links[fmt::format("pod {} down {} {}", pod_b, up, core)], share * share});
    }
  }
}

// `path`: from switch to switch; empty: sprayed, or below one switch.
std::vector<ClassUsage> usage_of(const Shape& s, const Flow& flow,
                                 const std::vector<std::string>& path, Links& links) {
  std::vector<ClassUsage> usage = {{links[fmt::format("host {} out", flow.src)], 1}};
  if (path.empty()) spray(s, flow, links, usage);
  for (const std::string& link : path) usage.push_back({links[link], 1});
  usage.push_back({links[fmt::format("host {} in", flow.dst)], 1});
  return usage;
}

PacketCase read_case(const Json& json, const std::string& file) {
  PacketCase c;
  c.name = json.at("case").get<std::string>();
  const Shape shape = read_shape(json.at("topology"), file);
  const std::string transport = json.at("congestion_control").get<std::string>();
  c.roce = transport.find("PFC") != std::string::npos;
  if (c.roce) c.congestion = "pfc";
  if (transport.find("NSCC") != std::string::npos) c.congestion = "nscc";
  c.sprayed = json.at("routing").get<std::string>().find("pray") != std::string::npos;
  Links links;
  RoutedFlows& r = c.routed;
  for (const Json& entry : json.at("flows")) {
    const auto [flow, took] = read_flow(entry, shape, file);
    std::vector<std::string> path;
    if (entry.contains("path")) path = entry["path"].get<std::vector<std::string>>();
    const auto hops = static_cast<double>(switch_links(shape, flow) + 2);
    const double packet_us = kPacketBytes * 8 / (shape.gbps * 1e3);
    r.paths = r.paths && (!path.empty() || switch_links(shape, flow) == 0);
    r.usage.add(usage_of(shape, flow, path, links));
    r.latency.push_back(
        Time::seconds((hops * shape.link_latency_us + (hops - 1) * packet_us) * 1e-6));
    r.flows.push_back(flow);
    c.measured_us.push_back(took);
    c.back_us.push_back(hops * shape.link_latency_us);
    if (r.usage.items.size() > kMostUsages) {
      throw Error(ErrorKind::kInvalid,
                  fmt::format("its flows use more than {} links in all", kMostUsages),
                  Where{.file = file});
    }
  }
  check_ids(r.flows, file);
  r.cap.assign(r.flows.size(), Bandwidth::unlimited());
  const double share = c.roce ? 1 : kPayloadBytes / kPacketBytes;
  r.capacity.assign(links.size(), Bandwidth::per_second(shape.gbps * 1e9 / 8 * share));
  return c;
}

}  // namespace

PacketCase read_packet_case(const std::string& text, const std::string& file) {
  try {
    return read_case(Json::parse(text), file);
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::kFile, fmt::format("is no packet-level case: {}", error.what()),
                Where{.file = file});
  }
}

FlowTable predict_flows(const PacketCase& packets, std::string_view congestion) {
  FlowTable table = run_flows(packets.routed, "fluid", congestion);
  table.scenario = packets.name;
  table.assumptions.emplace_back(
      packets.roce ? "all bytes of a link are payload (RoCE)"
                   : "4,086 of 4,150 bytes of a link are payload (Ultra Ethernet)");
  table.assumptions.emplace_back(
      "a flow has finished when its last byte has arrived; its sender sees that one propagation "
      "later");
  return table;
}

}  // namespace tenk
