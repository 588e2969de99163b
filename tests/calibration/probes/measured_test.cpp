// Do the recorded runs of calibration/measured/ make sense: units, ranges, monotony?
//
// Peaks are operations a clock and multiprocessor of NVIDIA's architecture whitepapers (A100, H100)
// at the highest clock that was sampled; a format or generation that they do not state is not
// checked.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <map>
#include <string>
#include <tuple>

#include "calibration/importers/importer.h"
#include "calibration/spread.h"
#include "sim/base/csv.h"
#include "sim/base/kinds.h"
#include "sim/base/text_file.h"

using namespace tenk;

namespace {

namespace fs = std::filesystem;
using Facts = std::map<std::string, std::string>;

Measurements imported(const fs::path& file) {
  return find_kind(import_kinds(), "probe")->read(read_text_file(file.string()), file.string(), {});
}

double number(const Facts& facts, const std::string& name) {
  const auto found = facts.find(name);
  return found == facts.end() ? 0 : parse_number(found->second).value_or(0);
}

// FLOP a clock and multiprocessor; 0: not known here.
double flop_per_clock(const std::string& capability, const std::string& dtype) {
  static const std::map<std::pair<std::string, std::string>, double> kPeaks = {
      {{"8.0", "bfloat16"}, 2048}, {{"8.0", "float16"}, 2048}, {{"8.0", "tf32"}, 1024},
      {{"8.0", "float32"}, 128},   {{"8.0", "float64"}, 128},  {{"8.0", "int8"}, 4096},
      {{"9.0", "bfloat16"}, 4096}, {{"9.0", "float16"}, 4096}, {{"9.0", "tf32"}, 2048},
      {{"9.0", "float32"}, 256},   {{"9.0", "float64"}, 256},  {{"9.0", "int8"}, 8192},
      {{"9.0", "fp8"}, 8192}};
  const auto found = kPeaks.find({capability, dtype});
  return found == kPeaks.end() ? 0 : found->second;
}

// What is wrong with a run, one line each.
std::vector<std::string> faults_of(const std::vector<KernelSample>& kernels,
                                   const std::vector<LinkSample>& links, const Facts& facts) {
  std::vector<std::string> faults;
  double clock = number(facts, "sm_clock_highest_sampled");
  if (clock <= 0) clock = number(facts, "sm_clock_stated");
  const double memory = number(facts, "memory_rate_stated");  // GB/s
  const double l2 = number(facts, "l2");
  for (const KernelSample& row : kernels) {
    const double peak =
        flop_per_clock(facts.count("compute_capability") != 0 ? facts.at("compute_capability") : "",
                       row.dtype) *
        number(facts, "multiprocessors") * clock * 1e6 / 1e12;
    if (peak > 0 && row.tflops && *row.tflops > peak) faults.push_back(row.id + ": above the peak");
    const bool beyond_cache = row.notes.find("cold L2") != std::string::npos && row.n && l2 > 0 &&
                              (row.kernel == "copy" || row.kernel == "triad") &&
                              static_cast<double>(*row.n) > 4 * l2;
    if (beyond_cache && memory > 0 && row.GBps && *row.GBps > memory) {
      faults.push_back(row.id + ": faster than the memory");
    }
  }
  for (const LinkSample& row : links) {
    if (row.unit != "GB/s" && row.unit != "us" && row.unit != "ns") {
      faults.push_back(row.id + ": the unit " + row.unit);
    }
  }
  return faults;
}

// Of two products of one kind, the one that is no smaller on any side and has eight times the work
// takes longer.
std::vector<std::string> shrinking(const std::vector<KernelSample>& kernels) {
  const auto work = [](const KernelSample& row) {
    return static_cast<double>(*row.m) * static_cast<double>(*row.n) * static_cast<double>(*row.k);
  };
  std::map<std::tuple<std::string, std::string, std::string, std::string>,
           std::vector<const KernelSample*>>
      products;
  for (const KernelSample& row : kernels) {
    if (row.kernel != "gemm" || !row.time_us || !row.m || !row.n || !row.k) continue;
    products[{row.gpu, row.dtype, row.direction, row.software}].push_back(&row);
  }
  std::vector<std::string> faults;
  for (const auto& [key, rows] : products) {
    for (const KernelSample* a : rows) {
      for (const KernelSample* b : rows) {
        const bool holds = *a->m <= *b->m && *a->n <= *b->n && *a->k <= *b->k;
        if (!holds || work(*b) < 8 * work(*a) || *b->time_us >= *a->time_us) continue;
        faults.push_back(b->id + ": takes less time than " + a->id);
      }
    }
  }
  return faults;
}

}  // namespace

TEST_CASE("every recorded run keeps to its units, its peaks and monotony") {
  const fs::path folder = fs::path(TENK_SOURCE_DIR) / "calibration/measured";
  std::size_t runs = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.is_directory()) continue;
    CAPTURE(entry.path().string());
    ++runs;
    Facts facts;
    for (const RunFact& fact : imported(entry.path() / "meta.csv").run) {
      facts[fact.name] = fact.value;
    }
    const Measurements kernels = imported(entry.path() / "kernels.csv");
    const Measurements links = imported(entry.path() / "links.csv");
    for (const std::string& fault : faults_of(kernels.kernels, links.links, facts)) {
      FAIL_CHECK(fault);
    }
    for (const std::string& fault : shrinking(kernels.kernels)) FAIL_CHECK(fault);
    CHECK(facts["trial"] == "0");
    CHECK_FALSE(facts["gpu"].empty());
    CHECK_FALSE(facts["date"].empty());
  }
  if (runs == 0) WARN("calibration/measured/ holds no run yet: nothing was checked");
}

TEST_CASE("a recorded product above the peak, a copy above the memory, odd units are found") {
  // One H100 of 132 multiprocessors at 1,980 MHz: 4096 x 132 x 1.98e9 = 1,070.5 TFLOP/s of BF16.
  const Facts facts = {{"compute_capability", "9.0"},
                       {"multiprocessors", "132"},
                       {"sm_clock_highest_sampled", "1980"},
                       {"memory_rate_stated", "3352"},
                       {"l2", "52428800"}};
  KernelSample product, copy;
  product.kernel = "gemm";
  product.dtype = "bfloat16";
  product.tflops = 1070;
  copy.kernel = "copy";
  copy.n = 1 << 30;
  copy.GBps = 3300;
  copy.notes = "cold L2";
  LinkSample link;
  link.unit = "GB/s";
  CHECK(faults_of({product, copy}, {link}, facts).empty());
  product.tflops = 1071;
  copy.GBps = 3400;
  link.unit = "GiB/s";
  CHECK(faults_of({product, copy}, {link}, facts).size() == 3);
  copy.n = 1 << 20;  // Fits the cache.
  CHECK(faults_of({product, copy}, {link}, facts).size() == 2);
  KernelSample small, large;
  small.kernel = large.kernel = "gemm";
  small.m = small.n = small.k = 512;
  small.time_us = 9;
  large.m = large.n = large.k = 1024;
  large.time_us = 8;
  CHECK(shrinking({small, large}).size() == 1);
  large.m = 256;  // Smaller on one side: nothing to compare.
  CHECK(shrinking({small, large}).empty());
  large.m = 1024;
  large.time_us = 10;
  CHECK(shrinking({small, large}).empty());
}
