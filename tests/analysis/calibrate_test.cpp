// tenk calibrate from outside of its fits: reports, pictures, and the way from nccl-tests to a
// profile.
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "analysis/predict.h"
#include "analysis/report/calibration.h"
#include "sim/base/presets.h"
#include "tests/analysis/schema_check.h"

using namespace tenk;

namespace {

using Json = nlohmann::json;
using Lines = std::vector<std::string>;

Calibration example() {
  Measurements rows;
  for (const std::int64_t gpus : {4, 8}) {
    for (double bytes = 1024; bytes <= 1 << 28; bytes *= 4) {
      CollectiveSample row;
      row.sweep_id = "s";
      row.gpu = "H100 <80GB> | \"x\"";
      row.gpus = gpus;
      row.collective = "alltoall";
      row.bytes = bytes;
      row.time_us = 9 + 0.6 * static_cast<double>(gpus) + bytes / 250e3;
      rows.collectives.push_back(std::move(row));
    }
  }
  CollectiveSample lonely = rows.collectives[0];
  lonely.sweep_id = "lonely";
  rows.collectives.push_back(lonely);
  return calibrate({}, rows, {});
}

// A new folder, gone at the end.
struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / "tenk_calibrate_test";
  Folder() {
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path / "calibration/measured/card");
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

std::string run(const Folder& folder, const std::string& command, int& code) {
  const std::string line =
      "cd '" + folder.path.string() + "' && TENK='" + TENK_BINARY + "' && " + command;
  std::string out;
  std::FILE* pipe = popen(line.c_str(), "r");
  REQUIRE(pipe != nullptr);
  for (int c; (c = std::fgetc(pipe)) != EOF;) out += static_cast<char>(c);
  code = WEXITSTATUS(pclose(pipe));
  return out;
}

}  // namespace

TEST_CASE("a calibration's JSON keeps to the schema, its table to 100 columns") {
  const Calibration c = example();
  const Json schema =
      Json::parse(std::ifstream(std::string(TENK_SOURCE_DIR) + "/docs/result.schema.json"));
  const Json document = Json::parse(calibration_json(c));
  CHECK(schema_faults(document, schema, "calibration") == Lines{});
  CHECK(schema_faults(document, schema) == Lines{});
  CHECK(document["refused"].size() == 1);
  std::istringstream table(calibration_table(c, {}));
  for (std::string line; std::getline(table, line);) CHECK(line.size() <= 100);
  CHECK(calibration_table(c, {}).find("one size only") != std::string::npos);
  std::istringstream csv(calibration_csv(c));
  for (std::string line; std::getline(csv, line);) {
    CHECK(std::count(line.begin(), line.end(), ',') >= 12);
  }
  CHECK(calibration_markdown(c).find("| H100 <80GB> | ") == std::string::npos);  // Escaped.
}

TEST_CASE("residuals are drawn once for each group, in a file of a harmless name") {
  const auto pictures = residual_svgs(example());
  REQUIRE(pictures.size() == 1);
  CHECK(pictures[0].first == "residuals-alltoall-of-h100-80gb-x.svg");
  CHECK(pictures[0].second.find("<circle") != std::string::npos);
  CHECK(pictures[0].second.find("<80GB>") == std::string::npos);
  CHECK(file_name_of("../..//") == "unnamed");
}

TEST_CASE("from nccl-tests output to a checked profile in three commands") {
  const Folder folder;
  const std::string data = std::string(TENK_SOURCE_DIR) + "/tests/calibration/data/";
  int code = -1;
  run(folder,
      "\"$TENK\" import nccl-tests --collective allreduce --nodes 2 --gpu H100 -o m '" + data +
          "aws-p5-2nodes-allreduce-srun-labels.txt' 2>&1",
      code);
  CHECK(code == 0);
  const std::string table =
      run(folder, "\"$TENK\" calibrate m/collectives.csv -o p.yaml 2>/dev/null", code);
  CHECK(code == 0);
  CHECK(table.find("allreduce, 2 x 8 H100") != std::string::npos);
  CHECK(run(folder, "\"$TENK\" check p.yaml", code) == "p.yaml: ok\n");
  CHECK(run(folder, "\"$TENK\" calibrate 2>&1", code).find("holds no table") != std::string::npos);
}

TEST_CASE("what we measured ourselves is read without being named and sets published rows aside") {
  const Folder folder;
  const std::string data = std::string(TENK_SOURCE_DIR) + "/tests/calibration/data/";
  const std::string import =
      "\"$TENK\" import nccl-tests --nodes 1 '" + data + "nccl-tests-old.txt'";
  int code = -1;
  run(folder, import + " > published.csv 2>/dev/null", code);
  run(folder, import + " > calibration/measured/card/collectives.csv 2>/dev/null", code);
  const std::string all = run(folder, "\"$TENK\" calibrate --all published.csv", code);
  CHECK(code == 0);
  CHECK(all.find("3 published rows of collectives set aside") != std::string::npos);
  CHECK(run(folder, "\"$TENK\" calibrate", code).find("allreduce, 1 x 8 Tesla V100") !=
        std::string::npos);
  run(folder, "head -2 published.csv > one.csv; \"$TENK\" calibrate one.csv > refused.txt", code);
  CHECK(code == 6);  // Nothing could be fitted.
}

TEST_CASE("rows that ship with tenk refit an H100 to within its intervals, in a checked profile") {
  const Folder folder;
  const std::string data = std::string(TENK_SOURCE_DIR) + "/tests/data/";
  int code = -1;
  const std::string table = run(folder,
                                "\"$TENK\" calibrate '" + data + "gemm_h100_bf16.csv' '" + data +
                                    "attention_h100_bf16.csv' -o d 2>/dev/null",
                                code);
  CHECK(code == 0);
  CHECK_THAT(table, Catch::Contains("bf16 products of h100-sxm"));
  const std::string path = "d/accelerators/h100-sxm.yaml";
  CHECK(run(folder, "\"$TENK\" check " + path, code) == path + ": ok\n");
  CHECK(std::filesystem::exists(folder.path / "d/residuals-products-of-h100-sxm.svg"));
  const DeviceProfile found =
      read_device_profile(Config::load((folder.path / path).generic_string()));
  const DeviceProfile known = read_device_profile(load_preset("accelerators", "h100-sxm"));
  const auto agree = [](const Known& a, const Known& b) {
    CAPTURE(a.value, b.value, a.ci, b.ci);
    CHECK(std::abs(a.value - b.value) <= a.ci * a.value + b.ci * b.value);
  };
  agree(found.attention.efficiency, known.attention.efficiency);
  agree(found.attention.key_overhead, known.attention.key_overhead);
  agree(found.attention.latency, known.attention.latency);
  const GemmModel &x = *found.gemm(Precision::kBf16), &y = *known.gemm(Precision::kBf16);
  agree(x.efficiency, y.efficiency);
  agree(x.k_overhead, y.k_overhead);
  agree(x.operand_bandwidth, y.operand_bandwidth);
  agree(found.sustained_power_factor, known.sustained_power_factor);
}

TEST_CASE("sweeps that ship with tenk are fitted and judged by sizes that were held out") {
  const Folder folder;
  const std::string data = std::string(TENK_SOURCE_DIR) + "/tests/data/collective_sweeps.csv";
  int code = -1;
  const std::string table =
      run(folder, "\"$TENK\" calibrate '" + data + "' -o d 2>/dev/null", code);
  CHECK(code == 0);
  CHECK_THAT(table, Catch::Contains("  nccl-hopper") && Catch::Contains("held out, 16 MiB"));
}

TEST_CASE("the model of a calibration's sweeps is that of predictions") {
  Faults faults;
  const std::string text =
      "{nodes: 4, node: hgx-h100-8, fabric: {kind: clos, tiers: 2, radix: 64, rails: 8, "
      "link: {rate: 400Gbps, latency: 600ns}}}";
  for (const std::string& nodes : {std::string("1"), std::string("4")}) {
    const std::string cluster = "{nodes: " + nodes + text.substr(9);
    Scenario s;
    s.cluster = read_cluster(Section(Config::parse(cluster, "test"), "cluster", faults));
    s.tuning = load_collective_tuning(s.cluster.node.collectives, s.cluster.node.nic);
    for (const Collective op : {Collective::kAllReduce, Collective::kAllGather,
                                Collective::kReduceScatter, Collective::kAllToAll}) {
      TimedCollective timed{.cluster = s.cluster, .op = op};
      std::vector<Bytes> sizes;
      for (std::int64_t bytes = 1024; bytes <= std::int64_t{1} << 32; bytes *= 4) {
        sizes.emplace_back(bytes);
        timed.sizes.push_back({Bytes(bytes), 1});
      }
      const std::vector<double> seconds = SweepModel(timed).seconds(s.tuning);
      const CollectiveTable table = predict_collective(s, op, sizes);
      for (std::size_t i = 0; i < sizes.size(); ++i) {
        CAPTURE(nodes, name_of(op), sizes[i].value());
        CHECK(seconds[i] * 1e6 == Approx(table.rows[i].time_us).epsilon(1e-5));
      }
    }
  }
}
