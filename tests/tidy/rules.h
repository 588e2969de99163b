// Which rules of the design does the text of a source file break?
//
// Who may include whom (section 1), no mutable state outside of the frames of functions, function
// <= 70 lines, file <= 600, header <= 200, line <= 100 columns, no tabs; a header opens with a
// comment, is included once and has no `using namespace`. Found by reading, not by compiling.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace tenk {

struct Violation {
  std::string path;
  std::size_t line;
  std::string rule;
};
using Violations = std::vector<Violation>;

// The folders with source files, each with its slash.
const std::vector<std::string>& source_folders();

// All violations of one file; `path` starts at the repository root.
Violations check(const std::string& path, const std::string& text);

}  // namespace tenk
