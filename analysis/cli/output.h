// How does a command read its scenario and where do its results go?
#pragma once
#include <string>
#include <string_view>

#include "analysis/cli/command.h"
#include "sim/base/config.h"

namespace tenk {

// The file with each --set applied, in order.
Config load_with_overrides(const PredictOptions& options);

// To standard output, at once. Throws Error{kFile} if not all of it got there (a full disk, a
// closed pipe).
void print(std::string_view text);
void print_message(std::string_view text);  // A line to standard error, as it is; never throws.
void print_warning(std::string_view text);

// Colour only on a terminal, and not with NO_COLOR (no-color.org), --no-color or TERM=dumb.
Style style_of_output(bool no_colour);

// The folder of -o.
class ResultFolder {
 public:
  // Makes the folder and its parents; an empty path is no folder at all. Throws Error{kFile} if it
  // cannot be made or written to: before the work, not after it.
  explicit ResultFolder(const std::string& path);
  explicit operator bool() const { return !path_.empty(); }
  std::string path_of(std::string_view name) const { return path_ + "/" + std::string(name); }
  // Under a temporary name first: the file is whole or not there. Throws Error{kFile}.
  void write(std::string_view name, std::string_view text) const;

 private:
  std::string path_;
};

}  // namespace tenk
