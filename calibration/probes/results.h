// Where do the measured rows go, and what survives when the run is cut short?
//
// A probe's rows are held back until it has ended well, then appended and flushed: a killed run
// keeps every probe that was done, and a probe with a wrong result leaves no row. Five files:
//   kernels.csv, links.csv   rows.h
//   meta.csv                 name,value,unit: the machine, the software, the state of each probe
//   clocks.csv               seconds,probe,sm_MHz,memory_MHz,power_W,temperature_C, when NVML is
//   there run.txt                  what the program said
//
// Host-only C++17; no CUDA.
#pragma once
#include <cstdio>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "calibration/probes/rows.h"

namespace tenk::probe {

// A file that cannot be made or written. Exit code 4.
class FileError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Results {
 public:
  // Makes the directory (not its parents) and the files; throws FileError. Refuses a directory
  // that holds a kernels.csv already: no run overwrites another.
  Results(const std::string& directory, RunOrigin origin);

  void add(const KernelRow& row);  // Of the probe that is running.
  void add(const LinkRow& row);
  std::size_t held() const { return kernels_.size() + links_.size(); }

  void commit();  // The probe ended well: writes and flushes its rows. Throws FileError.
  void drop();    // It did not: forgets them.

  void meta(const std::string& name, const std::string& value, const std::string& unit = "");
  void clocks(const std::vector<std::string>& fields);
  void say(const std::string& line);  // To run.txt and stderr.

  const std::string& directory() const { return directory_; }

 private:
  using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;
  File open(const std::string& name, const std::string& header) const;
  void put(const File& file, const std::string& text) const;
  std::string unique(const std::string& line);

  std::string directory_;
  RunOrigin origin_;
  File kernel_file_, link_file_, meta_file_, clock_file_, text_file_;
  std::vector<std::string> kernels_, links_;  // Lines held back.
  std::set<std::string> ids_;
};

}  // namespace tenk::probe
