// How do results get into an HDF5 file that is whole or not there at all?
//
// The file is built in memory; `close()` writes it under a temporary name beside the final one and
// renames it. Equal content gives equal bytes (no times are stored). Paths inside begin with '/';
// missing groups are made on the way. Each array carries the attributes "unit" and "description".
// Files may be written by several threads, each its own.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace tenk {

// All functions throw Error{kFile} with the file's name and the reason.
class Hdf5File {
 public:
  // The temporary file is made at once, so that a bad path shows before hours of work.
  static Hdf5File create(const std::string& path);
  Hdf5File(Hdf5File&&) noexcept;
  ~Hdf5File();  // Without close(): leaves nothing behind.

  void group(const std::string& path);
  // One-dimensional; may be empty. `unit`: "s", "B/s", or "1" for counts and ratios.
  void write(const std::string& path, std::span<const double> values, std::string_view unit,
             std::string_view description);
  void write(const std::string& path, std::span<const std::int64_t> values, std::string_view unit,
             std::string_view description);
  // UTF-8 of fixed length, padded with zeros (h5py: `dataset.asstr()`).
  void write(const std::string& path, std::span<const std::string> values,
             std::string_view description);

  // Of a group or array that exists ("/": the file).
  void attribute(const std::string& path, const std::string& name, std::string_view value);
  void attribute(const std::string& path, const std::string& name, const char* value) {
    attribute(path, name, std::string_view(value));
  }
  void attribute(const std::string& path, const std::string& name, double value);
  void attribute(const std::string& path, const std::string& name, std::int64_t value);

  // The last call: after it the file exists. An older file of that name is replaced.
  void close();

 private:
  struct State;
  explicit Hdf5File(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tenk
