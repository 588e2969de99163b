#include "sim/base/config.h"

#include <catch2/catch.hpp>

#include <functional>

#include "sim/base/random.h"
#include "sim/base/section.h"

namespace tenk {
namespace {

using Kind = Config::Kind;

Config parse(const std::string& text) { return Config::parse(text, "x.yaml"); }

std::optional<Error> error_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

// What the user sees, and the exit code in front; empty: no error.
std::string report(const std::function<void()>& act) {
  const auto error = error_of(act);
  return error ? std::to_string(error->exit_code()) + " " + error->what() : "";
}

std::string parse_report(const std::string& text) {
  return report([&] { parse(text); });
}

bool equal(const Config& a, const Config& b) {
  if (a.kind() != b.kind()) return false;
  if (a.kind() == Kind::kScalar) return a.text() == b.text();
  if (a.items().size() != b.items().size() || a.entries().size() != b.entries().size())
    return false;
  for (std::size_t i = 0; i < a.items().size(); ++i) {
    if (!equal(a.items()[i], b.items()[i])) return false;
  }
  for (std::size_t i = 0; i < a.entries().size(); ++i) {
    const auto& [key, where, value] = a.entries()[i];
    if (key != b.entries()[i].key || !equal(value, b.entries()[i].value)) return false;
  }
  return true;
}

std::string random_text(Random& random) {
  static const std::vector<std::string> pieces = {"a",
                                                  "Z9",
                                                  "1",
                                                  "-",
                                                  "-5",
                                                  "1e6",
                                                  ".5",
                                                  "null",
                                                  "Null",
                                                  "~",
                                                  "true",
                                                  "no",
                                                  " ",
                                                  "  ",
                                                  ": ",
                                                  ":",
                                                  "#",
                                                  " #",
                                                  "?",
                                                  "? ",
                                                  "- ",
                                                  "---",
                                                  "...",
                                                  "<<",
                                                  "[",
                                                  "]",
                                                  "{",
                                                  "}",
                                                  ",",
                                                  "&a",
                                                  "*a",
                                                  "!t",
                                                  "|",
                                                  ">",
                                                  "%",
                                                  "@",
                                                  "`",
                                                  "'",
                                                  "\"",
                                                  "\\",
                                                  "/",
                                                  "\n",
                                                  "\n\n",
                                                  "\t",
                                                  "\r",
                                                  "\x01",
                                                  "\x7f",
                                                  "é",
                                                  "→",
                                                  "😀",
                                                  "\u0085",
                                                  "\u2028",
                                                  "\uFEFF",
                                                  "\u202e",
                                                  std::string(1, '\0'),
                                                  std::string(1500, 'k')};
  std::string text;
  for (std::uint64_t n = random.below(5); n > 0; --n) text += pieces[random.below(pieces.size())];
  return text;
}

Config random_tree(Random& random, int levels) {
  const std::uint64_t choice = random.below(levels > 0 ? 8 : 4);
  if (choice == 0) return Config();
  if (choice < 4) return Config::scalar(random_text(random), {}, random.below(2) == 0);
  std::vector<Config> items;
  std::vector<Config::Entry> entries;
  for (std::uint64_t n = random.below(5); n > 0; --n) {
    items.push_back(random_tree(random, levels - 1));
    const std::string key = random_text(random) + std::to_string(n);
    entries.push_back({key, {}, random_tree(random, levels - 1)});
  }
  return choice < 6 ? Config::list(items) : Config::map(entries);
}

}  // namespace

TEST_CASE("any tree written as YAML reads back as the same tree") {
  Random random(1, "trees");
  for (int i = 0; i < 2000; ++i) {
    const Config tree = random_tree(random, 4);
    const std::string text = tree.to_yaml();
    INFO(text);
    const Config again = parse(text);
    REQUIRE(equal(tree, again));
    REQUIRE(again.to_yaml() == text);
  }
}

TEST_CASE("canonical YAML reads as people write it") {
  const std::string text =
      "version: 1\n"
      "fabric:\n"
      "  levels:\n"
      "    - down: 16\n"
      "      up: 16\n"
      "    - - [1, 2.5 us]\n"
      "      - {}\n"
      "  order: [tp, cp]\n"
      "  rate: 400Gbps\n"
      "seed: null\n"
      "text: \"8\"\n";
  CHECK(parse(text).to_yaml() == text);
}

TEST_CASE("a scalar is its text, and nothing is interpreted") {
  const Config c = parse("a: no\nb: 'no'\nc: 0o17\nd: ~\ne:\nf: [x, y: 1]\ng: |\n  two\n  lines\n");
  CHECK(c.find("a")->text() == "no");
  CHECK_FALSE(c.find("a")->quoted());
  CHECK(c.find("b")->quoted());
  CHECK(c.find("c")->text() == "0o17");
  CHECK(c.find("d")->kind() == Kind::kNull);
  CHECK(c.find("e")->kind() == Kind::kNull);
  CHECK(c.find("f")->items()[1].find("y")->text() == "1");
  CHECK(c.find("g")->text() == "two\nlines\n");
  CHECK(c.find("h") == nullptr);
  CHECK(Config().find("a") == nullptr);
}

TEST_CASE("JSON is read, with its escapes, tabs and pairs of surrogates") {
  const Config c = parse(
      "{\n\t\"a\":\"\\u00e9\\/\\n\",\t\"b\":[1,-2.5e-3,true,null],\n\t\"c\":\"\\uD83D\\uDE00\","
      "\n\t\"d\":\"\\\\ud83d\\\\ude00\", \"e\": {}\n}\n");
  CHECK(c.find("a")->text() == "é/\n");
  CHECK(c.find("b")->items()[1].text() == "-2.5e-3");
  CHECK(c.find("b")->items()[3].kind() == Kind::kNull);
  CHECK(c.find("c")->text() == "😀");
  CHECK(c.find("d")->text() == "\\ud83d\\ude00");
  CHECK(c.find("e")->kind() == Kind::kMap);
}

TEST_CASE("every value knows its line and its column in characters") {
  const Config c = parse(
      "\xEF\xBB\xBF"
      "a: {é→: x}\r\nb:\n  - 1\n  - k:\n\nn: 2\n");
  const auto at = [](const Where& w) { return std::pair(w.line, w.column); };
  CHECK(at(c.entries()[0].where) == std::pair(1, 1));
  CHECK(at(c.find("a")->find("é→")->where()) == std::pair(1, 9));
  CHECK(c.find("a")->where().source_line == "a: {é→: x}");
  const Config& list = *c.find("b");
  CHECK(at(list.items()[0].where()) == std::pair(3, 5));
  CHECK(at(list.items()[1].find("k")->where()) == std::pair(4, 5));  // Absent: its key.
  CHECK(at(c.find("n")->where()) == std::pair(6, 4));
  CHECK(c.find("n")->where().file == "x.yaml");
}

TEST_CASE("aliases are expanded and stand where their anchor stands") {
  const Config c = parse("a: &x {q: 1}\nb: [*x, *x]\n? &k key\n: 1\nc: *k\n");
  CHECK(c.find("b")->items()[1].find("q")->text() == "1");
  CHECK(c.find("b")->items()[1].where().line == 1);
  CHECK(c.find("c")->text() == "key");
}

TEST_CASE("all equal keys of a text are reported at once as invalid") {
  const auto error = error_of([] { parse("a: 1\nb: {c: 1, c: 2}\na: 3\n\"a\": 4\n"); });
  REQUIRE(error);
  CHECK(error->kind() == ErrorKind::kInvalid);
  REQUIRE(error->faults().size() == 3);
  CHECK(error->what() == std::string("x.yaml:2:11: the key \"c\" is given twice; first in line 2\n"
                                     "  b: {c: 1, c: 2}\n"
                                     "            ^\n"
                                     "x.yaml:3:1: the key \"a\" is given twice; first in line 1\n"
                                     "  a: 3\n"
                                     "  ^\n"
                                     "x.yaml:4:1: the key \"a\" is given twice; first in line 1\n"
                                     "  \"a\": 4\n"
                                     "  ^"));
}

TEST_CASE("what is not one plain document is refused with its place") {
  CHECK(parse_report("") == "4 x.yaml: the file is empty");
  CHECK(parse_report("\n# only a comment\n") == "4 x.yaml: the file is empty");
  CHECK(parse_report("a: 1\n---\nb: 2\n") ==
        "4 x.yaml:2:1: the file holds more than one document; expected one\n  ---\n  ^");
  CHECK_THAT(parse_report("a: !!str 1\n"), Catch::StartsWith("4 x.yaml:1:4: tags are not"));
  CHECK_THAT(parse_report("a: !mine [1]\n"), Catch::StartsWith("4 x.yaml:1:4: tags are not"));
  CHECK_THAT(parse_report("<<: {a: 1}\n"), Catch::StartsWith("4 x.yaml:1:1: merge keys"));
  CHECK_THAT(parse_report("[a]: 1\n"), Catch::StartsWith("4 x.yaml:1:1: a list or map stands"));
  CHECK_THAT(parse_report("~: 1\n"), Catch::StartsWith("4 x.yaml:1:1: a key must be text"));
  CHECK_THAT(parse_report("a: b: c\n"), Catch::StartsWith("4 x.yaml:1:5: not valid YAML"));
  CHECK_THAT(parse_report("a: [1, 2\n"), Catch::StartsWith("4 x.yaml:2:1: not valid YAML"));
  CHECK_THAT(parse_report("a:\n\tb: 1\n"), Catch::Contains("indent with spaces, not tabs"));
  CHECK_THAT(parse_report("a: *nobody\n"), Catch::Contains("anchor is not defined"));
  CHECK_THAT(parse_report("a: &x [*x]\n"), Catch::StartsWith("4 x.yaml:1:8: this alias stands"));
}

TEST_CASE("a file that cannot be read is refused with the system's reason") {
  CHECK(report([] { Config::load("/nonexistent/x.yaml"); }) ==
        "4 /nonexistent/x.yaml: cannot be read: No such file or directory");
  CHECK(report([] { Config::load("/"); }) == "4 /: cannot be read: Is a directory");
  CHECK_THAT(report([] { Config::load("/dev/zero"); }), Catch::Contains("larger than 16 MiB"));
}

TEST_CASE("with() replaces or adds the value at a path and leaves all else as it is") {
  const Config base = parse("a: {b: [1, {c: 2}], d: 3}\ne:\n");
  const Config nine = Config::scalar("9");
  CHECK(base.with("a.b[1].c", nine).to_yaml() ==
        parse("a: {b: [1, {c: 9}], d: 3}\ne:\n").to_yaml());
  CHECK(base.with("a.b[0]", nine).to_yaml() == parse("a: {b: [9, {c: 2}], d: 3}\ne:\n").to_yaml());
  CHECK(base.with("e.f.g", nine).find("e")->find("f")->find("g")->text() == "9");
  CHECK(base.with("n.m", nine).entries().size() == 3);
  CHECK(base.find("a")->find("b")->items()[1].find("c")->text() == "2");
  CHECK(base.with("a", nine).find("a")->text() == "9");
}

TEST_CASE("with() refuses malformed paths and what stands in the way as usage") {
  const Config base = parse("a: {b: [1, 2]}\nc: 3\n");
  std::string deep = "a";
  for (int i = 0; i < 70; ++i) deep += ".a";
  for (const std::string path : {"", ".", "a.", ".a", "a..b", "a[", "a[]", "a[x]", "a[1", "a[-1]",
                                 "a.b[99999999999999999999]", "a.b[0]c", "a.b[2]", "a.b.c", "c.d",
                                 "c[0]", "a[0]", deep.c_str()}) {
    INFO(path);
    const auto error = error_of([&] { base.with(path, Config::scalar("9")); });
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::kUsage);
  }
  Config value = Config::scalar("1");
  for (int i = 0; i < kMaxDepth; ++i) value = Config::list({value});
  CHECK_THAT(report([&] { base.with("a", value); }), Catch::Contains("more than 64 levels"));
}

TEST_CASE("--set reads its value as YAML and says so in errors") {
  const Config base = parse("cluster: {nodes: 4}\n");
  CHECK(apply_override(base, "cluster.nodes=8").find("cluster")->find("nodes")->text() == "8");
  CHECK(apply_override(base, "x=[1, {a: b=c}]").find("x")->items()[1].find("a")->text() == "b=c");
  CHECK(apply_override(base, "x=").find("x")->kind() == Kind::kNull);
  CHECK(apply_override(base, "x=3").find("x")->where().file == "--set x=3");
  CHECK_THAT(report([&] { apply_override(base, "cluster.nodes"); }),
             Catch::StartsWith("2 --set cluster.nodes: expected KEY=VALUE"));
  CHECK_THAT(report([&] { apply_override(base, "x=[1"); }),
             Catch::StartsWith("2 --set x=[1:1:1: "));
  CHECK_THAT(report([&] { apply_override(base, "x={a: 1, a: 2}"); }), Catch::StartsWith("3 "));
}

}  // namespace tenk
