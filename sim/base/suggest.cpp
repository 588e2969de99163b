#include <algorithm>
#include <cctype>

#include "sim/base/config.h"

namespace tenk {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// Optimal string alignment: insert, delete, change a letter, or swap two neighbours. O(|a| |b|).
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> before(b.size() + 1), row(b.size() + 1), next(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    next[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = a[i - 1] == b[j - 1];
      next[j] = std::min({row[j] + 1, next[j - 1] + 1, row[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        next[j] = std::min(next[j], before[j - 2] + 1);
      }
    }
    before.swap(row);
    row.swap(next);
  }
  return row[b.size()];
}

}  // namespace

std::string nearest_name(std::string_view word, const std::vector<std::string>& allowed) {
  constexpr std::size_t kLongest = 200;  // Longer words are no misspelt names.
  if (word.size() > kLongest) return {};
  const std::size_t limit = word.size() <= 3 ? 1 : std::max<std::size_t>(2, word.size() / 3);
  const std::string wanted = lower(word);
  std::size_t least = limit + 1;
  std::string nearest;
  for (const std::string& name : allowed) {
    if (name.size() > kLongest) continue;
    const std::size_t d = distance(wanted, lower(name));
    if (d < least) {
      least = d;
      nearest = name;
    }
  }
  return nearest;
}

}  // namespace tenk
