// Is this text UTF-8, and how is text from outside shown without harming a terminal or a page?
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace tenk {

struct CodePoint {
  char32_t value = 0xFFFD;
  std::size_t length = 1;  // Bytes; 1 where the bytes are malformed.
  bool valid = false;
};
// The character that starts at text[at], at < text.size(). Overlong forms and surrogates are
// malformed (RFC 3629).
CodePoint decode_utf8(std::string_view text, std::size_t at);
void append_utf8(std::string& out, char32_t value);

// C0, C1 and DEL, and the marks that reorder or hide text (bidirectional overrides).
bool is_control(char32_t value);

// Tabs become a space, controls and malformed bytes U+FFFD: as many characters out as in.
std::string printable(std::string_view text);
// The same, cut to `most` characters with "..." at the end.
std::string shown(std::string_view text, std::size_t most = 60);

// Characters (not bytes) of valid UTF-8.
std::size_t count_characters(std::string_view text);

}  // namespace tenk
