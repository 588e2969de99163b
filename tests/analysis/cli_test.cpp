// The program from outside: what does it print where, and how does it exit?
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "sim/base/version.h"

namespace tenk {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;
using Catch::StartsWith;

struct Outcome {
  int code = -1;  // 128 + signal if it was killed.
  std::string out, err;
};

std::string text_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return (std::stringstream() << in.rdbuf()).str();
}

// A new folder, gone at the end, in which the program runs.
class Shell {
 public:
  Shell() {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~Shell() { fs::remove_all(path_); }
  fs::path operator/(const std::string& name) const { return path_ / name; }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
  }
  // Runs `command`, in which "$TENK" is the program, in a shell.
  Outcome sh(const std::string& command) const {
    const std::string line =
        "cd '" + path_.string() + "' && TENK='" + TENK_BINARY + "' && { " + command + "; } 2>err";
    Outcome outcome;
    std::FILE* pipe = popen(line.c_str(), "r");
    REQUIRE(pipe != nullptr);
    for (int c; (c = std::fgetc(pipe)) != EOF;) outcome.out += static_cast<char>(c);
    const int status = pclose(pipe);
    outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    outcome.err = text_of(path_ / "err");
    return outcome;
  }
  Outcome tenk(const std::string& arguments) const { return sh("\"$TENK\" " + arguments); }

 private:
  fs::path path_ = fs::temp_directory_path() / ("tenk_cli_test." + std::to_string(getpid()));
};

// 16 cards without servers on one leaf pair: small, and no job.
const std::string kCluster = R"(version: 1
name: sixteen ports
cluster:
  nodes: 16
  node: endpoint
  fabric:
    kind: clos
    levels: [{down: 8, up: 8}]
    link: {rate: 400Gbps, latency: 600ns}
)";

const std::string kExample =
    "'" + std::string(TENK_SOURCE_DIR) + "/examples/megatron-177b-2304.yaml'";

}  // namespace

TEST_CASE("help and version are data; a missing command is wrong usage") {
  const Shell shell;
  CHECK(shell.tenk("--version").out == "tenk " + std::string(kVersion) + "\n");
  for (const char* help : {"help", "--help", "-h"}) {
    const Outcome o = shell.tenk(help);
    CHECK(o.code == 0);
    CHECK_THAT(o.out, Contains("tenk run SCENARIO"));
    CHECK(o.err.empty());
  }
  for (const char* command : {"run", "compare", "collective", "check", "help"}) {
    const std::string name = command;
    CHECK_THAT(shell.tenk("help " + name).out, StartsWith("usage: tenk " + name));
    CHECK(shell.tenk("help " + name).out == shell.tenk(name + " --help").out);
  }
  const Outcome none = shell.tenk("");
  CHECK(none.code == 2);
  CHECK(none.out.empty());
  CHECK_THAT(none.err, Contains("a command is missing: run, compare, collective, "));
}

TEST_CASE("wrong usage names what is wrong and the nearest right name, exit 2") {
  const Shell shell;
  const auto refused = [&](const std::string& arguments, const std::string& message) {
    const Outcome o = shell.tenk(arguments);
    CAPTURE(arguments);
    CHECK(o.code == 2);
    CHECK(o.out.empty());
    CHECK_THAT(o.err, Contains(message));
  };
  refused("rnu x.yaml", "unknown command rnu; did you mean run?");
  refused("help colective", "no command colective; did you mean collective?");
  refused("run", "SCENARIO, a file, is missing (tenk help run)");
  refused("check", "FILE is missing");
  refused("compare a.yaml", "two or more FILEs are needed");
  refused("compare a.yaml b.yaml --baseline ''", "the name is empty");
  refused("run x --fromat json", "unknown option --fromat; did you mean --format?");
  refused("run x --bytes=8B", "unknown option --bytes");
  refused("run x -q", "unknown option -q");
  refused("run x --format", "--format needs a value");
  refused("run x --format jsn", "none of table, json, csv, md; did you mean json?");
  refused("--format json run x", "--format goes after the command");
  refused("run a.yaml b.yaml", "unexpected argument \"b.yaml\"");
  refused("run x -o ''", "the directory has no name");
  refused("topo", "SCENARIO, a file, is missing (tenk help topo)");
  refused("topo x --format svgg", "none of table, json, csv, md, svg; did you mean svg?");
  refused("run x --format svg", "none of table, json, csv, md");
  refused("list nods", "there is no kind \"nods\"; did you mean nodes?");
  refused("list nodes prices", "there is one KIND");
  refused("list --format csv", "none of table, json");
  refused("list --set a=b", "unknown option --set");
  refused("show", "NAME is missing");
  refused("show a b", "there is one NAME");
  refused("show h100-smx", "did you mean h100-sxm?");
  refused("show nodes/endpoit", "did you mean nodes/endpoint?");
  refused("collective x --op allreduce", "did you mean all_reduce?");
  refused("collective x --bytes 8", "--bytes: \"8\" has no unit");
  refused("collective x --factor 1", "no whole number from 2");
  refused("collective x --factor 2.5", "no whole number from 2");
  shell.write("x.yaml", kCluster);
  refused("collective x.yaml --set nodes", "--set nodes: expected KEY=VALUE");
}

TEST_CASE("files that cannot be read exit 4, those that make no sense 3, with the place") {
  const Shell shell;
  shell.write("empty.yaml", "");
  shell.write("broken.yaml", "cluster: {nodes: [\n");
  shell.write("wrong.yaml", "version: 1\nclutser: {nodes: 4}\n");
  for (const char* command : {"run ", "collective ", "topo ", "check "}) {
    const std::string name = command;
    CAPTURE(name);
    CHECK(shell.tenk(name + "nix.yaml").code == 4);
    CHECK_THAT(shell.tenk(name + "nix.yaml").err, StartsWith("nix.yaml: "));
    CHECK(shell.tenk(name + ".").code == 4);
    CHECK_THAT(shell.tenk(name + ".").err, Contains("s a directory"));
    CHECK(shell.tenk(name + "empty.yaml").code == 4);
    CHECK(shell.tenk(name + "broken.yaml").code == 4);
    const Outcome wrong = shell.tenk(name + "wrong.yaml");
    CHECK(wrong.code == 3);
    CHECK(wrong.out.empty());
    CHECK_THAT(wrong.err, Contains("wrong.yaml:2:1: "));
  }
  CHECK_THAT(shell.tenk("check -- --odd.yaml").err, StartsWith("--odd.yaml: "));
}

TEST_CASE("check says ok for each good file and exits as the worst") {
  const Shell shell;
  shell.write("good.yaml", kCluster);
  shell.write("run", kCluster);  // A file may have the name of a command.
  shell.write("bad.yaml", "version: 2\n");
  const Outcome two = shell.tenk("check good.yaml run");
  CHECK(two.err == "");
  CHECK(two.out == "good.yaml: ok\nrun: ok\n");
  CHECK(two.code == 0);
  const Outcome mixed = shell.tenk("check good.yaml bad.yaml nix.yaml good.yaml");
  CHECK(mixed.code == 4);
  CHECK(mixed.out == "good.yaml: ok\ngood.yaml: ok\n");
  CHECK(shell.tenk("check good.yaml bad.yaml").code == 3);
  const std::string profiles = std::string("'") + TENK_SOURCE_DIR + "'/profiles/*/*.yaml";
  const Outcome all = shell.tenk("check " + profiles);
  CHECK(all.err == "");
  CHECK(all.code == 0);
}

TEST_CASE("collective prints a row for each size in every format") {
  const Shell shell;
  shell.write("c.yaml", kCluster);
  const std::string base = "collective c.yaml --bytes 1KiB..1MiB,3MB --factor 32 ";
  const Outcome json = shell.tenk(base + "--op all_gather --format json");
  CHECK(json.err == "");
  REQUIRE(json.code == 0);
  const auto table = nlohmann::json::parse(json.out);
  REQUIRE(table["rows"].size() == 4);
  CHECK(table["scenario"] == "sixteen ports");
  CHECK(table["accelerators"] == 16);
  CHECK(table["rows"][0]["op"] == "all_gather");
  CHECK(table["rows"][3]["bytes"] == 3'000'000);
  CHECK(shell.tenk(base + "--format csv").code == 0);
  CHECK_THAT(shell.tenk(base + "--format=md").out, StartsWith("# sixteen ports\n"));
  const Outcome people = shell.tenk(base + "--set name=other");
  CHECK_THAT(people.out, StartsWith("# other\n"));
  CHECK(people.out.find('\x1b') == std::string::npos);  // A pipe is no terminal.
}

TEST_CASE("topo describes a cluster in every format and writes its picture") {
  const Shell shell;
  shell.write("c.yaml", kCluster + "job: {nonsense: 1}\n");  // Is not read.
  const Outcome json = shell.tenk("topo c.yaml --format json --set cluster.nodes=32 -o out");
  CHECK(json.err == "");
  REQUIRE(json.code == 0);
  const auto topo = nlohmann::json::parse(json.out);
  CHECK(topo["accelerators"] == 32);
  CHECK(topo["switches"]["leaf"] == 4);  // 32 nodes, 8 ports down.
  CHECK(topo["cables"]["leaf-spine"] == 4 * 8);
  CHECK(topo["diameter_hops"] == 2);
  CHECK(topo["buildable"] == true);
  CHECK(text_of(shell / "out/topology.json") == json.out);
  const Outcome svg = shell.tenk("topo out/resolved.yaml --format svg");
  CHECK_THAT(svg.out, StartsWith("<svg ") && Catch::EndsWith("</svg>\n"));
  CHECK(text_of(shell / "out/topology.svg") == svg.out);
  CHECK(std::distance(fs::directory_iterator(shell / "out"), {}) == 3);
  CHECK_THAT(shell.tenk("topo c.yaml").out, StartsWith("sixteen ports\n"));
  CHECK_THAT(shell.tenk("topo c.yaml --format md").out, StartsWith("# sixteen ports\n"));
  CHECK_THAT(shell.tenk("topo c.yaml --format csv").out, StartsWith("scenario,accelerators,"));
}

TEST_CASE("too few ports is a result of topo, a link that does not exist an error") {
  const Shell shell;
  shell.write("c.yaml", kCluster);
  const std::string fabric =
      "{kind: clos, tiers: 2, radix: 4, link: {rate: 400Gbps, latency: 1us}}";
  const Outcome o = shell.tenk("topo c.yaml --format json --set 'cluster.fabric=" + fabric + "'");
  REQUIRE(o.code == 0);
  CHECK(nlohmann::json::parse(o.out)["buildable"] == false);
  CHECK(nlohmann::json::parse(o.out)["reason"] != "");
  const std::string nix = "'--set=cluster.degrade=[{link: \"leaf0:spine99\", rate: 0Gbps}]'";
  CHECK(shell.tenk("topo c.yaml " + nix).code == 3);
}

TEST_CASE("list and show print the catalogue; show gives presets as they are") {
  const Shell shell;
  const Outcome kinds = shell.tenk("list");
  CHECK(kinds.code == 0);
  for (const char* kind : {"accelerators", "nodes", "collectives", "prices", "fabrics",
                           "node-kinds", "algorithms", "schedules", "engines"}) {
    CHECK_THAT(kinds.out, Contains(std::string("\n") + kind) || StartsWith(kind));
    const Outcome list = shell.tenk(std::string("list --format json ") + kind);
    REQUIRE(list.code == 0);
    const auto listed = nlohmann::json::parse(list.out);
    for (const auto& entry : listed["entries"]) {
      const std::string name = entry["name"];
      CAPTURE(name);
      CHECK(shell.tenk("show " + name).code == 0);
      const Outcome one = shell.tenk("show " + std::string(kind) + "/" + name);
      CHECK(one.code == 0);
      CHECK(one.err == "");
      CHECK_FALSE(one.out.empty());
    }
  }
  const std::string root = TENK_SOURCE_DIR;
  CHECK(shell.tenk("show h100-sxm").out == text_of(root + "/profiles/accelerators/h100-sxm.yaml"));
  CHECK(shell.tenk("show endpoint").out == text_of(root + "/profiles/nodes/endpoint.yaml"));
  CHECK(shell.tenk("show endpoint").err == "also: tenk show node-kinds/endpoint\n");
  CHECK_THAT(shell.tenk("show ring").out, Contains("operations: all_reduce, all_gather"));
}

TEST_CASE("-o makes the directory and leaves whole files in it, or says why not") {
  const Shell shell;
  shell.write("c.yaml", kCluster);
  const Outcome o = shell.tenk("collective c.yaml --bytes 8B --set seed=7 -o a/b --format json");
  REQUIRE(o.code == 0);
  CHECK(text_of(shell / "a/b/result.json") == o.out);
  CHECK_THAT(text_of(shell / "a/b/resolved.yaml"), Contains("seed: 7"));
  CHECK(std::distance(fs::directory_iterator(shell / "a/b"), {}) == 2);
  CHECK(shell.tenk("collective a/b/resolved.yaml --bytes 8B").code == 0);
  for (const char* bad : {"c.yaml", "c.yaml/below", "/dev/null"}) {
    const Outcome refused = shell.tenk(std::string("collective c.yaml --bytes 8B -o ") + bad);
    CAPTURE(bad);
    CHECK(refused.code == 4);
    CHECK(refused.out.empty());
    CHECK_THAT(refused.err, StartsWith(bad));
  }
  CHECK(text_of(shell / "c.yaml") == kCluster);
}

TEST_CASE("output that does not arrive is an error, exit 4") {
  const Shell shell;
  shell.write("c.yaml", kCluster);
  for (const char* command : {"help", "collective c.yaml --bytes 8B", "topo c.yaml", "list"}) {
    for (const char* closed : {" >&-", " >/dev/full"}) {
      const Outcome o = shell.tenk(std::string(command) + closed);
      CAPTURE(command, closed);
      CHECK(o.code == 4);
      CHECK_THAT(o.err, StartsWith("tenk: cannot write to standard output: "));
    }
  }
  // The reader is gone long before; a pipe hides the exit code, so it comes through a file.
  shell.sh("{ sleep 0.2; \"$TENK\" help; echo $? >code; } | true");
  CHECK(text_of(shell / "code") == "4\n");
  // A closed standard output must not become the result file.
  const Outcome o = shell.tenk("collective c.yaml --bytes 8B -o out >&-");
  CHECK(o.code == 4);
  CHECK(nlohmann::json::accept(text_of(shell / "out/result.json")));
}

TEST_CASE("compare reports the faults of all files in one go, each with the name of its file") {
  const Shell shell;
  shell.write("job.yaml", kCluster + "job: {}\n");
  shell.write("wrong.yaml", "version: 1\nclutser: {nodes: 4}\n");
  const Outcome o = shell.tenk("compare nix.yaml job.yaml wrong.yaml");
  CHECK(o.code == 4);
  CHECK(o.out.empty());
  CHECK_THAT(o.err, Contains("nix.yaml: ") && Contains("job.yaml:") &&
                        Contains("wrong.yaml:2:1: unknown key \"clutser\""));
  CHECK(shell.tenk("compare job.yaml wrong.yaml").code == 3);
  const Outcome set = shell.tenk("compare " + kExample + " wrong.yaml --set cluster.nodes=1km");
  CHECK(set.code == 3);
  CHECK_THAT(set.err, Contains("megatron-177b-2304.yaml: cluster.nodes") &&
                          Contains("wrong.yaml: cluster.nodes"));
}

TEST_CASE("compare calls clusters by their files and writes what it prints") {
  const Shell shell;
  const std::string small =
      "--set cluster.nodes=48 --set job.parallel.dp=8 --set "
      "job.batch.global=64 ";
  shell.sh("mkdir a; cp " + kExample + " a/x.yaml; cp " + kExample + " y.yaml");
  const Outcome o =
      shell.tenk("compare a/x.yaml y.yaml --baseline y -o out --format json " + small);
  CHECK(o.err == "");
  REQUIRE(o.code == 0);
  const auto comparison = nlohmann::json::parse(o.out);
  CHECK(comparison["baseline"] == "y");
  CHECK(comparison["clusters"][0]["label"] == "x");
  CHECK(comparison["verdicts"][0]["winner"] == "");
  CHECK(text_of(shell / "out/result.json") == o.out);
  CHECK_THAT(text_of(shell / "out/resolved-2.yaml"), Contains("global: 64"));
  CHECK(std::distance(fs::directory_iterator(shell / "out"), {}) == 3);
  const Outcome twins = shell.tenk("compare y.yaml a/../y.yaml y.yaml --format csv " + small);
  CHECK_THAT(twins.out,
             Contains("\ny.yaml,") && Contains("\na/../y.yaml,") && Contains("\ny.yaml (2),"));
  const Outcome unknown = shell.tenk("compare a/x.yaml y.yaml --baseline z " + small);
  CHECK(unknown.code == 2);
  CHECK_THAT(unknown.err, Contains("--baseline: none of the scenarios is \"z\""));
}

TEST_CASE("run predicts an example, writes its three files, and adds up") {
  const Shell shell;
  const Outcome o = shell.tenk("run " + kExample + " --format json -o out");
  CHECK(o.err == "");
  REQUIRE(o.code == 0);
  const auto run = nlohmann::json::parse(o.out);
  double sum = 0;
  for (const auto& part : run["breakdown_s"]) sum += part.get<double>();
  CHECK(sum == Approx(run["step_time_s"].get<double>()).epsilon(1e-9));
  CHECK(run["interval_s"][0] <= run["step_time_s"]);
  CHECK(run["step_time_s"] <= run["interval_s"][1]);
  CHECK(text_of(shell / "out/result.json") == o.out);
  CHECK_THAT(text_of(shell / "out/result.h5"), StartsWith("\x89HDF\r\n\x1a\n"));
  CHECK(fs::exists(shell / "out/resolved.yaml"));
  CHECK(std::distance(fs::directory_iterator(shell / "out"), {}) == 3);
}

}  // namespace tenk
