// What is in this file, plain or gzipped, if it is not too large?
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace tenk {

inline constexpr std::size_t kMostTextBytes = std::size_t{1} << 30;

// The whole file; one that starts with the gzip mark (RFC 1952) is unpacked on the way. Throws
// Error{kFile} if it is missing, a directory, unreadable, a broken or cut gzip, or longer than
// `most` bytes once unpacked; memory stays below twice `most`.
std::string read_text_file(const std::string& path, std::size_t most = kMostTextBytes);

}  // namespace tenk
