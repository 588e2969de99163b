// The SimGrid engine as people meet it: on the command line, and when its helper is not there, dies
// or talks nonsense.
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

Answer run(const std::string& command) {
  Answer a;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::array<char, 4096> buffer;
  while (std::size_t n = fread(buffer.data(), 1, buffer.size(), pipe)) {
    a.text.append(buffer.data(), n);
  }
  const int status = pclose(pipe);
  a.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return a;
}

// A folder with a scenario and a copy of tenk, whose helper the test makes up.
class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("tenk-simgrid-test-" + std::to_string(getpid()))) {
    fs::create_directories(path_);
    fs::copy_file(TENK_BINARY, path_ / "tenk", fs::copy_options::overwrite_existing);
    std::ofstream(path_ / "scenario.yaml") << R"(version: 1
cluster:
  nodes: 2
  node: hgx-h100-8
  fabric: {kind: clos, tiers: 2, radix: 64, rails: 8, link: {rate: 400Gbps, latency: 600ns},
           routing: {policy: ecmp-hash}}
job:
  model: {style: gpt, layers: 2, hidden: 1024, heads: 16, vocab: 50304}
  parallel: {tp: 8, pp: 1, dp: 2}
  batch: {global: 4, micro: 1, sequence: 1024}
)";
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }

  void helper(const std::string& script) const {
    const fs::path file = path_ / "tenk-simgrid";
    std::ofstream(file) << "#!/bin/sh\n" << script << "\n";
    fs::permissions(file, fs::perms::owner_all);
  }
  std::string scenario() const { return (path_ / "scenario.yaml").string(); }
  std::string tenk() const { return (path_ / "tenk").string(); }

 private:
  fs::path path_;
};

const std::string kSteps = " --set engine.detail=steps";
const std::string kSimgrid = kSteps + " --set engine.name=simgrid";

// "step_time_s": 0.0427 and the like.
double field(const std::string& json, const std::string& name) {
  const std::size_t at = json.find("\"" + name + "\": ");
  REQUIRE(at != std::string::npos);
  return std::stod(json.substr(at + name.size() + 4));
}

TEST_CASE("A training step and a collective take as long on SimGrid as on fluid") {
  const Folder folder;
  for (const std::string& command :
       {" run " + folder.scenario() + " --format json",
        " collective " + folder.scenario() + " --op all_gather --bytes 16MiB --format json"}) {
    CAPTURE(command);
    const std::string name = command.starts_with(" run") ? "step_time_s" : "time_us";
    const Answer fluid = run(TENK_BINARY + command + kSteps);
    const Answer other = run(TENK_BINARY + command + kSimgrid);
    CAPTURE(other.text.substr(0, 500));
    REQUIRE(fluid.exit_code == 0);
    REQUIRE(other.exit_code == 0);
    CHECK(field(other.text, name) == Approx(field(fluid.text, name)).epsilon(1e-6));
    CHECK(other.text.find("\"name\": \"simgrid\"") != std::string::npos);
    CHECK(other.text.find("\"detail\": \"steps\"") != std::string::npos);
  }
}

TEST_CASE("A helper that is missing, dies or talks nonsense is exit 4 with what happened") {
  const Folder folder;
  const auto check = [&](const std::string& words) {
    const Answer a = run(folder.tenk() + " run " + folder.scenario() + kSimgrid);
    CAPTURE(a.text);
    CHECK(a.exit_code == 4);
    CHECK(a.text.find(words) != std::string::npos);
    CHECK(a.text.find("bug") == std::string::npos);
  };
  check("found no program tenk-simgrid");
  folder.helper("kill -9 $$");
  check("was killed by signal 9 before it answered");
  folder.helper("exit 3");
  check("ended with code 3 before it answered");
  folder.helper("cat > /dev/null; echo hello; exit 0");
  check("ended with code 0 before it answered");
  folder.helper("cat > /dev/null; head -c 100000 /dev/zero");
  check("before it answered");
}

TEST_CASE("A case of too many messages is refused in little time") {
  const Folder folder;
  const Answer a = run(std::string(TENK_BINARY) + " collective " + folder.scenario() +
                       " --op all_gather --bytes 1GiB --set cluster.nodes=512" + kSteps);
  CAPTURE(a.text);
  CHECK(a.exit_code == 3);
  CHECK(a.text.find("268369920 messages, expected at most 2000000") != std::string::npos);
  CHECK(a.text.find("engine.detail: coflow") != std::string::npos);
}

}  // namespace
}  // namespace tenk
