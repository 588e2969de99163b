// Is there an HDF5 file beside the CSV ones?
//
// Where HDF5 was found at build time (CMake, -DTENK_CUDA=ON) the files of the run are turned into
// run.h5 by the code of `tenk import probe`; else run.txt names that command. Host-only.
#pragma once
#include "calibration/probes/results.h"

namespace tenk::probe {

void write_hdf5(Results& results);

}  // namespace tenk::probe
