#include "sim/base/hdf5.h"

#include <unistd.h>
#include <catch2/catch.hpp>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "sim/base/error.h"

namespace tenk {
namespace {

namespace fs = std::filesystem;

// A new, empty folder, gone at the end.
class Folder {
 public:
  Folder() {
    fs::remove_all(path_);
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  auto files() const { return std::distance(fs::directory_iterator(path_), {}); }

 private:
  fs::path path_ = fs::temp_directory_path() / ("tenk_hdf5_test." + std::to_string(getpid()));
};

const std::vector<double> kBusy = {0.5, 1.25, 3e-9};

void write_all(Hdf5File& file) {
  file.write("/links/busy", kBusy, "s", "busy time");
  file.write("/links/count", std::vector<std::int64_t>{1, -2}, "1", "members");
  file.write("/links/name", std::vector<std::string>{"leaf", "spine→core", ""}, "class");
  file.write("/none", std::vector<double>{}, "1", "empty");
  file.group("/a/b");
  file.attribute("/", "version", "0.1");
  file.attribute("/links", "ratio", 2.5);
  file.attribute("/links/count", "n", std::int64_t{7});
}

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return (std::stringstream() << in.rdbuf()).str();
}

}  // namespace

TEST_CASE("an HDF5 file appears whole at close(), and equal content gives equal bytes") {
  const Folder folder;
  for (const char* name : {"one.h5", "two.h5"}) {
    auto file = Hdf5File::create(folder / name);
    write_all(file);
    CHECK_FALSE(fs::exists(folder / name));
    file.close();
    CHECK(fs::exists(folder / name));
    const std::time_t now = std::time(nullptr);  // HDF5 would store whole seconds.
    while (std::time(nullptr) == now) usleep(10'000);
  }
  const std::string bytes = bytes_of(folder / "one.h5");
  CHECK(bytes == bytes_of(folder / "two.h5"));
  CHECK(bytes.starts_with("\x89HDF\r\n\x1a\n"));
  const std::string busy(reinterpret_cast<const char*>(kBusy.data()),
                         kBusy.size() * sizeof(double));
  CHECK(bytes.find(busy) != std::string::npos);
  CHECK(bytes.find("spine→core") != std::string::npos);
  CHECK(folder.files() == 2);
}

TEST_CASE("an HDF5 file that is not closed leaves nothing, nor harms an older one") {
  const Folder folder;
  std::ofstream(folder / "old.h5") << "old";
  {
    auto file = Hdf5File::create(folder / "old.h5");
    write_all(file);
  }
  CHECK(bytes_of(folder / "old.h5") == "old");
  CHECK(folder.files() == 1);
}

TEST_CASE("HDF5 errors name the file and the reason") {
  const Folder folder;
  const auto error = [](auto&& act) -> std::string {
    try {
      act();
    } catch (const Error& e) {
      return std::to_string(e.exit_code()) + " " + e.what();
    }
    return "";
  };
  CHECK_THAT(error([&] { Hdf5File::create(folder / "no/x.h5"); }),
             Catch::EndsWith("no/x.h5: cannot write the file: No such file or directory"));
  CHECK_THAT(error([&] { Hdf5File::create(folder / ""); }), Catch::EndsWith("Is a directory"));
  auto file = Hdf5File::create(folder / "x.h5");
  file.write("/a", kBusy, "s", "");
  CHECK_THAT(error([&] { file.write("/a", kBusy, "s", ""); }),
             Catch::Contains("x.h5: cannot write /a: name already exists"));
  CHECK_THAT(error([&] { file.write("/a/b", kBusy, "s", ""); }),
             Catch::Contains("cannot write /a/b"));
  CHECK_THAT(error([&] { file.attribute("/nix", "a", 1.0); }),
             Catch::Contains("cannot write the attribute a of /nix"));
  fs::create_directories(folder / "x.h5/in-the-way");
  CHECK_THAT(error([&] { file.close(); }), Catch::Contains("cannot write the file"));
}

}  // namespace tenk
