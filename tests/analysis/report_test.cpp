#include "analysis/report/report.h"

#include <unistd.h>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "sim/base/error.h"
#include "sim/base/text.h"
#include "tests/analysis/example_results.h"

namespace tenk {
namespace {

using Catch::Contains;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::size_t widest(const std::string& text) {
  std::size_t most = 0;
  for (const std::string& line : lines_of(text)) most = std::max(most, count_characters(line));
  return most;
}

std::string without_colour(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      i = text.find('m', i);
    } else {
      out += text[i];
    }
  }
  return out;
}

// The fields of one CSV line without quotes in quotes.
std::size_t count_fields(const std::string& line) {
  std::size_t fields = 1;
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    fields += c == ',' && !quoted;
  }
  return fields;
}

// Every number as wide, and every text as long, as it can get.
Prediction largest_prediction() {
  Prediction p = example_prediction();
  p.scenario = std::string(250, 'x') + " " + std::string(40, 'y');
  p.accelerators = 1u << 21;
  p.step_time = Time::picoseconds(9'000'000'000'000'000'000);
  p.tokens_per_s = 1e300;
  p.tflops_per_gpu = 98765.4;
  p.memory_per_gpu = Bytes(9'000'000'000'000'000'000);
  p.interval_high_s = 1e12;
  p.breakdown_s.fill(1'125'000);
  p.links.push_back({std::string(80, 'k'), 123'456'789'012, 1, 1});
  p.cost = {9e14, 8e14, 9.9e14, 1, 9e12, 9.9e12, 1e9, 1u << 31, 1u << 31, 1u << 31, 1u << 31, {}};
  p.cost.parts = {{std::string(40, 'p'), 9e12, 9e14, 1e14, 9e12, true}};
  p.engine.activities = p.engine.events = 1ull << 62;
  p.fits = p.buildable = false;
  p.reason = std::string(300, 'r');
  return p;
}

}  // namespace

TEST_CASE("a table fits 100 columns, whatever the numbers and names") {
  for (const bool unicode : {false, true}) {
    CHECK(widest(run_table(example_prediction(), {.unicode = unicode})) <= 100);
    CHECK(widest(run_table(largest_prediction(), {.unicode = unicode})) <= 100);
    CHECK(widest(collective_table(example_collective(), {.unicode = unicode})) <= 100);
  }
  CHECK(widest(run_table({}, {})) <= 100);
  CollectiveTable wide = example_collective();
  wide.rows[0] = {"all_reduce", Bytes(1ll << 50), 1e15, 1e12, 1e12, std::string(40, 'a'),
                  "x",          1'000'000'000,    1e15};
  wide.assumptions = {std::string(300, 'z')};
  CHECK(widest(collective_table(wide, {})) <= 100);
}

TEST_CASE("a table shows what a person asks for first") {
  const std::string table = run_table(example_prediction(), {});
  CHECK(lines_of(table)[0] == "llama3-405b on 16,384 H100, \"RoCE\" Clos");
  for (const char* part : {"9.46 s (90 % interval 8.90 s to 10.1 s)",
                           "1,773,445 tokens/s on 16,384 accelerators", "432.8 TFLOP/s, MFU 43.8 %",
                           "62.1 GiB per GPU: fits", "tensor parallel (tp)        1.100 s",
                           "612.3 million USD (90 % interval", "22.9 MW, 30.9 MW with cooling",
                           "1,984 switches", "412 rank, 37 coflow and 96 link classes",
                           "vpp is ignored", "NVLS is not modelled", "0123456789abcdef"}) {
    CHECK_THAT(table, Contains(part));
  }
  CHECK_THAT(table, !Contains("expert parallel"));  // Takes no time.
}

TEST_CASE("a table lists the links in use, the busiest first") {
  const std::string table = run_table(example_prediction(), {});
  const auto at = [&](const char* name) { return table.find(name); };
  CHECK(at("nvlink up") < at("leaf-spine up"));  // The busiest on average first.
  CHECK(at("nvlink up") < at("nic to leaf"));
  CHECK(at("cpu to cpu") == std::string::npos);
  CHECK_THAT(table, Contains("(1 more class is idle)"));
}

TEST_CASE("what does not fit or cannot be built is said with its reason") {
  Prediction p = example_prediction();
  p.fits = p.buildable = false;
  p.reason = "70,000 ports are needed and 65,536 are there";
  for (const Format f : {Format::kTable, Format::kMarkdown}) {
    CHECK_THAT(report(p, f), Contains("does not fit") && Contains("cannot be built"));
    CHECK_THAT(report(p, f), Contains(p.reason));
  }
}

TEST_CASE("colour only adds escapes, and only if asked for") {
  const Style plain{.unicode = true}, coloured{.colour = true, .unicode = true};
  const Prediction p = example_prediction();
  CHECK(run_table(p, plain).find('\x1b') == std::string::npos);
  CHECK(run_table(p, coloured).find('\x1b') != std::string::npos);
  CHECK(without_colour(run_table(p, coloured)) == run_table(p, plain));
  const std::string ascii = run_table(p, {});
  CHECK(std::all_of(ascii.begin(), ascii.end(), [](char c) { return c > 0; }));
}

TEST_CASE("a collective's table looks like that of nccl-tests") {
  const auto lines = lines_of(collective_table(example_collective(), {}));
  CHECK(lines[0] == "# 2,048 H100");
  CHECK(lines[1] == "# all_reduce over 2,048 accelerators");
  std::vector<std::string> rows;
  for (const std::string& line : lines) {
    if (line[0] != '#') rows.push_back(line);
  }
  REQUIRE(rows.size() == 2);
  std::istringstream row(rows[1]);
  std::string size, time, algbw, busbw, algorithm, protocol, channels, bound, rest;
  row >> size >> time >> algbw >> busbw >> algorithm >> protocol >> channels >> bound >> rest;
  CHECK(size == "8589934592");
  CHECK(time == "46000.2");
  CHECK(busbw == "373.30");
  CHECK(algorithm + protocol + channels == "ringSimple16");
  CHECK(bound == "45000.0");
  CHECK(rest.empty());
}

TEST_CASE("CSV has a header and one row a result, with quotes where they are due") {
  const auto run = lines_of(run_csv(example_prediction()));
  REQUIRE(run.size() == 2);
  CHECK(count_fields(run[0]) == count_fields(run[1]));
  CHECK_THAT(run[0], Catch::StartsWith("scenario,accelerators,step_time_s,tokens_per_s,"));
  CHECK_THAT(run[0], Contains(",interval_s.low,interval_s.high,breakdown_s.compute,"));
  CHECK_THAT(run[1], Catch::StartsWith("\"llama3-405b on 16,384 H100, \"\"RoCE\"\" Clos\",16384,"));
  CHECK_THAT(run[1], Contains(",leaf-spine up,1.0,"));
  const auto rows = lines_of(collective_csv(example_collective()));
  REQUIRE(rows.size() == 3);
  CHECK(rows[2] == "all_reduce,8589934592,46000.25,186.7,373.3,ring,Simple,16,45000.0");
  CHECK(count_fields(rows[0]) == 9);
}

TEST_CASE("text from outside is no markup in Markdown") {
  Prediction p = example_prediction();
  p.scenario = "a|b <script> *c*";
  const std::string text = run_markdown(p);
  CHECK(lines_of(text)[0] == "# a\\|b \\<script\\> \\*c\\*");
  CHECK_THAT(text, Contains("| tensor parallel (tp) | 1.100 s | 11.6 % |"));
  CHECK_THAT(collective_markdown(example_collective()), Contains("| all\\_reduce | 8589934592 |"));
}

TEST_CASE("result.h5 holds the documented groups, and equal predictions give equal bytes") {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / ("tenk_report." + std::to_string(getpid()));
  fs::create_directories(folder);
  const auto bytes = [&](Prediction p, double wall) {
    p.engine.wall_s = wall;
    const std::string path = (folder / "result.h5").string();
    write_result_h5(path, p);
    std::ifstream in(path, std::ios::binary);
    return (std::stringstream() << in.rdbuf()).str();
  };
  const std::string one = bytes(example_prediction(), 1);
  CHECK(one == bytes(example_prediction(), 2));
  for (const char* name : {"summary", "breakdown", "links", "trunk_classes", "provenance",
                           "step_time_s", "fingerprint", "leaf-spine up"}) {
    CHECK(one.find(name) != std::string::npos);
  }
  Prediction bad = example_prediction();
  bad.mfu = HUGE_VAL;
  CHECK_THROWS_AS(write_result_h5((folder / "bad.h5").string(), bad), BugError);
  CHECK_FALSE(fs::exists(folder / "bad.h5"));
  CHECK_THROWS_AS(write_result_h5((folder / "no/x.h5").string(), bad), Error);
  fs::remove_all(folder);
}

}  // namespace tenk
