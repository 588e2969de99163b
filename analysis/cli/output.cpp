#include "analysis/cli/output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>

#include "sim/base/error.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// As setlocale(3) would decide, without changing the locale.
bool shows_unicode() {
  std::string locale;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    if (locale.empty()) locale = environment(name);
  }
  std::transform(locale.begin(), locale.end(), locale.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return locale.find("utf-8") != std::string::npos || locale.find("utf8") != std::string::npos;
}

[[noreturn]] void refuse(const std::string& path, const std::string& what,
                         const std::string& reason) {
  throw Error(ErrorKind::kFile, fmt::format("{}: {}", what, reason), {.file = path});
}

}  // namespace

Config load_with_overrides(const PredictOptions& options) {
  Config file = Config::load(options.scenario);
  for (const std::string& assignment : options.set) file = apply_override(file, assignment);
  return file;
}

void print(std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (!written || std::fflush(stdout) != 0) {
    throw Error(ErrorKind::kFile,
                fmt::format("cannot write to standard output: {}", std::strerror(errno)));
  }
}

void print_message(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);  // If that fails, there is nobody to tell.
  std::fputc('\n', stderr);
}

void print_warning(std::string_view text) { print_message("warning: " + printable(text)); }

Style style_of_output(bool no_colour) {
  Style style;
  style.unicode = shows_unicode();
  style.colour = !no_colour && environment("NO_COLOR").empty() && environment("TERM") != "dumb" &&
                 isatty(STDOUT_FILENO) != 0;
  return style;
}

ResultFolder::ResultFolder(const std::string& path) : path_(path) {
  if (path.empty()) return;
  std::error_code error;
  if (std::filesystem::exists(path, error) && !std::filesystem::is_directory(path, error)) {
    refuse(path, "cannot write results", "it is a file, and -o needs a directory");
  }
  std::filesystem::create_directories(path, error);
  if (error) refuse(path, "cannot make the directory", error.message());
  if (access(path.c_str(), W_OK | X_OK) != 0) {
    refuse(path, "cannot write to the directory", std::strerror(errno));
  }
}

void ResultFolder::write(std::string_view name, std::string_view text) const {
  const std::string path = path_of(name);
  const std::string part = fmt::format("{}.{}.part", path, getpid());
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(std::fopen(part.c_str(), "wb"), &std::fclose);
  if (!out) refuse(path, "cannot write the file", std::strerror(errno));
  bool good = std::fwrite(text.data(), 1, text.size(), out.get()) == text.size();
  good = good && std::fflush(out.get()) == 0 && fsync(fileno(out.get())) == 0;
  good = good && std::rename(part.c_str(), path.c_str()) == 0;
  if (good) return;
  const std::string reason = std::strerror(errno);
  std::remove(part.c_str());
  refuse(path, "cannot write the file", reason);
}

}  // namespace tenk
