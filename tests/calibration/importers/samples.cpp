#include "tests/calibration/importers/samples.h"

#include <catch2/catch.hpp>

#include "sim/base/error.h"
#include "sim/base/kinds.h"
#include "sim/base/text_file.h"

namespace tenk::testing {

const std::vector<Sample>& samples() {
  static const std::vector<Sample> all = {
      {"nccl-tests", "aws-p5-2nodes-allreduce-srun-labels.txt", {.collective = "allreduce"}},
      {"nccl-tests", "nebius-h100-2nodes-allreduce.txt", {.collective = "allreduce"}},
      {"nccl-tests", "nccl-tests-full.txt"},
      {"nccl-tests", "nccl-tests-old.txt"},
      {"nccl-tests-json", "nccl-tests-J.json"},
      {"nccl-inspector", "nccl-inspector.jsonl"},
      {"nvbandwidth", "nvbandwidth.txt"},
      {"nvbandwidth", "nvbandwidth.json"},
      {"perftest", "perftest.txt"},
      {"osu", "osu.txt", {.gpus = 8}},
      {"mamf", "mamf.txt"},
      {"probe", "probe-kernels.csv"},
      {"probe", "probe-links.csv"},
  };
  return all;
}

std::string sample_text(const std::string& file) {
  return read_text_file(std::string(TENK_SOURCE_DIR) + "/tests/calibration/data/" + file);
}

Measurements imported(const std::string& kind, const std::string& text,
                      const ImportOptions& options) {
  const ImportKind* const importer = find_kind(import_kinds(), kind);
  REQUIRE(importer != nullptr);
  return importer->read(text, "t.txt", options);
}

std::string complaint(const std::string& kind, const std::string& text,
                      const ImportOptions& options) {
  try {
    imported(kind, text, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string tables_of(const Measurements& all) {
  return to_csv(all.kernels) + to_csv(all.collectives) + to_csv(all.links);
}

}  // namespace tenk::testing
