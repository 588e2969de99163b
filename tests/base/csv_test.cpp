#include "sim/base/csv.h"

#include <catch2/catch.hpp>

#include "tests/support.h"

namespace tenk {
namespace {

CsvReader reader(const std::string& text) { return CsvReader(text, "t.csv"); }

// What reading all rows of `text` complains of.
std::string complaint(const std::string& text) {
  try {
    CsvReader csv = reader(text);
    while (csv.next()) csv.number(0);
    csv.finish();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("quoted fields hold commas, quotes and line ends") {
  CsvReader csv = reader("a,b\r\n\"x,\"\"y\"\"\nz\",2\r\n\n# a comment\n,3");
  REQUIRE(csv.next());
  CHECK(csv.text(0) == "x,\"y\"\nz");
  CHECK(csv.integer(1) == 2);
  CHECK(csv.line() == 2);
  REQUIRE(csv.next());
  CHECK(csv.text(0).empty());
  CHECK_FALSE(csv.number(0).has_value());
  CHECK(csv.number(1) == 3.0);
  CHECK(csv.line() == 6);
  CHECK_FALSE(csv.next());
  csv.finish();
}

TEST_CASE("what a field means is written so that it reads back equal") {
  for (const std::string text : {"", "a", "a,b", "say \"x\"", "two\nlines", "# no comment"}) {
    CsvReader csv = reader("c,d\n" + csv_field(text) + ",1\n");
    REQUIRE(csv.next());
    CHECK(csv.text(0) == text);
  }
}

TEST_CASE("every malformed row is named with its line, and the others are read") {
  const std::string all = complaint("a,b\n1\n2,3\nx,3\n\"4\"5,6\n");
  CHECK(all.find("t.csv:2:1: found 1 fields, expected 2") != std::string::npos);
  CHECK(all.find("t.csv:4:1: a: found \"x\", expected a number") != std::string::npos);
  CHECK(all.find("t.csv:5:4: found text beside quotes") != std::string::npos);
  CHECK(complaint("a\n\"open\n\n").find("t.csv:2:1: the quote that opens here is never closed") !=
        std::string::npos);
}

TEST_CASE("numbers must be finite and in their range") {
  for (const std::string text : {"nan", "inf", "1e999", "0x10", "1 ", "1.5.2", "--3"}) {
    INFO(text);
    CHECK(complaint("a,b\n" + text + ",\n").find("expected a number") != std::string::npos);
  }
  CsvReader csv = reader("a\n2.5\n1e6\n");
  REQUIRE(csv.next());
  CHECK_FALSE(csv.integer(0).has_value());
  REQUIRE(csv.next());
  CHECK(csv.integer(0, {.min = 0, .max = 1'000'000}) == 1'000'000);
  CHECK_FALSE(csv.integer(0, {.min = 0, .max = 10}).has_value());
  CHECK_THROWS_AS(csv.finish(), Error);
}

TEST_CASE("headers must have names, each once, and a missing column names the nearest") {
  CHECK(complaint("").find("expected a line that names the columns") != std::string::npos);
  CHECK(complaint("a,,b\n").find("a column has no name") != std::string::npos);
  CHECK(complaint("a,b,a\n").find("column \"a\" comes twice") != std::string::npos);
  CsvReader csv = reader("bytes,time_us\n");
  try {
    csv.column("byte");
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find("the nearest is \"bytes\"") != std::string::npos);
  }
}

}  // namespace
}  // namespace tenk
