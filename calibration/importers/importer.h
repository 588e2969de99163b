// How does another tool's output become measurements?
//
// An importer is one .cpp that ends in a `const ImportKind`, plus one word in list.cpp. It reads
// the whole text of one file and gives rows; what it passes over or guesses it says in `remarks`,
// with file and line. What it cannot read is an Error{kFile} with positions; it never invents a
// number and never drops a measurement silently. Bounded: O(bytes) time and memory.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "calibration/measurements.h"

namespace tenk {

// What the text may not say itself; the importer's error names the option that is missing.
struct ImportOptions {
  std::string collective = {};  // --collective: allreduce, allgather, ...
  std::string gpu = {};         // --gpu: what the rows' gpu column shall say.
  Count nodes = {}, gpus = {};  // --nodes, --gpus: how many took part.
};

struct ImportKind {
  std::string_view name;     // As in `tenk import NAME FILE`.
  std::string_view summary;  // One line for `tenk list importers`.
  Measurements (*read)(const std::string& text, const std::string& file,
                       const ImportOptions& options);
};

std::span<const ImportKind* const> import_kinds();

}  // namespace tenk
