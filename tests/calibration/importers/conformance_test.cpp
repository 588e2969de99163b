// What every importer keeps to, whatever it reads.
#include <algorithm>
#include <catch2/catch.hpp>

#include "sim/base/error.h"
#include "sim/base/kinds.h"
#include "sim/base/random.h"
#include "tests/calibration/importers/samples.h"

using namespace tenk;
using namespace tenk::testing;

namespace {

// Rows of all tables without what depends on the whole file: the counts guessed from all rows.
std::vector<std::string> rows_of(Measurements all) {
  for (CollectiveSample& row : all.collectives) {
    row.sweep_id.clear();
    row.gpus.reset();
    row.busbw_GBps.reset();
  }
  for (KernelSample& row : all.kernels) row.gpu.clear();
  std::vector<std::string> rows;
  for (const auto& row : all.kernels) rows.push_back(to_csv(std::vector{row}));
  for (const auto& row : all.collectives) rows.push_back(to_csv(std::vector{row}));
  for (const auto& row : all.links) rows.push_back(to_csv(std::vector{row}));
  return rows;
}

}  // namespace

TEST_CASE("what an importer writes reads back as the same tables") {
  for (const Sample& sample : samples()) {
    CAPTURE(sample.file);
    const Measurements all = imported(sample.kind, sample_text(sample.file), sample.options);
    CHECK(all.kernels.size() + all.collectives.size() + all.links.size() > 0);
    Measurements back;
    if (!all.kernels.empty()) back.append(read_measurements(to_csv(all.kernels), "k.csv"));
    if (!all.collectives.empty()) back.append(read_measurements(to_csv(all.collectives), "c.csv"));
    if (!all.links.empty()) back.append(read_measurements(to_csv(all.links), "l.csv"));
    CHECK(tables_of(back) == tables_of(all));
  }
}

TEST_CASE("a file cut anywhere imports rows of the whole file or fails, but never another number") {
  for (const Sample& sample : samples()) {
    if (sample.kind == "nccl-inspector") continue;  // Medians over what is there: see below.
    CAPTURE(sample.file);
    const std::string text = sample_text(sample.file);
    const std::vector<std::string> whole = rows_of(imported(sample.kind, text, sample.options));
    for (std::size_t length = 0; length < text.size(); ++length) {
      std::vector<std::string> rows;
      try {
        rows = rows_of(imported(sample.kind, text.substr(0, length), sample.options));
      } catch (const Error& error) {
        CHECK(error.kind() != ErrorKind::kUsage);
        continue;
      }
      for (const std::string& row : rows) {
        if (std::find(whole.begin(), whole.end(), row) != whole.end()) continue;
        FAIL_CHECK("cut after " << length << " bytes gives " << row);
      }
    }
  }
}

TEST_CASE("a log of NCCL Inspector that ends inside a line fails at that line") {
  const std::string text = sample_text("nccl-inspector.jsonl");
  const std::size_t line = text.find('\n') + 1;
  for (std::size_t length = line + 1; length + 1 < text.find('\n', line); length += 7) {
    CHECK(complaint("nccl-inspector", text.substr(0, length)).find("t.txt:2:") !=
          std::string::npos);
  }
}

TEST_CASE("bytes changed at random give rows or an Error, never anything else") {
  Random random(7, "mutations");
  for (const Sample& sample : samples()) {
    CAPTURE(sample.file);
    const std::string text = sample_text(sample.file);
    for (int round = 0; round < 300; ++round) {
      std::string changed = text;
      for (int change = 0; change < 3; ++change) {
        const std::size_t at = random.below(changed.size());
        const auto byte = static_cast<char>(random.below(256));
        if (random.below(2) == 0) {
          changed[at] = byte;
        } else {
          changed.insert(at, 1, random.below(2) == 0 ? byte : '\n');
        }
      }
      complaint(sample.kind, changed, sample.options);  // Lets no other exception through.
    }
  }
}

TEST_CASE("every importer refuses an empty file and one of another tool") {
  for (const ImportKind* kind : import_kinds()) {
    CAPTURE(kind->name);
    CHECK(complaint(std::string(kind->name), "") != "");
    CHECK(complaint(std::string(kind->name), "total 8\n-rw-r--r-- 1 a b 0 x\n") != "");
  }
}

TEST_CASE("host names and the environment of a run are never stored") {
  std::string text = sample_text("nccl-tests-J.json");
  const std::size_t env = text.find("NCCL_DEBUG=WARN");
  text.replace(env, 15, "SECRET_TOKEN=hunter2");
  const std::string json = tables_of(imported("nccl-tests-json", text));
  CHECK(json.find("hunter2") == std::string::npos);
  CHECK(json.find("node0") == std::string::npos);
  CHECK(tables_of(imported("nccl-tests", sample_text("nccl-tests-full.txt"))).find("nodea") ==
        std::string::npos);
  CHECK(tables_of(imported("nccl-inspector", sample_text("nccl-inspector.jsonl"))).find("h0") ==
        std::string::npos);
}
