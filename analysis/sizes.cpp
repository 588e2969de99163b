#include "analysis/sizes.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/base/error.h"
#include "sim/base/section.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorKind::kUsage, why, {.file = "--bytes"});
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

Bytes parse_size(std::string_view text) {
  text = trimmed(text);
  const auto size = parse_bytes(text);
  if (!size) {
    const bool number = !text.empty() && text.find_first_not_of("0123456789.") == text.npos;
    refuse(number ? fmt::format("\"{0}\" has no unit; write {0}B, {0}KiB or {0}MB", shown(text))
                  : fmt::format("\"{}\" is no size; write 8B, 1.5MB or 8GiB", shown(text)));
  }
  if (*size <= Bytes(0)) refuse(fmt::format("\"{}\" must be more than 0", shown(text)));
  if (*size > kLargestSize) {
    refuse(fmt::format("\"{}\" is more than {}", shown(text), to_text(kLargestSize)));
  }
  return *size;
}

void add_size(std::vector<Bytes>& sizes, Bytes size) {
  if (sizes.size() == kMostSizes) refuse(fmt::format("more than {} sizes", kMostSizes));
  sizes.push_back(size);
}

}  // namespace

std::vector<Bytes> parse_sizes(std::string_view text, std::int64_t factor) {
  TENK_CHECK(factor >= 2, "sizes must grow");
  std::vector<Bytes> sizes;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view part = text.substr(begin, end - begin);
    begin = end + 1;
    const std::size_t dots = part.find("..");
    if (dots == std::string_view::npos) {
      add_size(sizes, parse_size(part));
      continue;
    }
    const Bytes first = parse_size(part.substr(0, dots));
    const Bytes last = parse_size(part.substr(dots + 2));
    if (first > last) {
      refuse(fmt::format("\"{}\" ends before it starts", shown(trimmed(part))));
    }
    for (Bytes size = first;; size = size * factor) {
      add_size(sizes, size);
      if (size.count() > last.count() / factor) break;
    }
  }
  return sizes;
}

}  // namespace tenk
