#include "sim/base/hdf5.h"

#include <fmt/format.h>
#include <hdf5.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "sim/base/error.h"

namespace tenk {
namespace {

// An HDF5 object that is closed when it goes out of scope.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle(hid_t id, Close close) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Handle() {
    if (id_ >= 0) close_(id_);
  }
  hid_t id() const { return id_; }

 private:
  hid_t id_;
  Close close_;
};

// The deepest entry of HDF5's error stack says most.
std::string hdf5_reason() {
  std::string reason = "HDF5 gives no reason";
  H5Ewalk2(
      H5E_DEFAULT, H5E_WALK_UPWARD,
      [](unsigned depth, const H5E_error2_t* error, void* out) -> herr_t {
        if (depth == 0) *static_cast<std::string*>(out) = error->desc;
        return 0;
      },
      &reason);
  return reason;
}

Handle text_type(std::size_t length) {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.id(), length);
  if (length != H5T_VARIABLE) H5Tset_strpad(type.id(), H5T_STR_NULLPAD);
  H5Tset_cset(type.id(), H5T_CSET_UTF8);
  return type;
}

Handle without_times(hid_t property_class) {
  Handle list(H5Pcreate(property_class), H5Pclose);
  H5Pset_obj_track_times(list.id(), false);
  return list;
}

}  // namespace

struct Hdf5File::State {
  std::string path;
  std::string part = fmt::format("{}.{}.part", path, getpid());
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> out{nullptr, &std::fclose};
  Handle file{-1, H5Fclose};

  explicit State(std::string name) : path(std::move(name)) {}
  ~State() {
    if (out) std::remove(part.c_str());
  }

  [[noreturn]] void fail(const std::string& what, const std::string& reason) const {
    throw Error(ErrorKind::kFile, fmt::format("cannot write {}: {}", what, reason),
                Where{.file = path});
  }
  Handle checked(hid_t id, Handle::Close close, const std::string& what) const {
    if (id < 0) fail(what, hdf5_reason());
    return Handle(id, close);
  }
  void check(herr_t result, const std::string& what) const {
    if (result < 0) fail(what, hdf5_reason());
  }
  void check_disk(bool good) const {
    if (!good) fail("the file", std::strerror(errno));
  }

  void add_groups(const std::string& name) const {
    const Handle create = without_times(H5P_GROUP_CREATE);
    for (std::size_t end = 1; end < name.size();) {
      end = std::min(name.find('/', end + 1), name.size());
      const std::string prefix = name.substr(0, end);
      if (H5Lexists(file.id(), prefix.c_str(), H5P_DEFAULT) > 0) continue;
      checked(H5Gcreate2(file.id(), prefix.c_str(), H5P_DEFAULT, create.id(), H5P_DEFAULT),
              H5Gclose, prefix);
    }
  }

  void add_array(const std::string& name, hid_t type, std::size_t size, const void* values) const {
    add_groups(name.substr(0, name.rfind('/')));
    const hsize_t count = size;
    const Handle space = checked(H5Screate_simple(1, &count, nullptr), H5Sclose, name);
    const Handle create = without_times(H5P_DATASET_CREATE);
    const Handle data = checked(H5Dcreate2(file.id(), name.c_str(), type, space.id(), H5P_DEFAULT,
                                           create.id(), H5P_DEFAULT),
                                H5Dclose, name);
    if (size > 0) check(H5Dwrite(data.id(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), name);
  }

  void add_attribute(const std::string& of, const std::string& name, hid_t type,
                     const void* value) const {
    const std::string what = fmt::format("the attribute {} of {}", name, of);
    const Handle space = checked(H5Screate(H5S_SCALAR), H5Sclose, what);
    const Handle attribute =
        checked(H5Acreate_by_name(file.id(), of.c_str(), name.c_str(), type, space.id(),
                                  H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                H5Aclose, what);
    check(H5Awrite(attribute.id(), type, value), what);
  }

  // Of variable length, which Python's h5py reads as str.
  void add_text(const std::string& of, const std::string& name, std::string_view value) const {
    const std::string text(value);
    const char* const start = text.c_str();
    add_attribute(of, name, text_type(H5T_VARIABLE).id(), &start);
  }
};

Hdf5File::Hdf5File(std::unique_ptr<State> state) : state_(std::move(state)) {}
Hdf5File::Hdf5File(Hdf5File&&) noexcept = default;
Hdf5File::~Hdf5File() = default;

Hdf5File Hdf5File::create(const std::string& path) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // We report errors ourselves.
  auto state = std::make_unique<State>(path);
  errno = EISDIR;
  state->check_disk(!std::filesystem::is_directory(path));
  state->out.reset(std::fopen(state->part.c_str(), "wb"));
  state->check_disk(state->out != nullptr);
  constexpr std::size_t kStep = 1 << 20;  // The image in memory grows by this.
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fapl_core(access.id(), kStep, false);
  const Handle create = without_times(H5P_FILE_CREATE);
  state->file =
      state->checked(H5Fcreate(state->part.c_str(), H5F_ACC_TRUNC, create.id(), access.id()),
                     H5Fclose, "the file");
  return Hdf5File(std::move(state));
}

void Hdf5File::group(const std::string& path) { state_->add_groups(path); }

void Hdf5File::write(const std::string& path, std::span<const double> values, std::string_view unit,
                     std::string_view description) {
  state_->add_array(path, H5T_IEEE_F64LE, values.size(), values.data());
  state_->add_text(path, "unit", unit);
  state_->add_text(path, "description", description);
}

void Hdf5File::write(const std::string& path, std::span<const std::int64_t> values,
                     std::string_view unit, std::string_view description) {
  state_->add_array(path, H5T_STD_I64LE, values.size(), values.data());
  state_->add_text(path, "unit", unit);
  state_->add_text(path, "description", description);
}

void Hdf5File::write(const std::string& path, std::span<const std::string> values,
                     std::string_view description) {
  std::size_t length = 1;
  for (const std::string& value : values) length = std::max(length, value.size());
  std::string padded;
  for (const std::string& value : values)
    (padded += value).resize(padded.size() + length - value.size());
  state_->add_array(path, text_type(length).id(), values.size(), padded.data());
  state_->add_text(path, "description", description);
}

void Hdf5File::attribute(const std::string& path, const std::string& name, std::string_view value) {
  state_->add_text(path, name, value);
}

void Hdf5File::attribute(const std::string& path, const std::string& name, double value) {
  state_->add_attribute(path, name, H5T_IEEE_F64LE, &value);
}

void Hdf5File::attribute(const std::string& path, const std::string& name, std::int64_t value) {
  state_->add_attribute(path, name, H5T_STD_I64LE, &value);
}

void Hdf5File::close() {
  State& s = *state_;
  TENK_CHECK(s.out != nullptr, "an HDF5 file is closed twice");
  s.check(H5Fflush(s.file.id(), H5F_SCOPE_GLOBAL), "the file");
  const auto size = H5Fget_file_image(s.file.id(), nullptr, 0);
  if (size < 0) s.fail("the file", hdf5_reason());
  std::vector<char> image(static_cast<std::size_t>(size));
  if (H5Fget_file_image(s.file.id(), image.data(), image.size()) < 0) {
    s.fail("the file", hdf5_reason());
  }
  s.file = Handle(-1, H5Fclose);
  errno = 0;
  s.check_disk(std::fwrite(image.data(), 1, image.size(), s.out.get()) == image.size());
  s.check_disk(std::fflush(s.out.get()) == 0 && fsync(fileno(s.out.get())) == 0);
  s.check_disk(std::rename(s.part.c_str(), s.path.c_str()) == 0);
  s.check_disk(std::fclose(s.out.release()) == 0);
}

}  // namespace tenk
