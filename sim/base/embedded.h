// Which data files travel inside the program, so that a preset works wherever the binary is?
//
// All profiles/**/*.yaml, compiled in by cmake/embed.cmake and made anew when one changes.
#pragma once
#include <span>
#include <string_view>

namespace tenk {

struct EmbeddedFile {
  std::string_view path;  // As in the repository: "profiles/accelerators/h100-sxm.yaml".
  std::string_view text;
};

// Sorted by path (bytes); valid as long as the program runs.
std::span<const EmbeddedFile> embedded_files();

}  // namespace tenk
