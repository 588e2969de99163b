#include "sim/base/text.h"

#include <algorithm>

namespace tenk {

CodePoint decode_utf8(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() - at < length) return {};
  char32_t value = lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    value = (value << 6) | (byte(i) & 0x3Fu);
  }
  const char32_t least = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000;
  if (value < least || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) return {};
  return {value, length, true};
}

void append_utf8(std::string& out, char32_t value) {
  const auto put = [&](char32_t byte) { out += static_cast<char>(byte); };
  if (value < 0x80) return put(value);
  const int more = value < 0x800 ? 1 : value < 0x10000 ? 2 : 3;
  put((0xFF80u >> more & 0xFFu) | (value >> (6 * more)));
  for (int i = more - 1; i >= 0; --i) put(0x80 | ((value >> (6 * i)) & 0x3F));
}

bool is_control(char32_t value) {
  return value < 0x20 || (value >= 0x7F && value < 0xA0) || (value >= 0x200E && value <= 0x200F) ||
         (value >= 0x2028 && value <= 0x202E) || (value >= 0x2066 && value <= 0x2069) ||
         value == 0xFEFF;
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_utf8(text, at);
    if (c.value == '\t') {
      out += ' ';
    } else {
      append_utf8(out, c.valid && !is_control(c.value) ? c.value : 0xFFFD);
    }
    at += c.length;
  }
  return out;
}

std::string shown(std::string_view text, std::size_t most) {
  std::size_t at = 0, characters = 0, keep = 0;
  while (at < text.size() && characters <= most) {
    if (characters + 3 == most) keep = at;
    at += decode_utf8(text, at).length;
    ++characters;
  }
  if (characters <= most) return printable(text);
  return printable(text.substr(0, keep)) + "...";
}

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace tenk
