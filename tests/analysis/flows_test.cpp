#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "analysis/packet_case.h"
#include "analysis/report/report.h"
#include "sim/base/error.h"
#include "sim/base/random.h"
#include "sim/base/text_file.h"
#include "tests/analysis/schema_check.h"
#include "tests/support.h"

namespace tenk {
namespace {

using testing::endpoints;
using testing::fabric;

FlowTable run_on(const std::string& cluster, const std::vector<Flow>& flows) {
  return run_flows(route(fabric(cluster), flows), "fluid");
}

std::vector<Flow> random_flows(std::uint64_t seed, std::uint32_t ends, std::size_t count) {
  Random random(seed, "flows");
  std::vector<Flow> flows;
  while (flows.size() < count) {
    Flow f;
    f.id = static_cast<std::int64_t>(flows.size());
    f.src = static_cast<std::uint32_t>(random.below(ends));
    f.dst = static_cast<std::uint32_t>(random.below(ends));
    f.bytes = 1e6 * (1 + 99 * random.uniform());
    f.start_us = 1000 * random.uniform();
    if (f.src != f.dst) flows.push_back(f);
  }
  return flows;
}

PacketCase packet_case(const std::string& name) {
  const std::string path =
      std::string(TENK_SOURCE_DIR) + "/tests/analysis/data/packet/" + name + ".json";
  return read_packet_case(read_text_file(path), path);
}

std::string complaint(const std::string& csv, std::uint32_t ends = 16) {
  try {
    read_flows(csv, "f.csv", ends);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("Two flows out of one NIC share it until one ends") {
  // 50 GB/s. 25 GB/s each from 0 to 4 ms (100 MB each); then the second's other 100 MB at 50 GB/s:
  // 2 ms more. Two links of 600 ns below one switch come on top.
  const FlowTable t =
      run_on(endpoints(4, "tiers: 2, radix: 8"), {{1, 0, 1, 100e6, 0}, {2, 0, 2, 200e6, 0}});
  const double wire_us = 2 * 0.6;
  CHECK(t.rows[0].fct_us == Approx(4000 + wire_us).epsilon(1e-9));
  CHECK(t.rows[1].fct_us == Approx(6000 + wire_us).epsilon(1e-9));
  CHECK(t.rows[1].mean_rate_GBps == Approx(200e6 / (6000 + wire_us) * 1e-3));
  CHECK(t.makespan_us == t.rows[1].finish_us);
}

TEST_CASE("Flows that share no link go as if alone, and a later start only shifts them") {
  const std::string cluster = endpoints(8, "tiers: 2, radix: 8");
  const FlowTable t = run_on(cluster, {{1, 0, 1, 1e6, 0}, {2, 2, 3, 1e6, 500}});
  CHECK(t.rows[0].fct_us == Approx(t.rows[1].fct_us).epsilon(1e-9));
  CHECK(t.rows[1].finish_us == Approx(500 + t.rows[1].fct_us));
}

TEST_CASE(
    "The order of the flows changes no time, and each extra flow delays the makespan or not") {
  for (const std::string policy : {"spray", "ecmp-hash"}) {
    const std::string cluster =
        endpoints(32, "tiers: 3, radix: 4", ", routing: {policy: " + policy + ", seed: 3}");
    std::vector<Flow> flows = random_flows(5, 16, 60);
    const FlowTable forward = run_on(cluster, flows);
    std::reverse(flows.begin(), flows.end());
    FlowTable backward = run_on(cluster, flows);
    std::reverse(backward.rows.begin(), backward.rows.end());
    for (std::size_t i = 0; i < flows.size(); ++i) {
      REQUIRE(forward.rows[i].finish_us == Approx(backward.rows[i].finish_us).epsilon(1e-9));
      REQUIRE(forward.rows[i].mean_rate_GBps <= 50 * (1 + 1e-9));
    }
  }
}

TEST_CASE("Hashed flows follow one path each, which the seed decides") {
  const auto used = [](int seed) {
    const std::string routing =
        ", routing: {policy: ecmp-hash, seed: " + std::to_string(seed) + "}";
    const Fabric f = fabric(endpoints(16, "tiers: 3, radix: 4", routing));
    const RoutedFlows r = route(f, random_flows(1, 16, 40));
    for (const ClassUsage& u : r.usage.items) CHECK(u.connections == 1);
    return run_flows(r, "fluid").makespan_us;
  };
  CHECK(used(1) == used(1));
  CHECK(used(1) != used(2));
}

TEST_CASE("Flows that would take longer than time can tell are refused, not wrapped around") {
  CHECK_THROWS_AS(run_on(endpoints(4, "tiers: 2, radix: 8"), {{1, 0, 1, 1e18, 0}}), Error);
}

TEST_CASE("A case of a packet simulator ends one propagation before its sender knows") {
  const PacketCase c = packet_case("single_flow_k8");
  const FlowTable t = predict_flows(c);
  REQUIRE(t.rows.size() == 1);
  // 6 links of 1 us each way.
  CHECK(t.rows[0].fct_us + 6 == Approx(c.measured_us[0]).epsilon(1e-3));
}

TEST_CASE("The JSON of flows keeps to the schema, and CSV has the same rows") {
  const FlowTable t = predict_flows(packet_case("two_flows_one_nic_k8"));
  const auto json = nlohmann::json::parse(flows_json(t));
  const auto schema = nlohmann::json::parse(
      std::ifstream(std::string(TENK_SOURCE_DIR) + "/docs/result.schema.json"));
  CHECK(schema_faults(json, schema, "flows") == std::vector<std::string>{});
  CHECK(schema_faults(json, schema) == std::vector<std::string>{});
  CHECK(json["flows"].size() == 2);
  const std::string csv = flows_csv(t);
  CHECK(csv.starts_with("id,finish_us,fct_us,mean_rate_GBps\n"));
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 3);
  CHECK(report(t, Format::kTable).find("Makespan") != std::string::npos);
  CHECK(report(t, Format::kMarkdown).starts_with("# two"));
}

TEST_CASE("A list of flows says where it is wrong and what was expected") {
  using Catch::Contains;
  const std::string head = "id,src,dst,bytes,start_us\n";
  CHECK(complaint(head + "1,0,1,1e6,0\n2,3,4,1000,2.5\n") == "");
  CHECK_THAT(complaint(head + "1,0,16,1e6,0\n"), Contains("f.csv:2:5"));
  CHECK_THAT(complaint(head + "1,3,3,1e6,0\n"), Contains("expected another end than src"));
  CHECK_THAT(complaint(head + "1,0,1,,0\n"), Contains("expected a number for bytes"));
  CHECK_THAT(complaint(head + "1,0,1,0,0\n"), Contains("f.csv:2:7"));
  CHECK_THAT(complaint(head + "1,0,1,1,-1\n"), Contains("f.csv:2:9"));
  CHECK_THAT(complaint(head + "7,0,1,1,0\n7,1,2,1,0\n"), Contains("two flows with id 7"));
  CHECK_THAT(complaint(head), Contains("no flows"));
  CHECK_THAT(complaint("id,src,dest,bytes,start_us\n"), Contains("dest"));
}

TEST_CASE("Routing that decides for groups is refused for flows by name") {
  const std::string cluster =
      "{node: endpoint, fabric: {kind: dragonfly, p: 2, a: 4, h: 2, link: {rate: 400Gbps, latency: "
      "600ns}, routing: {policy: ";
  CHECK_THROWS_WITH(route(fabric(cluster + "ugal}}}"), {{1, 0, 9, 1e6, 0}}),
                    Catch::Contains("minimal or valiant"));
  CHECK(route(fabric(cluster + "minimal}}}"), {{1, 0, 9, 1e6, 0}}).usage.size() == 1);
}

}  // namespace
}  // namespace tenk
