// What tenk takes over from a run of tenk-probe, and what it refuses.
#include <catch2/catch.hpp>

#include "calibration/spread.h"
#include "tests/calibration/importers/samples.h"

using namespace tenk;
using namespace tenk::testing;
using Catch::Contains;

namespace {

// The sample with one word changed.
std::string changed(const std::string& file, const std::string& word, const std::string& to) {
  std::string text = sample_text(file);
  const std::size_t at = text.find(word);
  REQUIRE(at != std::string::npos);
  return text.replace(at, word.size(), to);
}

}  // namespace

TEST_CASE("the spread of repeats is read from the notes in one fixed form alone") {
  const auto spread = spread_of("median of 15, p10 101.2 us, p90 104.9 us; cold L2");
  REQUIRE(spread.has_value());
  CHECK(spread->repeats == 15);
  CHECK(spread->p10 == 101.2);
  CHECK(spread->p90 == 104.9);
  CHECK(spread->unit == "us");
  CHECK(spread_of("median of 3, p10 1 GB/s, p90 2 GB/s")->unit == "GB/s");
  for (const char* bad : {"", "median of ", "median of 15", "median of x, p10 1 us, p90 2 us",
                          "median of 0, p10 1 us, p90 2 us", "median of 5, p10 1 us, p90 2 ns",
                          "median of 5, p10 1 us, p90 2", "median of 5, p10  us, p90 2 us",
                          "a median of 5, p10 1 us, p90 2 us", "median of 5, p10 1 us; p90 2 us"}) {
    CAPTURE(bad);
    CHECK_FALSE(spread_of(bad).has_value());
  }
}

TEST_CASE("a run of tenk-probe imports with its rows and the facts of the run") {
  const Measurements kernels = imported("probe", sample_text("probe-kernels.csv"), {});
  REQUIRE(kernels.kernels.size() == 2);
  CHECK(kernels.kernels[1].head_dim == 128);
  CHECK(imported("probe", sample_text("probe-links.csv"), {}).links.size() == 2);
  const Measurements facts =
      imported("probe", "name,value,unit\ndriver,580.1,\nl2,52428800,B\n", {});
  REQUIRE(facts.run.size() == 2);
  CHECK(facts.run[1].value == "52428800");
  CHECK(facts.run[1].unit == "B");
}

TEST_CASE(
    "a trial, a row without its spread and a median outside of it are refused with their line") {
  const auto kernels = [](const std::string& word, const std::string& to) {
    return complaint("probe", changed("probe-kernels.csv", word, to), {});
  };
  CHECK_THAT(kernels("measured", "trial"), Contains("t.txt:2") && Contains("--shrink"));
  CHECK_THAT(kernels("median of 20", "mean of 20"), Contains("t.txt:3") && Contains("median of N"));
  CHECK_THAT(kernels("p10 273.1 us", "p10 290 us"), Contains("not between p10 290"));
  CHECK_THAT(kernels("p90 277.5 us", "p90 277.5 ns"), Contains("t.txt:2"));
  CHECK_THAT(kernels("274.878", ""), Contains("no value"));
  CHECK_THAT(complaint("probe", changed("probe-links.csv", ",GB/s,", ",us,"), {}),
             Contains("t.txt:3") && Contains("p10 X us"));
  CHECK_THAT(complaint("probe", "name,value,unit\na,1,\na,2,\n", {}), Contains("t.txt:3"));
}
