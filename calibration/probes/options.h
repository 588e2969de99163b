// What did the user ask tenk-probe to do?
//
// Host-only C++17; no CUDA.
#pragma once
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace tenk::probe {

struct Options {
  bool help = false;
  bool list = false;
  std::vector<std::string> only;  // Probes or families ("gemm" is gemm-bf16, gemm-fp8, ...).
  double seconds = 480;           // For the whole run, > 0.
  std::string directory;          // Where the files go; empty: tenk-probe-<gpu>-<date>.
  int device = 0;
  std::int64_t shrink = 1;  // Divides sizes: a trial of the program, not a measurement.
};

// An unknown option, probe or value; the text names it and the nearest valid one. Exit code 2.
class UsageError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// `names`: all probes. Throws UsageError.
Options parse_options(const std::vector<std::string>& arguments,
                      const std::vector<std::string>& names);

// Is probe `name` asked for? "gemm" asks for "gemm" and "gemm-...".
bool is_wanted(const Options& options, const std::string& name);

// The allowed word with the fewest insertions, deletions and changes to `word` (Levenshtein
// distance), at most a third of its length and two at least; empty if none is that near.
std::string nearest_word(const std::string& word, const std::vector<std::string>& allowed);

std::string usage_text();

}  // namespace tenk::probe
