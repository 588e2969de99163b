#include "sim/base/text_file.h"

#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "sim/base/error.h"
#include "sim/base/units.h"

namespace tenk {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 16;

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw Error(ErrorKind::kFile, "cannot be read: " + why, Where{.file = path});
}

std::string reason_of(gzFile file) {
  int code = Z_OK;
  const std::string text = gzerror(file, &code);
  return code == Z_ERRNO ? std::strerror(errno) : "its gzip data are broken (" + text + ")";
}

}  // namespace

std::string read_text_file(const std::string& path, std::size_t most) {
  errno = 0;
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), &gzclose);
  if (!file) refuse(path, std::strerror(errno));
  std::string text;
  while (true) {
    const std::size_t old = text.size();
    text.resize(old + kPiece);
    const int got = gzread(file.get(), text.data() + old, static_cast<unsigned>(kPiece));
    if (got < 0) refuse(path, reason_of(file.get()));
    text.resize(old + static_cast<std::size_t>(got));
    if (text.size() > most)
      refuse(path, "it is larger than " + to_text(Bytes(static_cast<std::int64_t>(most))));
    if (got == 0) break;
  }
  int code = Z_OK;
  gzerror(file.get(), &code);
  if (code != Z_OK) refuse(path, reason_of(file.get()));  // A gzip that ends too early.
  return text;
}

}  // namespace tenk
