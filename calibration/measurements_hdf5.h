// How do tables of measurements look as an HDF5 file?
//
// One group a table, one array a column (docs/probes.md has the layout); what `notes` say of the
// spread of the repeats stands in arrays of its own.
#pragma once
#include <string>

#include "calibration/measurements.h"

namespace tenk {

// Throws Error{kFile} if the file cannot be written. O(rows x columns).
void write_measurements_hdf5(const Measurements& measurements, const std::string& path);

}  // namespace tenk
