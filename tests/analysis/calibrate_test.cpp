// tenk calibrate from outside of its fits: reports, pictures, and the way from nccl-tests to a
// profile.
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "analysis/report/calibration.h"
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
