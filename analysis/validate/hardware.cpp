#include "analysis/validate/hardware.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace tenk {
namespace {

// Letters and digits in lower case; everything else becomes one space.
std::string words_of(std::string_view text) {
  std::string out = " ";
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (std::isalnum(u) != 0) {
      out += static_cast<char>(std::tolower(u));
    } else if (out.back() != ' ') {
      out += ' ';
    }
  }
  if (out.back() != ' ') out += ' ';
  return out;
}

struct Name {
  std::string_view word;  // As words_of writes it.
  std::string_view with;  // Another word that must be there too; empty: none.
  std::string_view preset;
  std::string_view assumed;  // What the words leave open.
};
// More special names first.
constexpr std::array kNames = {
    Name{" gb300 ", "", "gb300", ""},
    Name{" gb200 ", "", "gb200", ""},
    Name{" gh200 ", "", "gh200", ""},
    Name{" b300 ", "", "b300", ""},
    Name{" b200 ", "", "b200", ""},
    Name{" h200 ", "", "h200", ""},
    Name{" h800 ", "", "h800", ""},
    Name{" h20 ", "", "h20", ""},
    Name{" h100 ", " pcie ", "h100-pcie", ""},
    Name{" h100 ", "", "h100-sxm", ""},
    Name{" a100 ", " 40gb ", "a100-sxm-40", ""},
    Name{" a100 ", " 40 ", "a100-sxm-40", ""},
    Name{" a100 ", " 80gb ", "a100-sxm-80", ""},
    Name{" a100 ", " 80 ", "a100-sxm-80", ""},
    Name{" a100 ", "", "a100-sxm-80", "an A100 without a size is the SXM one of 80 GB"},
    Name{" a800 ", "", "a800", ""},
    Name{" v100 ", "", "v100-sxm-32", ""},
    Name{" l40s ", "", "l40s", ""},
    Name{" rtx pro 6000 ", "", "rtx-pro-6000", ""},
    Name{" mi300x ", "", "mi300x", ""},
    Name{" mi325x ", "", "mi325x", ""},
    Name{" mi355x ", "", "mi355x", ""},
    Name{" 910b ", "", "ascend-910b", ""},
};

// NVIDIA's and AMD's own eight-GPU servers; GB200 and GB300 by the NVL72 rack.
constexpr std::array kServers = {
    UsualServer{"a100-sxm-80", "hgx-a100-8", 8, {8, 200}},
    UsualServer{"a100-sxm-40", "hgx-a100-40-8", 8, {8, 200}},
    UsualServer{"h100-sxm", "hgx-h100-8", 8, {8, 400}},
    UsualServer{"h800", "hgx-h800-8", 8, {8, 400}},
    UsualServer{"h200", "hgx-h200-8", 8, {8, 400}},
    UsualServer{"b200", "hgx-b200-8", 8, {8, 400}},
    UsualServer{"b300", "hgx-b300-8", 8, {8, 800}},
    UsualServer{"gb200", "gb200-nvl72", 72, {72, 400}},
    UsualServer{"gb300", "gb300-nvl72", 72, {72, 800}},
    UsualServer{"v100-sxm-32", "dgx-1v", 8, {4, 100}},
    UsualServer{"mi300x", "mi300x-8", 8, {8, 400}},
    UsualServer{"mi325x", "mi325x-8", 8, {8, 400}},
    UsualServer{"mi355x", "mi355x-8", 8, {8, 400}},
};

bool digit(char c) { return c >= '0' && c <= '9'; }

// The number that starts at `at`; moves `at` behind it.
int number_at(std::string_view text, std::size_t& at) {
  int value = 0;
  for (; at < text.size() && digit(text[at]) && value < 1'000'000; ++at) {
    value = 10 * value + (text[at] - '0');
  }
  return value;
}

// The first number of 3 or 4 digits soon after `at`: a rate in Gb/s.
int rate_after(std::string_view text, std::size_t at) {
  constexpr std::size_t kReach = 40;
  const std::size_t end = std::min(text.size(), at + kReach);
  while (at < end) {
    if (!digit(text[at])) {
      if (text[at] == ';' || text[at] == '|') return 0;
      ++at;
      continue;
    }
    const int value = number_at(text, at);
    if (value >= 100 && value <= 3200) return value;
  }
  return 0;
}

}  // namespace

std::optional<std::string> accelerator_named(std::string_view text,
                                             std::vector<std::string>& assumptions) {
  const std::string words = words_of(text);
  for (const Name& name : kNames) {
    if (words.find(name.word) == std::string::npos) continue;
    if (!name.with.empty() && words.find(name.with) == std::string::npos) continue;
    if (!name.assumed.empty()) assumptions.emplace_back(name.assumed);
    return std::string(name.preset);
  }
  return std::nullopt;
}

std::optional<NodeNetwork> node_network_named(std::string_view text) {
  NodeNetwork best;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!digit(text[at]) || (at > 0 && std::isalnum(static_cast<unsigned char>(text[at - 1])))) {
      continue;
    }
    std::size_t after = at;
    const int count = number_at(text, after);
    while (after < text.size() && text[after] == ' ') ++after;
    if (after >= text.size() || text[after] != 'x' || count < 1 || count > 72) continue;
    const int rate = rate_after(text, after + 1);
    if (count * rate > best.nics * best.gbps) best = {count, static_cast<double>(rate)};
  }
  if (best.nics == 0) return std::nullopt;
  return best;
}

const UsualServer* usual_server(std::string_view accelerator) {
  const auto found = std::find_if(kServers.begin(), kServers.end(), [&](const UsualServer& s) {
    return s.accelerator == accelerator;
  });
  return found == kServers.end() ? nullptr : &*found;
}

}  // namespace tenk
