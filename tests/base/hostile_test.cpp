// Texts made to crash, hang or fill memory: each is refused, or read, at once.
#include <catch2/catch.hpp>

#include <functional>

#include "sim/base/config.h"

namespace tenk {
namespace {

std::string times(const std::string& text, int count) {
  std::string all;
  all.reserve(text.size() * static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

std::string numbered(int count, const std::function<std::string(const std::string&)>& line) {
  std::string all;
  for (int i = 0; i < count; ++i) all += line(std::to_string(i));
  return all;
}

void check_refused(const std::string& text, const std::string& why) {
  INFO(text.substr(0, 40));
  try {
    Config::parse(text, "hostile");
    FAIL("not refused");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kFile);
    CHECK(error.faults()[0].where.file == "hostile");
    CHECK_THAT(error.what(), Catch::Contains(why));
    CHECK(std::string(error.what()).size() < 1000);
  }
}

constexpr int kMega = 1'000'000;

}  // namespace

TEST_CASE("nesting of any depth is refused without a crash") {
  check_refused(times("[", 20000), "");
  check_refused(times("[", 20000) + times("]", 20000), "nested deeper than 64 levels");
  check_refused(times("[", 5 * kMega), "more than 1500000 brackets");
  check_refused(times("{a: ", 20000), "");
  check_refused(times("{a: ", 20000) + "1" + times("}", 20000), "nested deeper than 64 levels");
  check_refused(times("{a: ", kMega), "more than 1500000 brackets");
  check_refused(times("[\n", kMega - 1), "");
  check_refused(times("- ", 20000) + "x", "nested deeper than 64 levels");
  check_refused(times("- ", 2 * kMega) + "x", "nested deeper than 64 levels");
  check_refused(times("? ", 20000) + "x", "a list or map stands where a key should");
  std::string block;
  for (int i = 0; i < 2000; ++i) block += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  check_refused(block, "nested deeper than 64 levels");
}

TEST_CASE("exactly 64 levels are read") {
  const std::string inside = times("[", 64) + times("]", 64);
  CHECK(Config::parse(inside, "x").depth() == kMaxDepth);
  check_refused("[" + inside + "]", "nested deeper than 64 levels");
  check_refused("- &a " + times("[", 40) + times("]", 40) + "\n- " + times("[", 30) + "*a" +
                    times("]", 30) + "\n",
                "nested deeper than 64 levels");
}

TEST_CASE("alias bombs are refused before they unfold") {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 20; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before +
            times(", " + before, 8) + "]\n";
  }
  check_refused(bomb, "more than 1000000 values");
  const std::string big =
      "a: &a [" + times("x, ", 1000) + "x]\nb: [" + times("*a, ", 2000) + "*a]\n";
  check_refused(big, "more than 1000000 values");
}

TEST_CASE("more values than a scenario can need are refused") {
  check_refused("[" + times("1,", kMega) + "1]", "more than 1000000 values");
  check_refused(times("-\n", kMega), "more than 1000000 ");
  check_refused("[" + times("a: b, ", 800000) + "]", "more than 1500000 brackets");
  check_refused("[" + times("\"\"", 2 * kMega), "more than 1500000 brackets");
  check_refused(times("\n", kMega + 1), "more than 1000000 lines");
  check_refused(std::string(kMaxFileBytes + 1, ' '), "larger than 16 MiB");
}

TEST_CASE("bytes that are no text are refused with their place") {
  check_refused(std::string("a: 1\nb: \0", 9),
                "hostile:2:4: not text: found the control character 0x00");
  check_refused("a: \x04", "hostile:1:4: not text: found the control character 0x04");
  check_refused("é: \xff\n", "hostile:1:4: not UTF-8 text: found the byte 0xff");
  check_refused("a: \xc0\xaf", "not UTF-8");          // Overlong.
  check_refused("a: \xed\xa0\x80", "not UTF-8");      // A surrogate.
  check_refused("a: \xf4\x90\x80\x80", "not UTF-8");  // Beyond U+10FFFF.
  check_refused("a: \xe2\x82", "not UTF-8");          // Cut off.
  check_refused(std::string("\xff\xfe"
                            "a\0",
                            4),
                "not UTF-8");
  check_refused(
      "\x7f"
      "ELF\x02\x01",
      "control character 0x7f");
}

TEST_CASE("long lines and texts are read or refused in linear time") {
  const std::string x(2 * kMega, 'x');
  CHECK(Config::parse("a: " + x, "x").find("a")->text() == x);
  CHECK(Config::parse("a: \"" + x + "\"", "x").find("a")->text() == x);
  CHECK(Config::parse("a: " + times("x ", kMega) + "y", "x").find("a")->text().size() == 2'000'001);
  CHECK(Config::parse("a: |\n" + times("  xxx\n", kMega / 4), "x").find("a")->text().size() ==
        1'000'000);
  CHECK(Config::parse("a: x" + times("\n", kMega - 2) + "b: 1", "x").entries().size() == 2);
  check_refused("a: \"" + x, "illegal EOF in scalar");
  check_refused(std::string(5 * kMega, '#'), "the file is empty");
  check_refused("a: " + x + ": b: c", "not valid YAML");
  for (const char* mark : {"*", "&a ", "!", "%", "@", "|", ">", "'", "\"", ": ", "]", "`", "? "}) {
    const std::string text = times(mark, kMega / 4);
    INFO(mark);
    try {
      Config::parse(text, "x");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kFile);
    }
  }
}

TEST_CASE("a long list of equal keys or anchors costs linear time, and a short report") {
  const auto keys = numbered(100000, [](const std::string& i) { return "k" + i + ": 1\n"; });
  CHECK(Config::parse(keys, "x").entries().size() == 100000);
  const auto json = numbered(100000, [](const std::string& i) { return "\"k" + i + "\":1,"; });
  CHECK(Config::parse("{" + json + "\"z\":1}", "x").entries().size() == 100001);
  const auto anchors = numbered(50000, [](const std::string& i) { return "- &a" + i + " x\n"; });
  CHECK(Config::parse(anchors, "x").items().size() == 50000);
  try {
    Config::parse("{" + times("a: 1, ", 100000) + "a: 1}", "x");
    FAIL("not refused");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kInvalid);
    CHECK(error.faults().size() <= 101);
    CHECK(std::string(error.what()).size() < 40000);
  }
}

}  // namespace tenk
