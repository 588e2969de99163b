#include "sim/base/section.h"

#include <catch2/catch.hpp>

#include <functional>

namespace tenk {
namespace {

// "line:column message" of each fault that `read` finds in a section of `text`.
std::vector<std::string> faults_of(const std::string& text,
                                   const std::function<void(Section&)>& read) {
  Faults faults;
  Section section(Config::parse(text, "x.yaml"), "cluster", faults);
  read(section);
  section.finish();
  std::vector<std::string> found;
  try {
    faults.throw_if_any();
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kInvalid);
    for (const Fault& f : error.faults()) {
      found.push_back(std::to_string(f.where.line) + ":" + std::to_string(f.where.column) + " " +
                      f.message);
    }
  }
  return found;
}

using Strings = std::vector<std::string>;

// The message alone, for `text` as the value of the key "k".
std::string fault_of(const std::string& text, const std::function<void(Section&)>& read) {
  const Strings found = faults_of("k: " + text + "\n", read);
  REQUIRE(found.size() <= 1);
  return found.empty() ? "" : found[0].substr(found[0].find(' ') + 1);
}

}  // namespace

TEST_CASE("all faults of a section come out together, in order of position") {
  const Strings found =
      faults_of("nodes: 0\nlatency: 600\nfabric:\n  raidx: 64\n  rate: -1Gbps\nkind: closs\n",
                [](Section& s) {
                  s.word("kind", {"clos", "dragonfly"});
                  CHECK(s.integer("nodes", {.min = 1}) >= 1);
                  s.time("latency");
                  s.text("name");
                  Section fabric = s.section("fabric");
                  fabric.integer("radix", {}, 64);
                  fabric.bandwidth("rate");
                  fabric.finish();
                });
  CHECK(found == Strings{
                     "1:1 cluster needs \"name\"",
                     "1:8 cluster.nodes must be at least 1; found 0",
                     "2:10 cluster.latency needs a unit, such as 600ns or 2us; found 600",
                     "4:3 unknown key \"raidx\" in cluster.fabric; did you mean \"radix\"?",
                     "5:9 cluster.fabric.rate must not be negative; found -1Gbps",
                     "6:7 unknown cluster.kind \"closs\"; did you mean \"clos\"?",
                 });
}

TEST_CASE("whole numbers are digits, or an exponent form that is whole, within their range") {
  const auto read = [](const std::string& text) {
    std::int64_t value = -1;
    const std::string why = fault_of(text, [&](Section& s) {
      value = s.integer("k", {.min = 2, .max = 2'000'000});
      CHECK((value >= 2 && value <= 2'000'000));
    });
    return why.empty() ? std::to_string(value) : why;
  };
  CHECK(read("64") == "64");
  CHECK(read("+64") == "64");
  CHECK(read("1e6") == "1000000");
  CHECK(read("1.5e3") == "1500");
  CHECK(read("1") == "cluster.k must be at least 2; found 1");
  CHECK(read("2000001") == "cluster.k must be at most 2000000; found 2000001");
  CHECK(read("99999999999999999999") == "cluster.k is too large; found 99999999999999999999");
  CHECK(read("1e300") == "cluster.k is too large; found 1e300");
  for (const std::string text :
       {"1.5", "64.0", "1.5e0", "1_000", "0x40", "nan", ".inf", "inf", "x", "yes"}) {
    CHECK(read(text) == "cluster.k must be a whole number; found " + text);
  }
  CHECK(read("\"64\"") == "cluster.k must be a whole number; found \"64\"");
  CHECK(read("[1]") == "cluster.k must be a whole number; found a list");
  CHECK(read("{}") == "cluster.k must be a whole number; found a map");
}

TEST_CASE("numbers are finite and within their range") {
  const auto read = [](const std::string& text) {
    return fault_of(text, [](Section& s) { s.number("k", {.min = 0, .max = 1.5}); });
  };
  CHECK(read("0.25") == "");
  CHECK(read("1e-3") == "");
  CHECK(read("-0.5") == "cluster.k must be at least 0; found -0.5");
  CHECK(read("2") == "cluster.k must be at most 1.5; found 2");
  CHECK(read("nan") == "cluster.k must be a finite number; found nan");
  CHECK(read(".NaN") == "cluster.k must be a number; found .NaN");
  CHECK(read("-inf") == "cluster.k must be a finite number; found -inf");
  CHECK(read("1e999") == "cluster.k is beyond what a number can hold; found 1e999");
  CHECK(read("0.5x") == "cluster.k must be a number; found 0.5x");
}

TEST_CASE("true and false are the only booleans") {
  const auto read = [](Section& s) { s.boolean("k"); };
  CHECK(fault_of("true", read) == "");
  CHECK(fault_of("false", read) == "");
  CHECK(fault_of("no", read) == "cluster.k must be true or false; found no");
  CHECK(fault_of("'true'", read) == "cluster.k must be true or false; found \"true\"");
}

TEST_CASE("quantities may stand in quotes, as JSON needs it") {
  const auto read = [](Section& s) { CHECK(s.bytes("k") == 80_GB); };
  CHECK(fault_of("80GB", read) == "");
  CHECK(fault_of("\"80 GB\"", read) == "");
  const auto fail = [](Section& s) { s.bytes("k"); };
  CHECK(fault_of("80Gb", fail) ==
        "cluster.k must be a number with a unit, such as 80GB or 512MiB; found 80Gb");
  CHECK(fault_of("nan", fail) ==
        "cluster.k must be a number with a unit, such as 80GB or 512MiB; found nan");
}

TEST_CASE("an absent key takes its default, and so does null") {
  CHECK(faults_of("a: null\nb:\n", [](Section& s) {
          CHECK(s.integer("a", {}, 7) == 7);
          CHECK(s.text("b", "x") == "x");
          CHECK(s.boolean("c", true));
          CHECK(s.word("d", {"p", "q"}, "q") == "q");
          CHECK(s.time("e", 3_us) == 3_us);
          CHECK_FALSE(s.has("a"));
          CHECK(s.sections("f").empty());
          Section g = s.section("g", false);
          CHECK(g.number("h", {}, 0.5) == 0.5);
          g.finish();
        }).empty());
  CHECK(faults_of("a:\n", [](Section& s) { s.integer("a", {}); }) ==
        Strings{"1:1 cluster needs \"a\""});
}

TEST_CASE("a section that is no map, or is missing, is one fault and no more follow") {
  const auto read = [](Section& s) {
    Section k = s.section("k");
    k.integer("nodes", {});
    k.section("deep").text("name");
    k.fail("more");
    k.finish();
  };
  CHECK(faults_of("k: 5\n", read) == Strings{"1:4 cluster.k must be a map of keys; found 5"});
  CHECK(faults_of("{}\n", read) == Strings{"1:1 cluster needs \"k\""});
  CHECK(faults_of("7\n", [](Section& s) { s.integer("nodes", {}); }) ==
        Strings{"1:1 cluster must be a map of keys; found 7"});
}

TEST_CASE("lists are read item by item") {
  const auto read = [](Section& s) {
    s.integers("k", {.min = 1});
    s.texts("t");
    for (Section& level : s.sections("l")) {
      level.integer("down", {.min = 1});
      level.finish();
    }
  };
  CHECK(faults_of("k: [1, x, 0]\nt: [a, [b]]\nl: [{down: 1}, {up: 2}, 3]\n", read) ==
        Strings{"1:8 cluster.k[1] must be a whole number; found x",
                "1:11 cluster.k[2] must be at least 1; found 0",
                "2:8 cluster.t[1] must be text; found a list", "3:16 cluster.l[1] needs \"down\"",
                "3:17 unknown key \"up\" in cluster.l[1]; known keys: down",
                "3:25 cluster.l[2] must be a map of keys; found 3"});
  CHECK(faults_of("l: {down: 1}\n", read) == Strings{"1:4 cluster.l must be a list; found a map"});
}

TEST_CASE("a hundred faults are reported, the rest counted, and each only once") {
  Faults faults;
  for (int i = 0; i < 1000; ++i) faults.add({.file = "x", .line = 1 + i % 200}, "twice");
  try {
    faults.throw_if_any();
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.faults().size() == 101);
    CHECK(error.faults().back().message == "and 900 more faults");
  }
  Faults same;
  same.add({.file = "x", .line = 1}, "m");
  same.add({.file = "x", .line = 1}, "m");
  CHECK_THROWS_WITH(same.throw_if_any(), "x:1:0: m");
  CHECK_NOTHROW(Faults().throw_if_any());
}

TEST_CASE("unknown keys by the ten thousand on one line cost linear time") {
  std::string text = "{";
  for (int i = 0; i < 50000; ++i) text += "unknown-key-" + std::to_string(i) + ": 1, ";
  const Strings found = faults_of(text + "}", [](Section& s) { s.integer("known", {}, 1); });
  CHECK(found.size() == 101);
}

TEST_CASE("the nearest name is at most two edits or a third of the word away") {
  const Strings names = {"radix", "rails", "oversubscription", "tp", "dp", "dragonfly"};
  CHECK(nearest_name("raidx", names) == "radix");  // One swap.
  CHECK(nearest_name("RADIX", names) == "radix");
  CHECK(nearest_name("rail", names) == "rails");
  CHECK(nearest_name("over-subscriptoin", names) == "oversubscription");
  CHECK(nearest_name("xy", names).empty());
  CHECK(nearest_name("xp", names) == "tp");  // A tie: the first.
  CHECK(nearest_name("", names).empty());
  CHECK(nearest_name("quite-another", names).empty());
  CHECK(nearest_name(std::string(5'000'000, 'a'), names).empty());
}

}  // namespace tenk
