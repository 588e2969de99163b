// The quirks of nccl-tests' text, one by one.
#include <catch2/catch.hpp>

#include "calibration/importers/nccl.h"
#include "calibration/importers/text_lines.h"
#include "tests/calibration/importers/samples.h"

using namespace tenk;
using namespace tenk::testing;

namespace {

const std::string kStart = "# Collective test starting: all_reduce_perf\n";
const std::string kColumns =
    "# size count type redop root time algbw busbw #wrong time algbw busbw #wrong\n"
    "# (B) (elements) (us) (GB/s) (GB/s) (us) (GB/s) (GB/s)\n";
const std::string kRow = "1048576 262144 float sum -1 123.2 8.51 15.95 0 121.3 8.64 16.21 0\n";

Measurements read(const std::string& text, const ImportOptions& options = {}) {
  return imported("nccl-tests", text, options);
}
std::string fault(const std::string& text, const ImportOptions& options = {}) {
  return complaint("nccl-tests", text, options);
}
bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
bool remarked(const Measurements& all, const std::string& part) {
  for (const std::string& remark : all.remarks) {
    if (has(remark, part)) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("nccl-tests: labels of srun are taken off and ranks follow from the bandwidths") {
  const Measurements all = read(sample_text("aws-p5-2nodes-allreduce-srun-labels.txt"),
                                {.collective = "all_reduce", .gpu = "H100", .nodes = 2});
  REQUIRE(all.collectives.size() == 10);
  const CollectiveSample& last = all.collectives.back();
  CHECK(last.bytes == 17179869184.0);
  CHECK(last.time_us == 66132.0);
  CHECK(last.inplace_time_us == 66109.0);
  CHECK(last.gpus == 16);  // 487.09 / 259.78 = 1.875 = 2 x 15 / 16.
  CHECK(last.nodes == 2);
  CHECK(last.gpu == "H100");
  CHECK(*last.busbw_GBps == Approx(487.09).epsilon(1e-4));
  // 8 B in 69.12 us: printed as 0.00 GB/s.
  CHECK(*all.collectives[0].busbw_GBps == Approx(8 / 69.12 * 1e-3 * 1.875));
}

TEST_CASE("nccl-tests: ranks, nodes, device, version and collective come from the header") {
  const Measurements all = read(sample_text("nccl-tests-full.txt"));
  REQUIRE(all.collectives.size() == 4);
  const CollectiveSample& gather = all.collectives[2];
  CHECK(gather.collective == "allgather");
  CHECK(gather.gpu == "NVIDIA H100 80GB HBM3");
  CHECK(gather.nodes == 2);
  CHECK(gather.gpus == 4);
  CHECK(gather.lib_version == "NCCL 2.28.8");
  // "1.1e+04" has two digits, 97.61 GB/s four: 1073741824 B / 97.61 GB/s = 11000.3 us.
  CHECK(*gather.time_us == Approx(11000.3).epsilon(1e-5));
  CHECK(all.collectives[3].collective == "reduce");
}

TEST_CASE("nccl-tests: wrong results are passed over aloud, unchecked ones are marked") {
  const Measurements all = read(sample_text("nccl-tests-full.txt"));
  CHECK(remarked(all, ":26: passed over: the results of 4096 B are wrong"));
  CHECK(remarked(all, "the test found wrong results"));
  CHECK(has(all.collectives[1].notes, "results not checked"));
  CHECK_FALSE(has(all.collectives[0].notes, "results not checked"));
}

TEST_CASE("nccl-tests: old output has no root, an error column and no name of the collective") {
  const std::string text = sample_text("nccl-tests-old.txt");
  const Measurements all = read(text);
  REQUIRE(all.collectives.size() == 3);
  CHECK(all.collectives[0].gpus == 8);
  CHECK(all.collectives[0].nodes == 1);
  CHECK(all.collectives[0].gpu == "Tesla V100-SXM2-16GB");
  const std::string nameless = text.substr(text.find('\n') + 1);
  CHECK(has(fault(nameless), "give --collective"));
  CHECK(read(nameless, {.collective = "allreduce"}).collectives.size() == 3);
  CHECK(has(fault(nameless, {.collective = "allgather"}), "another collective"));
}

TEST_CASE("nccl-tests: a misspelt --collective names the nearest, a contradiction both") {
  CHECK(has(fault(kColumns + kRow, {.collective = "allredcue"}), "did you mean allreduce?"));
  CHECK(has(fault(kStart + kColumns + kRow, {.collective = "broadcast"}),
            "--collective says broadcast, the output allreduce"));
}

TEST_CASE("nccl-tests: blank and N/A columns are no zeros") {
  const std::string row = "1048576 262144 float sum -1 123.2 8.51 15.95 121.3 8.64 16.21\n";
  CHECK(read(kStart + kColumns + row).collectives[0].inplace_time_us == 121.3);
  const std::string na = "1048576 262144 float sum -1 123.2 8.51 15.95 0 N/A N/A N/A N/A\n";
  const Measurements all = read(kStart + kColumns + na);
  CHECK(all.collectives[0].time_us == 123.2);
  CHECK_FALSE(all.collectives[0].inplace_time_us.has_value());
  const std::string half = "1048576 262144 float sum -1 123.2 8.51 15.95 0 121.3 8.64 16.21\n";
  CHECK(read(kStart + kColumns + half).collectives[0].inplace_time_us == 121.3);
}

TEST_CASE("nccl-tests: extra columns, cputime and time stamps are read by the header") {
  const std::string columns =
      "# size count type redop root cputime algbw busbw #wrong i_min i_max i_p99 i_cv% cputime "
      "algbw busbw #wrong i_min i_max i_p99 i_cv% timestamp\n";
  const std::string row =
      "1048576 262144 float sum -1 123.2 8.51 15.95 0 120 130 129 1.2 121.3 8.64 16.21 0 118 130 "
      "128 1.5 2026-01-02 03:04:05\n";
  const Measurements all = read(kStart + columns + row);
  REQUIRE(all.collectives.size() == 1);
  CHECK(all.collectives[0].time_us == 123.2);
  CHECK(all.collectives[0].inplace_time_us == 121.3);
}

TEST_CASE("nccl-tests: before release 2.1 times are milliseconds") {
  const std::string old =
      "# bytes N type op time algbw busbw res time algbw busbw res\n"
      "33554432 8388608 float sum 0.526 63.79 111.63 0e+00 0.525 63.91 111.85 0e+00\n";
  const Measurements all = read(kStart + old);
  REQUIRE(all.collectives.size() == 1);
  CHECK(*all.collectives[0].time_us == Approx(526).epsilon(0.001));
}

TEST_CASE("nccl-tests: units that do not agree are faults with their place") {
  const std::string ms = "1048576 262144 float sum -1 0.123 8.51 15.95 0 121.3 8.64 16.21 0\n";
  CHECK(has(fault(kStart + kColumns + ms), "t.txt:4:35: algbw: 8.51 GB/s is not 1048576 B in"));
  const std::string gbits =
      "# size count type redop root time algbw busbw #wrong\n# (B) (elements) (us) (Gb/s) (Gb/s)\n";
  CHECK(has(fault(kStart + gbits), "t.txt:3:23: found the unit (Gb/s), expected (GB/s)"));
  CHECK(has(fault(kStart + kColumns + kRow, {.gpus = 4}), "another number of ranks"));
}

TEST_CASE("nccl-tests: a cut row and a row broken by a log line fail with file and line") {
  CHECK(has(fault(kStart + kColumns + "1048576 262144 float sum -1 123.2 8.51\n"),
            "t.txt:4:1: found 7 fields, expected 13"));
  CHECK(has(fault(kStart + kColumns +
                  "1048576 262144 float sum -1 123.2 n:1:2 [0] NCCL INFO Channel 00 up\n"),
            "t.txt:4:35: algbw: found \"n:1:2\", expected a number"));
  CHECK(has(fault(kStart + kColumns + "1048576\n"), "t.txt:4:1: found 1 fields"));
}

TEST_CASE("nccl-tests: log lines between rows and an ended table change nothing") {
  const std::string noise = "n:1:2 [0] NCCL INFO Using network IB\n\n12 processes done\n";
  const Measurements all =
      read(kStart + kColumns + noise + kRow + noise + "# Avg bus bandwidth : 16\n" + noise);
  CHECK(all.collectives.size() == 1);
  CHECK(all.collectives[0].time_us == 123.2);
}

TEST_CASE("nccl-tests: what the environment forces becomes the algorithm") {
  const std::string info =
      "n:1:2 [0] NCCL INFO NCCL_ALGO set by environment to Ring.\n"
      "n:1:2 [0] NCCL INFO NCCL_PROTO set by environment to LL128\n";
  CHECK(read(info + kStart + kColumns + kRow).collectives[0].algo_proto ==
        "NCCL_ALGO=Ring NCCL_PROTO=LL128");
}

TEST_CASE("nccl-tests: processes that print tables of their own are kept apart") {
  std::string text;
  for (const std::string& line : {kStart, kColumns.substr(0, kColumns.find('\n') + 1), kRow}) {
    text += "0: " + line + "1: " + line;
  }
  CHECK(read(text).collectives.size() == 2);
}

TEST_CASE("nccl-tests: types and operations of one table are sweeps of their own") {
  const std::string half = "1048576 524288 half sum -1 123.9 8.46 15.87 0 121.3 8.64 16.21 0\n";
  const Measurements all = read(kStart + kColumns + kRow + half);
  REQUIRE(all.collectives.size() == 2);
  CHECK(all.collectives[0].sweep_id == "t-1-allreduce-16-float-sum");
  CHECK(all.collectives[1].sweep_id == "t-1-allreduce-16-half-sum");
  CHECK(read(kStart + kColumns + kRow).collectives[0].sweep_id == "t-1-allreduce-16");
}

TEST_CASE("nccl-tests: sizes of nothing are passed over aloud") {
  const std::string row = "0 0 float sum -1 9.12 0.00 0.00 0 9.10 0.00 0.00 0\n";
  const Measurements all = read(kStart + kColumns + row + kRow);
  CHECK(all.collectives.size() == 1);
  CHECK(remarked(all, "t.txt:4: passed over: nothing is sent"));
}

TEST_CASE("NCCL's version codes and bus factors are those of its documentation") {
  CHECK(nccl_version_text(22907) == "2.29.7");
  CHECK(nccl_version_text(2708) == "2.7.8");
  CHECK(*bus_factor("allreduce", 8) == Approx(1.75));
  CHECK(*bus_factor("alltoall", 4) == Approx(0.75));
  CHECK(*bus_factor("broadcast", 4) == Approx(1));
  CHECK(collective_of("reduce_scatter_perf") == std::string("reducescatter"));
  CHECK(collective_of("AllGather") == std::string("allgather"));
  CHECK_FALSE(collective_of("nonsense").has_value());
}

TEST_CASE("the last digit of a printed number is what it may be wrong by") {
  CHECK(last_digit("3.14") == Approx(0.01));
  CHECK(last_digit("1.2e+06") == Approx(1e5));
  CHECK(last_digit("17286") == Approx(1));
}
