#include "sim/base/text_file.h"

#include <unistd.h>
#include <zlib.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "sim/base/error.h"

namespace tenk {
namespace {

// A file of this test process, removed with it.
struct File {
  std::string path;
  explicit File(const std::string& bytes)
      : path(std::filesystem::temp_directory_path() /
             ("tenk_text_file_test." + std::to_string(getpid()))) {
    std::ofstream(path, std::ios::binary) << bytes;
  }
  ~File() { std::filesystem::remove(path); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
};

std::string gzipped(const std::string& text) {
  const File file("");
  gzFile out = gzopen(file.path.c_str(), "wb9");
  gzwrite(out, text.data(), static_cast<unsigned>(text.size()));
  gzclose(out);
  std::ifstream in(file.path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string complaint(const std::string& path, std::size_t most = kMostTextBytes) {
  try {
    read_text_file(path, most);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("a gzipped file reads as the text that was packed") {
  const std::string text = "m,n\n1,2\n" + std::string(200'000, 'x');
  CHECK(read_text_file(File(text).path) == text);
  CHECK(read_text_file(File(gzipped(text)).path) == text);
  CHECK(read_text_file(File("").path).empty());
}

TEST_CASE("a gzip bomb stops at the limit, not at the end of memory") {
  const File bomb(gzipped(std::string(50'000'000, '0')));
  CHECK(std::filesystem::file_size(bomb.path) < 100'000);
  CHECK(complaint(bomb.path, 1 << 20).find("larger than 1 M") != std::string::npos);
}

TEST_CASE("a cut or damaged gzip is an error, not a shorter text") {
  std::string packed = gzipped(std::string(1000, 'a') + "end of it");
  CHECK(complaint(File(packed.substr(0, packed.size() - 6)).path).find("gzip data are broken") !=
        std::string::npos);
  packed[packed.size() / 2] ^= 0x55;
  CHECK(complaint(File(packed).path).find("gzip data are broken") != std::string::npos);
}

TEST_CASE("missing files and folders are named") {
  CHECK(complaint("/no/such/file").find("No such file") != std::string::npos);
  CHECK(complaint("/tmp").find("directory") != std::string::npos);
}

}  // namespace
}  // namespace tenk
