// The other tools: JSON of nccl-tests, NCCL Inspector, nvbandwidth, perftest, OSU, mamf-finder.
#include <catch2/catch.hpp>

#include "tests/calibration/importers/samples.h"

using namespace tenk;
using namespace tenk::testing;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
bool remarked(const Measurements& all, const std::string& part) {
  for (const std::string& remark : all.remarks) {
    if (has(remark, part)) return true;
  }
  return false;
}
std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("nccl-tests -J: a row has the run's device, ranks and version") {
  const Measurements all = imported("nccl-tests-json", sample_text("nccl-tests-J.json"));
  REQUIRE(all.collectives.size() == 1);
  const CollectiveSample& row = all.collectives[0];
  CHECK(row.collective == "allreduce");
  CHECK(row.gpu == "NVIDIA H100 80GB HBM3");
  CHECK(row.gpus == 8);
  CHECK(row.nodes == 1);
  CHECK(row.lib_version == "NCCL 2.29.7");
  CHECK(row.time_us == 39.1);
  CHECK(row.inplace_time_us == 38.9);
  CHECK(*row.busbw_GBps == Approx(46.931151).epsilon(1e-6));
}

TEST_CASE("nccl-tests -J: bandwidths that do not fit time or ranks are faults") {
  const std::string text = sample_text("nccl-tests-J.json");
  CHECK(has(complaint("nccl-tests-json", replaced(text, "\"time\": 39.1", "\"time\": 0.0391")),
            "other units?"));
  CHECK(has(complaint("nccl-tests-json", text, {.gpus = 16}), "the factor of allreduce over 16"));
  CHECK(has(complaint("nccl-tests-json", replaced(text, "1048576, \"count\"", "-1, \"count\"")),
            "results.size: found \"-1\""));
  CHECK(has(complaint("nccl-tests-json", "{\"results\": 3}"), "results: expected a list"));
  CHECK(has(complaint("nccl-tests-json", "{}"), "expected the list of results"));
}

TEST_CASE("nccl-tests -J: wrong results are passed over aloud and N/A is no zero") {
  const std::string text = sample_text("nccl-tests-J.json");
  CHECK(remarked(imported("nccl-tests-json", replaced(text, "\"nwrong\": 0.0", "\"nwrong\": 2.0")),
                 "are wrong"));
  const std::string na = replaced(
      text, "{\"time\": 38.9, \"alg_bw\": 26.955681, \"bus_bw\": 47.172442, \"nwrong\": 0.0}",
      "{\"cpu_time\": 38.8, \"nwrong\": \"N/A\"}");
  CHECK(imported("nccl-tests-json", na).collectives[0].inplace_time_us == 38.8);
}

TEST_CASE("NCCL Inspector: a row is the median of equal operations, sizes as nccl-tests counts") {
  const Measurements all = imported("nccl-inspector", sample_text("nccl-inspector.jsonl"));
  REQUIRE(all.collectives.size() == 2);
  CHECK(all.collectives[0].time_us == 120.0);  // Of 110, 120 and 900.
  CHECK(all.collectives[0].nodes == 2);
  const CollectiveSample& scatter = all.collectives[1];
  CHECK(scatter.bytes == 65536.0 * 32);
  CHECK(*scatter.algbw_GBps == Approx(19.065018).epsilon(1e-6));  // As the log has them.
  CHECK(*scatter.busbw_GBps == Approx(18.469236).epsilon(1e-6));
  CHECK(remarked(all, "passed over 1 lines"));
}

TEST_CASE("NCCL Inspector: a line that is no JSON fails with file and line") {
  const std::string text = sample_text("nccl-inspector.jsonl");
  CHECK(has(complaint("nccl-inspector", text + "slurmstepd: error: killed\n"), "t.txt:6:1:"));
  CHECK(has(complaint("nccl-inspector", replaced(text, "\"n_ranks\":16", "\"n_ranks\":0")),
            "n_ranks: expected a number of ranks above 0"));
}

TEST_CASE("nvbandwidth: a row is the median of a matrix, text and JSON alike") {
  const Measurements text = imported("nvbandwidth", sample_text("nvbandwidth.txt"));
  REQUIRE(text.links.size() == 3);
  CHECK(text.links[0].endpoints == "host->device");
  CHECK(text.links[0].device == "NVIDIA H200");
  CHECK(number_of(text.links[0]) == 55.4);
  CHECK(text.links[2].metric == "latency");
  CHECK(text.links[2].unit == "ns");
  CHECK(remarked(text, "pairs are not alike: 47.1 to 55.43"));
  CHECK(remarked(text, "multinode_device_to_device_memcpy_read_ce: Waived"));
  const Measurements json = imported("nvbandwidth", sample_text("nvbandwidth.json"));
  REQUIRE(json.links.size() == 2);
  CHECK(*number_of(json.links[1]) == Approx(395.15));
  CHECK(json.links[1].device == "NVIDIA H200");
  CHECK(remarked(json, "is \"Waived\""));
}

TEST_CASE("nvbandwidth: missing rows, other units and wrong sums are faults") {
  const std::string text = sample_text("nvbandwidth.txt");
  CHECK(has(complaint("nvbandwidth", replaced(text, " 2    395.05    395.18       N/A\n", "")),
            "are rows missing?"));
  CHECK(has(complaint("nvbandwidth", replaced(text, "(GB/s)", "(GiB/s)")),
            "expected a matrix in (GB/s) or (ns)"));
  CHECK(has(complaint("nvbandwidth", replaced(text, "55.43     47.10", "55.43")),
            "found 3 fields, expected 4"));
  CHECK(has(complaint("nvbandwidth", replaced(sample_text("nvbandwidth.json"), "110.8314", "210")),
            "sum: is not that of the 2 values"));
}

TEST_CASE("perftest: the unit is the header's, and MB/sec are 2^20 bytes a second") {
  const Measurements all = imported("perftest", sample_text("perftest.txt"));
  REQUIRE(all.links.size() == 6);
  CHECK(*number_of(all.links[2]) == Approx(392.14 / 8));
  CHECK(all.links[2].kind == "InfiniBand");
  CHECK(has(all.links[2].conditions, "65536 B, RDMA_Write BW Test"));
  CHECK(*number_of(all.links[3]) == Approx(11198.78 * 1048576e-9));
  CHECK(all.links[3].kind == "RoCE");
  CHECK(number_of(all.links[4]) == 1.0);  // t_typical.
  CHECK(all.links[4].unit == "us");
  CHECK(has(complaint("perftest", replaced(sample_text("perftest.txt"), "average[Gb/sec]",
                                           "average[furlong/sec]")),
            "found the unit \"furlong/sec\""));
}

TEST_CASE("perftest: a cut row fails with file and line") {
  const std::string text = sample_text("perftest.txt");
  CHECK(has(complaint("perftest",
                      replaced(text, "130.12              128.90              3.933716", "130.12")),
            "t.txt:24:1: found 3 fields"));
  CHECK(has(complaint("perftest", text.substr(0, text.find("3.933716") + 3)), "no line end"));
}

TEST_CASE("OSU: collectives need the number of ranks, links do not") {
  const std::string text = sample_text("osu.txt");
  CHECK(has(complaint("osu", text), "give --gpus"));
  const Measurements all = imported("osu", text, {.nodes = 1, .gpus = 8});
  REQUIRE(all.collectives.size() == 2);
  CHECK(all.collectives[0].bytes == 8192.0);  // 1024 B from each of 8.
  CHECK(all.collectives[0].time_us == 12.3);
  REQUIRE(all.links.size() == 4);
  CHECK(number_of(all.links[1]) == 9.8);
  CHECK(*number_of(all.links[3]) == Approx(24.00574));
  CHECK(remarked(all, "the results of 8388608 B are wrong"));
}

TEST_CASE("OSU: a second table of one test has columns of its own") {
  const Measurements all = imported("osu",
                                    "# OSU MPI Bandwidth Test v7.5\n"
                                    "# Size      Bandwidth (MB/s)        Validation\n"
                                    "1024 10.00 Pass\n"
                                    "# Size      Bandwidth (MB/s)\n"
                                    "2048 20.00\n");
  CHECK(all.links.size() == 2);
}

TEST_CASE("mamf-finder: all three forms of a row, and the summary alone") {
  const Measurements all = imported("mamf", sample_text("mamf.txt"));
  REQUIRE(all.kernels.size() == 3);
  CHECK(all.kernels[2].tflops == 693.9);  // The median.
  CHECK(all.kernels[2].m == 8192);
  CHECK(all.kernels[2].dtype == "bfloat16");
  CHECK(all.kernels[2].gpu == "NVIDIA H100 80GB HBM3");
  // 2 x 8192 x 4096 x 4096 FLOP at 693.9 TFLOP/s.
  CHECK(*all.kernels[2].time_us == Approx(274877.906944 / 693.9));
  const Measurements first = imported(
      "mamf",
      "     1 |  300.1 TFLOPS @ 256x512x1024         | best:  300.1 TFLOPS @ 256x512x1024 (MxNxK)\r"
      "The best outcome was 300.1TFLOPS @ 256x512x1024 (MxNxK) (tried 1 shapes)\n");
  REQUIRE(first.kernels.size() == 1);
  CHECK(first.kernels[0].tflops == 300.1);
  const Measurements columns =
      imported("mamf",
               "     #  MxNxK                mean median    max   best     W   MHz\n"
               "     1  2048x2048x1024      500.0  501.0  520.0  500.0   640  1980\n");
  REQUIRE(columns.kernels.size() == 1);
  CHECK(columns.kernels[0].tflops == 501.0);
  const Measurements summary = imported("mamf", "median: 758.2 TFLOPS @ 8192x4096x4096 (MxNxK)\n");
  REQUIRE(summary.kernels.size() == 1);
  CHECK(summary.kernels[0].notes == "best median");
}
