// Published sweeps of collectives, predicted from their own columns.
#include <catch2/catch.hpp>

#include <cmath>

#include "analysis/predict.h"
#include "analysis/validate/collective_rows.h"
#include "analysis/validate/validation.h"
#include "sim/base/kinds.h"
#include "sim/base/text_file.h"

namespace tenk {
namespace {

const std::string kHeader =
    "sweep_id,gpu,nodes,gpus,collective,bytes,algbw_GBps,busbw_GBps,time_us,inplace_time_us,"
    "intra_link,nic_fabric,lib_version,algo_proto,source,how,notes\n";

Validation judge(const std::string& text) {
  Validation all;
  find_kind(validation_kinds(), "collectives")->judge(text, "t.csv", all);
  return all;
}

Validation shipped() {
  const std::string file = std::string(TENK_SOURCE_DIR) + "/tests/data/collective_sweeps.csv";
  Validation all;
  find_kind(validation_kinds(), "collectives")->judge(read_text_file(file), file, all);
  return all;
}

CollectiveMeasurement row(const std::string& gpu, int nodes, int gpus,
                          const std::string& fabric = "") {
  CollectiveMeasurement r;
  r.id = "x-1";
  r.gpu = gpu;
  r.collective = "allreduce";
  r.nodes = nodes;
  r.gpus = gpus;
  r.bytes = 1 << 20;
  r.time_us = 100;
  r.nic_fabric = fabric;
  return r;
}

TEST_CASE("The shipped sweeps are within the bounds that were set for all of them") {
  const Validation v = shipped();
  CHECK(v.rows.size() == 178);
  CHECK(v.skipped.empty());
  for (const auto& [cell, errors] : summarize_by(v, &Judged::cell)) {
    CAPTURE(cell);
    if (cell.ends_with("16 MiB and more")) CHECK(errors.median_ape <= 0.12);
    if (cell.ends_with("64 KiB to 16 MiB")) CHECK(errors.median_ape <= 0.30);
  }
  // 8 H100 in one box, all-reduce of 64 KiB to 512 MiB.
  double sum = 0;
  int rows = 0;
  for (const Judged& j : v.rows) {
    if (!j.id.starts_with("aic-h100_sxm-8-allreduce-half")) continue;
    if (j.cell == "allreduce, below 64 KiB") continue;
    sum += std::abs(j.error());
    ++rows;
  }
  CHECK(rows == 14);
  CHECK(sum / rows <= 0.10);
}

TEST_CASE("The words of a row's network become NICs, their rate and their family") {
  const auto cluster = [](const CollectiveMeasurement& r) { return case_of(r).cluster; };
  using Catch::Contains;
  CHECK_THAT(cluster(row("H100 SXM 80GB", 2, 16, "8x CX-7 400G RoCEv2")),
             Contains("hgx-h100-8,") && Contains("nic: infiniband") && Contains("400Gbps"));
  CHECK_THAT(cluster(row("H100 SXM 80GB", 2, 16, "32x100G EFA per node")),
             Contains("nic: efa") && Contains("400Gbps"));
  CHECK_THAT(
      cluster(row("H100 SXM 80GB", 2, 16, "4x200G GPUDirect-TCPX (a3-highgpu)")),
      Contains("hgx-h100-8-4nic") && Contains("nic: gpudirect-tcpx,") && Contains("200Gbps"));
  CHECK_THAT(cluster(row("GH200", 4, 16, "4x Slingshot-11 200 Gb/s per node")),
             Contains("gh200-4") && Contains("slingshot-11") && Contains("nodes: 4"));
  CHECK_THAT(cluster(row("GB200", 18, 72)), Contains("nodes: 1,") && Contains("gpus-per-node: 72"));
  CHECK_THAT(cluster(row("GB200", 360, 1440, "4x400G NDR")),
             Contains("nodes: 20,") && Contains("400Gbps"));
  CHECK_THAT(cluster(row("H200-SXM", 1, 2)), Contains("gpus-per-node: 2"));
}

TEST_CASE("Integers and forbidden algorithms follow from notes and settings") {
  CollectiveMeasurement r = row("H100-SXM", 1, 8);
  CHECK(case_of(r).without.empty());
  r.notes = "int8 all-reduce";
  CHECK(case_of(r).without == std::vector<std::string>{"nvls", "nvls-tree"});
  r.algo_proto = "NCCL_ALGO=Ring";
  CHECK(case_of(r).without.size() == 3);
  r.algo_proto = "single process -g 8";
  CHECK(case_of(r).launches == 7);
}

TEST_CASE("No row is dropped: each is predicted, excluded or skipped with its reason") {
  const Validation v =
      judge(kHeader +
            "a-1,H100-SXM,1,8,allreduce,1048576,,,25.4,,,,,,s,read,\n"
            "a-2,H100-SXM,1,8,moe_dispatch,,,,25.4,,,,,,s,read,\n"
            "a-3,H100-SXM,1,8,moe_dispatch,4096,,,25.4,,,,,,s,read,\n"
            "a-4,H100-SXM,1,8,sendrecv,4096,,,25.4,,,,,,s,read,\n"
            "a-5,TPU v4,1,8,allreduce,4096,,,25.4,,,,,,s,read,\n"
            "a-6,H100-SXM,1,8,allreduce,4096,,,25.4,,,,,,s,read,SUSPECT: slow\n"
            "a-7,H100-SXM,2,15,allreduce,4096,,,25.4,,,,,,s,read,\n"
            "a-8,H100-SXM,1,8,allreduce,4096,,,,,,,,,s,read,\n"
            "a-9,H100-SXM,1,8,allreduce,1048576,,100,,,,,,,s,read,\n"
            "alps-1-cq192,GH200,1,4,allreduce,4096,,,25.4,,,,,,nccl-benchmark-on-alps,read,\n");
  CHECK(v.rows.size() == 2);
  CHECK(v.skipped.size() == 8);
  CHECK(reasons(v, false).size() == 4);
  CHECK(reasons(v, true).size() == 4);
  // 100 GB/s on the bus: 2^20 B x 1.75 / 100 GB/s.
  const auto by_bus = std::find_if(v.rows.begin(), v.rows.end(),
                                   [](const Judged& j) { return j.id.starts_with("a-9"); });
  REQUIRE(by_bus != v.rows.end());
  CHECK(by_bus->measured_s == Approx(1048576 * 1.75 / 100e9));
}

TEST_CASE("A server whose accelerator has no profile runs collectives, and no job") {
  const std::string text =
      "{version: 1, cluster: {nodes: 1, node: arc-b60-4, fabric: {kind: clos, tiers: 2, radix: 8, "
      "link: {rate: 100Gbps, latency: 1us}}}}";
  const Config file = Config::parse(text, "x.yaml");
  const std::vector<Bytes> sizes = {1_MiB};
  const Scenario scenario = read_scenario(file, ScenarioUse::kClusterOnly);
  CHECK(predict_collective(scenario, Collective::kAllReduce, sizes).rows.size() == 1);
  CHECK_THROWS_WITH(read_scenario(file, ScenarioUse::kWholeJob),
                    Catch::Contains("no accelerator whose profile is known"));
}

TEST_CASE("A table of another kind is refused by file and column") {
  CHECK_THROWS_WITH(judge("a,b\n1,2\n"), Catch::Contains("sweep_id"));
}

}  // namespace
}  // namespace tenk
