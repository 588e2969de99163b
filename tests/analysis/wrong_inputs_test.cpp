// Every wrong scenario is refused with the right exit code and a message that names what is wrong,
// quickly and in little memory (the limits are of the child process).
#include <catch2/catch.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

namespace tenk {
namespace {

namespace fs = std::filesystem;

struct Answer {
  int exit_code = -1;
  std::string text;  // Standard error and output together.
};

Answer tenk_run(const std::string& arguments) {
  // 5 s of CPU, 1 GB of address space; sanitizers reserve terabytes of it, so not there.
#ifdef __SANITIZE_ADDRESS__
  const std::string limits = "ulimit -t 30;";
#else
  const std::string limits = "ulimit -t 5 -v 1000000;";
#endif
  const std::string command =
      "sh -c '" + limits + " exec " TENK_BINARY " run " + arguments + "' 2>&1";
  Answer a;
  FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::array<char, 4096> buffer;
  while (std::size_t n = fread(buffer.data(), 1, buffer.size(), pipe))
    a.text.append(buffer.data(), n);
  const int status = pclose(pipe);
  a.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return a;
}

const std::string kGood = R"(version: 1
cluster:
  nodes: 2
  node: hgx-h100-8
  fabric: {kind: clos, tiers: 2, radix: 64, rails: 8, link: {rate: 400Gbps, latency: 600ns}}
job:
  model: {style: gpt, layers: 4, hidden: 1024, heads: 16, vocab: 50304}
  parallel: {tp: 8, pp: 1, dp: 2}
  batch: {global: 8, micro: 1, sequence: 1024}
)";

std::string with(std::string from, std::string to) {
  std::string text = kGood;
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

Answer run_text(const std::string& text) {
  const fs::path file = fs::temp_directory_path() / ("tenk-wrong-" + std::to_string(getpid()));
  std::ofstream(file, std::ios::binary) << text;
  const Answer a = tenk_run(file.string());
  fs::remove(file);
  return a;
}

std::string repeat(const std::string& piece, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += piece;
  return all;
}

void check_refused(const std::string& text, int exit_code, const std::string& words) {
  const Answer a = run_text(text);
  CAPTURE(a.text.substr(0, 2000));
  CHECK(a.exit_code == exit_code);
  CHECK(a.text.find(words) != std::string::npos);
  CHECK(a.text.size() < 4000);
}

TEST_CASE("The scenario that the wrong ones are made from runs") {
  const Answer a = run_text(kGood);
  CAPTURE(a.text);
  CHECK(a.exit_code == 0);
}

TEST_CASE("A wrong value, key or unit is exit 3 with its position and the nearest name") {
  check_refused(with("radix", "raidx"), 3, "did you mean \"radix\"?");
  check_refused(with("  nodes: 2\n", "  nodes: 2\n  nodes: 4\n"), 3, "nodes");
  check_refused(with("600ns", "600"), 3, "needs a unit, such as 600ns");
  check_refused(with("tp: 8", "tp: 3"), 3, "must divide the model's 16 heads");
  check_refused(with("dp: 2", "dp: 3"), 3, "dp 2 works");
  check_refused(with("nodes: 2", "nodes: 0"), 3, "at least 1; found 0");
  check_refused(with("nodes: 2", "nodes: 1000000000000"), 3, "at most 262144");
  check_refused(with("nodes: 2", "nodes: .nan"), 3, "found .nan");
  check_refused(with("400Gbps", "nanGbps"), 3, "nanGbps");
  check_refused(with("400Gbps", "-400Gbps"), 3, "-400Gbps");
  check_refused(with("layers: 4", "layers: 1e300"), 3, "1e300");
  check_refused(with("version: 1", "version: 2"), 3, "version");
  check_refused(with("dp: 2", "dp: 2, zero: 3, shard: 3"), 3, "shard 3 must divide dp 2");
  check_refused(with("dp: 2", "dp: 2, zero: 4"), 3, "zero must be at most 3; found 4");
  check_refused(with("job:\n", "job:\n  gradients: {keep: shards}\n"), 3, "zero 2 or 3; found 1");
  check_refused(with("job:\n", "job:\n  gradients: {keeps: whole}\n"), 3, "did you mean \"keep\"");
  check_refused(with("tp: 8", "tp: 4, cp: 2, cp-exchange: rings"), 3, "did you mean \"ring\"");
  check_refused(with("tp: 8", "tp: 8, schedule: zb-h2"), 3, "did you mean \"zb-h1\"");
  check_refused(with("tp: 8", "tp: 8, schedule: zb-h1"), 3, "one stage has no bubble to fill");
  check_refused(with("job:\n", "job:\n  step-overhead: 5\n"), 3, "needs a unit");
  check_refused(with("job:\n", "job:\n  optimizer: {offload: cxl}\n"), 3, "needs host-memory");
  check_refused(with("job:\n", "job:\n  optimizer: {offload: cpu, host-memory: 0GBps}\n"), 3,
                "host-memory");
  const std::string model = "{style: gpt, layers: 4, hidden: 1024, heads: 16, vocab: 50304}";
  check_refused(with(model, "{preset: mixtral-8x7}"), 3, "did you mean \"mixtral-8x7b\"?");
  check_refused(with(model, "{megatron-args: \"--num-layers 4\"}"), 3, "needs \"hidden-size\"");
  check_refused(with(model, "{hf-config: /nowhere.json}"), 4, "/nowhere.json");
  check_refused(with("tp: 8", "tp: 8, ep: 2"), 3, "ep 2 needs a model with experts");
  check_refused(with("job:\n", "job:\n  router: {skew: 1}\n"), 3, "needs a model with experts");
  check_refused(with("job:\n", "job:\n  lora: {rnk: 8}\n"), 3, "did you mean \"rank\"?");
  check_refused(with("job:\n", "job:\n  lora: {rank: 8, targets: [q]}\n"), 3, "it lists qkv");
  check_refused(with("job:\n", "job:\n  precision: fp4\n"), 3, "has no such matrix products");
  check_refused(with("hgx-h100-8", "hgx-h100-9"), 3, "did you mean \"hgx-h100-8\"?");
}

TEST_CASE("An algorithm that does not carry out an operation is refused with those that do") {
  const auto asked = [](const std::string& text) { return kGood + "collectives: " + text + "\n"; };
  check_refused(asked("{all_gather: tree}"), 3, "ring, pat");
  check_refused(asked("{all_gather: rign}"), 3, "did you mean \"ring\"?");
  check_refused(asked("{all_gathr: ring}"), 3, "did you mean \"all_gather\"?");
  check_refused(asked("ring"), 3, "collectives");
}

TEST_CASE("An engine that cannot run the detail asked for says which one it needs") {
  const auto engine = [](const std::string& text) { return kGood + "engine: " + text + "\n"; };
  check_refused(engine("{name: simgird, detail: steps}"), 3, "did you mean \"simgrid\"?");
  check_refused(engine("{detail: step}"), 3, "did you mean \"steps\"?");
  check_refused(engine("{name: simgrid}"), 3, "expected detail: steps");
  check_refused(engine("{name: simgrid, detail: coflow}"), 3, "expected detail: steps");
}

TEST_CASE("What is broken, slow or placed where nothing is, is refused with what there is") {
  const auto cluster = [](const std::string& line) {
    return with("  node: hgx", "  " + line + "\n  node: hgx");
  };
  check_refused(cluster("degrade: [{switch: spine8, rate: 0Gbps}]"), 3,
                "it has leaf0 to leaf7, spine0 to spine3");
  check_refused(cluster("degrade: [{node: 2, rate: 0Gbps}]"), 3, "at most 1; found 2");
  check_refused(cluster("degrade: [{rate: 0Gbps}]"), 3, "needs \"link\"");
  check_refused(cluster("stragglers: [{node: 0, sped: 0.5}]"), 3, "did you mean \"speed\"?");
  check_refused(cluster("stragglers: [{accelerator: 16, speed: 1}]"), 3, "at most 15; found 16");
  check_refused(cluster("stragglers: [{spread: 3%}]"), 3, "3%");
  check_refused(cluster("stragglers: {node: 0}"), 3, "stragglers");
  check_refused(kGood + "placement: {policy: pakced}\n", 3, "did you mean \"packed\"?");
  check_refused(kGood + "placement: {policy: list, nodes: [0, 2]}\n", 3, "nodes 0 to 1");
  check_refused(kGood + "placement: {policy: list, nodes: [0]}\n", 3, "finds 8 accelerators");
  check_refused(kGood + "jobs: []\n", 3, "either job or jobs");
  check_refused(with("job:", "jobs:"), 3, "jobs");
}

TEST_CASE("All faults of a file come out together") {
  std::string text = with("radix", "raidx");
  text.replace(text.find("600ns"), 5, "600");
  text.replace(text.find("heads: 16"), 9, "heads: 0");
  const Answer a = run_text(text);
  CAPTURE(a.text);
  CHECK(a.exit_code == 3);
  for (const char* words : {"raidx", "600ns", "heads must be at least 1"}) {
    CHECK(a.text.find(words) != std::string::npos);
  }
}

TEST_CASE("What is no scenario at all is exit 4") {
  CHECK(tenk_run("/nowhere/at/all.yaml").exit_code == 4);
  CHECK(tenk_run("/tmp").exit_code == 4);
  check_refused("", 4, "empty");
  check_refused(std::string("\0\x01\x02\xff\xfe junk \0", 12), 4, ":1:1");
  check_refused(kGood.substr(0, kGood.find("radix: 64") + 5), 4, "");
}

TEST_CASE("Hostile files are refused quickly and in bounded memory") {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string last = "*a" + std::to_string(i - 1) + ", ";
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + repeat(last, 10) + "x]\n";
  }
  check_refused(bomb, 4, "");
  check_refused(repeat("[", 20000) + repeat("]", 20000), 4, "");
  check_refused(repeat("{a: ", 20000) + repeat("}", 20000), 4, "");
  check_refused("version: 1\nname: " + std::string(5'000'000, 'x') + "\n", 3, "cluster");
}

}  // namespace
}  // namespace tenk
