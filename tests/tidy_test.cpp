// Does every source file keep the rules (tests/tidy/rules.h), and does each rule find what it is
// for?
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include "tests/tidy/rules.h"

using namespace tenk;

namespace {

using Rules = std::vector<std::string>;
const Rules kState = {"mutable global state"};

Rules rules_broken(const std::string& path, const std::string& text) {
  Rules rules;
  for (const Violation& v : check(path, text)) rules.push_back(v.rule);
  return rules;
}

}  // namespace

TEST_CASE("every source file keeps the rules") {
  namespace fs = std::filesystem;
  const fs::path root = TENK_SOURCE_DIR;
  std::size_t files = 0;
  for (const std::string& folder : source_folders()) {
    if (!fs::exists(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string extension = entry.path().extension().string();
      if (extension != ".h" && extension != ".cpp" && extension != ".cu") continue;
      std::ifstream file(entry.path());
      const std::string text{std::istreambuf_iterator<char>(file), {}};
      ++files;
      for (const Violation& v : check(fs::relative(entry.path(), root).string(), text)) {
        FAIL_CHECK(v.path << ":" << v.line << ": " << v.rule);
      }
    }
  }
  CHECK(files > 2);  // This one and the main at least: a walk that finds nothing proves nothing.
}

// Two types of one name in one namespace are undefined behaviour that no compiler reports; the
// probes have a namespace of their own.
TEST_CASE("no two headers define a type of one name") {
  namespace fs = std::filesystem;
  const fs::path root = TENK_SOURCE_DIR;
  const std::regex definition("^(?:struct|class|enum class) (\\w+)(?: : [^;]*)? ?\\{.*$");
  std::map<std::string, std::string> header_of;
  for (const char* folder : {"sim", "topologies", "workloads", "calibration", "analysis"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string path = fs::relative(entry.path(), root).string();
      if (entry.path().extension() != ".h" || path.starts_with("calibration/probes/")) continue;
      std::ifstream file(entry.path());
      for (std::string line; std::getline(file, line);) {
        std::smatch match;
        if (!std::regex_match(line, match, definition)) continue;
        const auto [first, added] = header_of.emplace(match[1].str(), path);
        if (!added) FAIL_CHECK(path << " and " << first->second << " define " << match[1].str());
      }
    }
  }
  CHECK(header_of.size() > 100);
}

TEST_CASE("a folder includes only what the law lets it include") {
  const auto fault = [](const std::string& path, const std::string& line) {
    return !rules_broken(path, "#include " + line + "\n").empty();
  };
  CHECK(fault("sim/base/a.cpp", "\"sim/graph/graph.h\""));
  CHECK(fault("sim/plan/a.cpp", "\"sim/engine/engine.h\""));
  CHECK(fault("topologies/clos.cpp", "\"workloads/model.h\""));
  CHECK(fault("workloads/formats/goal.cpp", "\"topologies/topology.h\""));
  CHECK(fault("calibration/fit.cpp", "\"sim/engine/engine.h\""));
  CHECK(fault("analysis/predict.cpp", "\"analysis/cli/command.h\""));
  CHECK(fault("sim/graph/a.cpp", "\"graph.h\""));
  CHECK(fault("sim/graph/a.cpp", "\"../base/units.h\""));
  CHECK(fault("sim/graph/a.cpp", "<sim/base/units.h>"));
  CHECK(fault("workloads/a.cpp", "<yaml-cpp/yaml.h>"));
  CHECK(fault("analysis/run.cpp", "<CLI/CLI.hpp>"));
  CHECK(fault("elsewhere/a.cpp", "\"sim/base/units.h\""));
  CHECK_FALSE(fault("sim/engine/a.cpp", "\"sim/base/units.h\""));
  CHECK_FALSE(fault("analysis/predict.cpp", "\"sim/engine/engine.h\""));
  CHECK_FALSE(fault("calibration/fit.cpp", "\"topologies/topology.h\""));
  CHECK_FALSE(fault("tests/base/a_test.cpp", "\"analysis/predict.h\""));
  CHECK_FALSE(fault("sim/base/config.cpp", "<yaml-cpp/yaml.h>"));
}

TEST_CASE("mutable state that outlives a call is found") {
  for (const char* bad :
       {"int calls = 0;", "namespace a {\nstd::vector<int> cache;\n}", "static Foo foo{1, 2};",
        "const char* name = \"x\";", "extern int calls;", "thread_local int depth;",
        "std::function<int(int)> hook = [](int x) { return x; };", "struct A {\n} a;",
        "struct A {\n public:\n  static int calls;\n};", "int f() {\n  static int n = 0;\n}",
        "int f() {\n  for (int i = 0; i < 3; ++i) {\n  }\n  static Foo foo(1);\n}",
        "int f() {\n  static std::map<int, int> m{{1, 2}};\n  return 1;\n}"}) {
    CAPTURE(bad);
    CHECK(rules_broken("sim/base/a.cpp", bad) == kState);
  }
  for (const char* good :
       {"const int a = 1, b = 2;", "constexpr Foo kFoos[] = {{1}, {2}};", "int f(int a = 1);",
        "const std::map<int, int (*)(int)> kTable = {{1, [](int x) { return x; }}};",
        "const char* const kName = \"x = 1;\";", "// int calls;",
        "static int f(int a) { return a; }", "struct A {\n  static int f();\n  int a = 1;\n};",
        "template <class T = int>\nstruct A;", "bool operator<(A a, B b) { return a.x < b.x; }",
        "enum class Kind : int { kA = 1, kB };",
        "A::A() : a_{1}, b_(2) { static const int n = 0'1; }", "extern const XxxKind clos;",
        "auto operator<=>(const A&) const = default;", "using F = std::function<int(int)>;",
        "int f() {\n  static const std::regex r(R\"(;{)\");\n  const auto [a, b] = g({1});\n}"}) {
    CAPTURE(good);
    CHECK(rules_broken("sim/base/a.cpp", good).empty());
  }
}

TEST_CASE("a function of more than 70 lines is found wherever it stands") {
  const auto lines = [](int n) {
    std::string text;
    for (int i = 0; i < n; ++i) text += "  if (a) { b(); }\n";
    return text;
  };
  const Rules rule = {"function of 71 lines, more than 70"};
  const auto rules = [](const std::string& text) { return rules_broken("sim/base/a.cpp", text); };
  CHECK(rules("void f(int a = 1) {\n" + lines(69) + "}\n") == rule);
  CHECK(rules("void f() {\n" + lines(68) + "}\n").empty());
  CHECK(rules("struct A {\nA() : a_{1}, b_(2) {\n" + lines(69) + "}\n};\n") == rule);
  CHECK(rules("struct A {\nA() : f_([] {}), b_(2) {\n" + lines(69) + "}\n};\n") == rule);
  CHECK(rules("const Kind kind{.name = 1,\n.fn = [](int a) {\n" + lines(69) + "}};\n") == rule);
  CHECK(rules("struct A {\n" + lines(80) + "};\n").empty());
}

TEST_CASE("long lines, long files, tabs and headers without their opening are found") {
  const std::string head = "// What?\n#pragma once\n";
  const auto header = [](const std::string& text) { return rules_broken("sim/base/a.h", text); };
  CHECK(header(head + "//" + std::string(98, '.') + "\n").empty());
  CHECK(header(head + "//" + std::string(99, '.') + "\n") == Rules{"line longer than 100 columns"});
  CHECK(header(head + "\t\n") == Rules{"tab"});
  CHECK(header(head + std::string(198, '\n')).empty());
  CHECK(header(head + std::string(199, '\n')) == Rules{"file longer than 200 lines"});
  CHECK(rules_broken("sim/a.cpp", std::string(601, '\n')) == Rules{"file longer than 600 lines"});
  CHECK(header("#pragma once\n") == Rules{"header does not open with a comment"});
  CHECK(header("// What?\n") == Rules{"header without #pragma once"});
  CHECK(header(head + "using namespace std;\n") == Rules{"`using namespace` in a header"});
}
