// Where tenk's libraries were there at build time: run.h5 beside the CSV files (C++20).
#include <exception>
#include <fstream>
#include <iterator>

#include "calibration/measurements_hdf5.h"
#include "calibration/probes/files.h"
#include "sim/base/csv.h"

namespace tenk::probe {

void write_hdf5(Results& results) {
  const std::string at = results.directory() + "/";
  try {
    Measurements all = load_measurements(at + "kernels.csv");
    all.append(load_measurements(at + "links.csv"));
    std::ifstream meta(at + "meta.csv");
    CsvReader csv({std::istreambuf_iterator<char>(meta), {}}, at + "meta.csv");
    while (csv.next()) all.run.push_back({csv.text(0), csv.text(1), csv.text(2)});
    write_measurements_hdf5(all, at + "run.h5");
  } catch (const std::exception& fault) {
    throw FileError(fault.what());
  }
}

}  // namespace tenk::probe
