#include "sim/base/error.h"

#include <catch2/catch.hpp>

#include "sim/base/text.h"

namespace tenk {
namespace {

std::string text_of(std::string message, Where where = {}) {
  return Error(ErrorKind::kInvalid, std::move(message), std::move(where)).what();
}

}  // namespace

TEST_CASE("an error shows place, message, source line and caret") {
  CHECK(text_of("no such thing") == "no such thing");
  CHECK(text_of("no such thing", {.file = "x.yaml"}) == "x.yaml: no such thing");
  CHECK(text_of("no", {"x.yaml", 3, 5, "a: é b"}) == "x.yaml:3:5: no\n  a: é b\n      ^");
  CHECK(text_of("no", {"x.yaml", 3, 7, "a: é b"}) == "x.yaml:3:7: no\n  a: é b\n        ^");
  CHECK(text_of("no", {"x.yaml", 3, 1, ""}) == "x.yaml:3:1: no");
  const Error two(ErrorKind::kFile, {{"first", {"a", 1, 1, "x"}}, {"second"}});
  CHECK(two.what() == std::string("a:1:1: first\n  x\n  ^\nsecond"));
  CHECK(two.exit_code() == 4);
}

TEST_CASE("a long source line is cut round the caret, which stays under its column") {
  for (const int column : {1, 2, 40, 41, 79, 500, 960, 961, 999, 1000, 1001}) {
    std::string line(1000, '.');
    if (column <= 1000) line[static_cast<std::size_t>(column - 1)] = 'X';
    const std::string text = text_of("m", {"f", 1, column, line});
    INFO(text);
    const std::size_t shown_at = text.find('\n') + 1, caret_at = text.find('\n', shown_at) + 1;
    const std::size_t caret = text.find('^') - caret_at;
    CHECK(caret_at - shown_at < 92);
    if (column <= 1000) CHECK(text[shown_at + caret] == 'X');
  }
  // A line that was cut before: it begins at column 901.
  CHECK(text_of("m", {"f", 1, 903, "abcd", 901}) == "f:1:903: m\n  abcd\n    ^");
}

TEST_CASE("text from outside cannot drive a terminal") {
  CHECK(text_of("\x1b[31m\xff", {"\x07", 1, 3, "a\tb\x1b\u202e"}) ==
        "\uFFFD:1:3: \uFFFD[31m\uFFFD\n  a b\uFFFD\uFFFD\n    ^");
  CHECK(printable("é→😀\u0085\xc3") == "é→😀\uFFFD\uFFFD");
  CHECK(shown("abcdef", 6) == "abcdef");
  CHECK(shown("abcdefg", 6) == "abc...");
  CHECK(shown("äöüäöüä", 6) == "äöü...");
}

TEST_CASE("every character survives coding and decoding, every surrogate is malformed") {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    std::string bytes;
    append_utf8(bytes, c);
    const CodePoint back = decode_utf8(bytes, 0);
    const bool surrogate = c >= 0xD800 && c < 0xE000;
    if (back.valid == surrogate ||
        (!surrogate && (back.value != c || back.length != bytes.size()))) {
      FAIL("U+" << static_cast<unsigned>(c));
    }
  }
}

TEST_CASE("a failed check is a bug of ours and says where") {
  CHECK_THROWS_AS([] { TENK_CHECK(1 + 1 == 3, "sums hold"); }(), BugError);
  CHECK_THROWS_WITH([] { TENK_CHECK(1 + 1 == 3, "sums hold"); }(),
                    Catch::Contains("sums hold") && Catch::Contains("error_test.cpp"));
  CHECK_THROWS_AS(Error(ErrorKind::kFile, std::vector<Fault>{}), BugError);
}

}  // namespace tenk
