#include "calibration/probes/results.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace tenk::probe {
namespace {

// Before a member is made from it: the directory, made if it is not there.
std::string made(std::string directory) {
  constexpr mode_t kMode = 0755;
  if (mkdir(directory.c_str(), kMode) != 0 && errno != EEXIST) {
    throw FileError("cannot make the directory " + directory + ": " + std::strerror(errno));
  }
  struct stat there {};
  if (stat((directory + "/kernels.csv").c_str(), &there) == 0) {
    throw FileError(directory + " holds a run already: choose another with -o");
  }
  return directory;
}

}  // namespace

Results::Results(const std::string& directory, RunOrigin origin)
    : directory_(made(directory)),
      origin_(std::move(origin)),
      kernel_file_(open("kernels.csv", kKernelHeader)),
      link_file_(open("links.csv", kLinkHeader)),
      meta_file_(open("meta.csv", "name,value,unit\n")),
      clock_file_(open("clocks.csv", "seconds,probe,sm_MHz,memory_MHz,power_W,temperature_C\n")),
      text_file_(open("run.txt", "")) {}

Results::File Results::open(const std::string& name, const std::string& header) const {
  File file(std::fopen((directory_ + "/" + name).c_str(), "wb"), &std::fclose);
  if (!file) {
    throw FileError("cannot write " + directory_ + "/" + name + ": " + std::strerror(errno));
  }
  put(file, header);
  return file;
}

void Results::put(const File& file, const std::string& text) const {
  const bool good = std::fwrite(text.data(), 1, text.size(), file.get()) == text.size();
  if (!good || std::fflush(file.get()) != 0) {
    throw FileError("cannot write to " + directory_ + ": " + std::strerror(errno));
  }
}

// The line with a number behind its id if an earlier row has that id.
std::string Results::unique(const std::string& line) {
  const std::size_t end = line.find(',');
  std::string id = line.substr(0, end);
  for (int i = 2; !ids_.insert(id).second; ++i) id = line.substr(0, end) + "-" + std::to_string(i);
  return id + line.substr(end);
}

void Results::add(const KernelRow& row) { kernels_.push_back(kernel_line(origin_, row)); }
void Results::add(const LinkRow& row) { links_.push_back(link_line(origin_, row)); }

void Results::commit() {
  std::string text;
  for (const std::string& line : kernels_) text += unique(line);
  put(kernel_file_, text);
  text.clear();
  for (const std::string& line : links_) text += unique(line);
  put(link_file_, text);
  drop();
}

void Results::drop() {
  kernels_.clear();
  links_.clear();
}

void Results::meta(const std::string& name, const std::string& value, const std::string& unit) {
  put(meta_file_, csv_line({name, value, unit}));
}

void Results::clocks(const std::vector<std::string>& fields) { put(clock_file_, csv_line(fields)); }

void Results::say(const std::string& line) {
  put(text_file_, line + "\n");
  std::fputs((line + "\n").c_str(), stderr);
}

}  // namespace tenk::probe
