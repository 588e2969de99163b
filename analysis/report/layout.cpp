#include "analysis/report/layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "sim/base/error.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

constexpr std::size_t kLabelWidth = 18;

std::string spaces(std::size_t count) { return std::string(count, ' '); }

// Byte offset of the character number `count`, or the end.
std::size_t offset_of(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  while (at < text.size() && count > 0) {
    at += decode_utf8(text, at).length;
    --count;
  }
  return at;
}

}  // namespace

double finite(double value) {
  TENK_CHECK(std::isfinite(value), "a result is not a finite number");
  return value;
}

double seconds(Time t) { return static_cast<double>(t.ps()) / 1e12; }

std::string duration_text(double seconds) {
  const double size = std::abs(finite(seconds));
  if (size == 0) return "0 s";
  constexpr std::pair<double, std::string_view> kUnits[] = {
      {1, "s"}, {1e-3, "ms"}, {1e-6, "us"}, {1e-9, "ns"}};
  const auto* unit = std::begin(kUnits);
  // 0.9995 ms is 1.00 ms; 999.5 us would be 1000 us.
  while (unit + 1 != std::end(kUnits) && size < 0.9995 * unit->first) ++unit;
  const double number = seconds / unit->first;
  const double shown = size / unit->first;
  if (shown >= 1e7) return fmt::format("{:.3g} {}", number, unit->second);
  return fmt::format("{:.{}f} {}", number, shown < 9.995 ? 2 : shown < 99.95 ? 1 : 0, unit->second);
}

std::string part_text(double seconds, double whole) {
  if (finite(whole) >= 1) return fmt::format("{:.3f} s", finite(seconds));
  if (whole >= 1e-3) return fmt::format("{:.3f} ms", finite(seconds) * 1e3);
  return fmt::format("{:.3f} us", finite(seconds) * 1e6);
}

std::string grouped(std::uint64_t value) {
  std::string text = std::to_string(value);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

std::string grouped(double value) {
  constexpr double kMost = 1e18;
  if (finite(value) < 0 || value >= kMost) return fmt::format("{:.4g}", value);
  return grouped(static_cast<std::uint64_t>(std::llround(value)));
}

std::string percent(double fraction) { return fmt::format("{:.1f} %", 100 * finite(fraction)); }

std::string prefixed(double value, std::string_view unit) {
  static constexpr std::string_view kPrefixes[] = {"", "k", "M", "G", "T", "P", "E"};
  std::size_t i = 0;
  while (std::abs(finite(value)) >= 999.95 && i + 1 < std::size(kPrefixes)) {
    value /= 1000;
    ++i;
  }
  const bool plain = i == 0 && value == std::floor(value);
  std::string text = plain ? fmt::format("{:.0f} ", value) : fmt::format("{:.1f} ", value);
  text += std::string(kPrefixes[i]) + std::string(unit);
  return text.ends_with(' ') ? text.substr(0, text.size() - 1) : text;
}

std::string money(double usd) {
  if (finite(usd) >= 1e9) return fmt::format("{:.2f} billion USD", usd / 1e9);
  if (usd >= 1e6) return fmt::format("{:.1f} million USD", usd / 1e6);
  return grouped(usd) + " USD";
}

std::string cents(double usd) { return fmt::format("{:.3g} USD", finite(usd)); }

std::string engine_text(const EngineReport& e) {
  return fmt::format(
      "{}, detail {}, {}: {} rank, {} coflow and {} link classes; {} activities and {} events in "
      "{}",
      e.name, e.detail, e.fold ? "folded" : "not folded", grouped(e.rank_classes),
      grouped(e.coflow_classes), grouped(e.link_classes), grouped(e.activities), grouped(e.events),
      duration_text(e.wall_s));
}

std::string collisions_text(const Collisions& c) {
  std::string text =
      fmt::format("{} has {} links; {} connections: {:.2f} a link, {} on the busiest", c.kind,
                  grouped(c.links), c.traffic, finite(c.mean), c.busiest);
  for (std::size_t i = 0; i < c.histogram.size(); ++i) {
    const CollisionBin& bin = c.histogram[i];
    text += i == 0 ? "; " : ", ";
    text += bin.from == bin.to ? fmt::format("{}", bin.from)
                               : fmt::format("{} to {}", bin.from, bin.to);
    text += fmt::format(" on {}", grouped(bin.links));
  }
  return text;
}

std::string category_title(Category category) {
  switch (category) {
    case Category::kCompute:
      return "compute";
    case Category::kTp:
      return "tensor parallel (tp)";
    case Category::kCp:
      return "context parallel (cp)";
    case Category::kEp:
      return "expert parallel (ep)";
    case Category::kPp:
      return "pipeline sends (pp)";
    case Category::kDp:
      return "data parallel (dp)";
    case Category::kOther:
      return "other overheads";
    case Category::kBubble:
      return "bubble (idle)";
  }
  throw BugError("a category without a title");
}

std::string escaped_markdown(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    if (std::string_view("\\`*_[]<>|#").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  TENK_CHECK(width > 0, "no room for text");
  const std::string safe = printable(text);
  std::vector<std::string> lines(1);
  std::size_t used = 0;  // Characters of the last line.
  for (std::size_t at = 0; at < safe.size();) {
    const std::size_t end = std::min(safe.find(' ', at), safe.size());
    std::string_view word = std::string_view(safe).substr(at, end - at);
    at = end + 1;
    while (!word.empty()) {
      const std::size_t gap = used > 0 ? 1 : 0, length = count_characters(word);
      if (used + gap + length <= width) {
        lines.back() += std::string(gap, ' ') + std::string(word);
        used += gap + length;
        break;
      }
      if (used > 0) {
        lines.emplace_back();
        used = 0;
        continue;
      }
      const std::size_t cut = offset_of(word, width);
      lines.back() = word.substr(0, cut);
      used = width;
      word.remove_prefix(cut);
    }
  }
  return lines;
}

std::string bar(double fraction, std::size_t width, Style style) {
  const double length = std::clamp(finite(fraction), 0.0, 1.0) * static_cast<double>(width);
  if (!style.unicode) return std::string(static_cast<std::size_t>(std::lround(length)), '#');
  static constexpr std::string_view kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto eighths = static_cast<std::size_t>(std::lround(length * 8));
  std::string text;
  for (std::size_t i = 0; i < eighths / 8; ++i) text += "█";
  return text + std::string(kEighths[eighths % 8]);
}

std::vector<LinkUse> links_in_use(const Prediction& prediction) {
  std::vector<LinkUse> links;
  for (const LinkUse& use : prediction.links) {
    if (use.peak_utilisation > 0 || use.mean_utilisation > 0) links.push_back(use);
  }
  std::stable_sort(links.begin(), links.end(), [](const LinkUse& a, const LinkUse& b) {
    return a.mean_utilisation > b.mean_utilisation;
  });
  return links;
}

std::vector<Part> parts_in_use(const Prediction& prediction) {
  using enum Category;
  std::vector<Part> parts;
  for (const Category c : kBreakdownOrder) {
    const double exposed = prediction.breakdown_s[static_cast<std::size_t>(c)];
    const double hidden = prediction.hidden_s[static_cast<std::size_t>(c)];
    if (exposed != 0 || hidden != 0) parts.push_back({c, exposed, hidden});
  }
  return parts;
}

std::string left(std::string_view text, std::size_t width) {
  const std::size_t length = count_characters(text);
  return std::string(text) + spaces(width - std::min(length, width));
}

std::string right(std::string_view text, std::size_t width) {
  const std::size_t length = count_characters(text);
  return spaces(width - std::min(length, width)) + std::string(text);
}

std::string Page::painted(std::string_view text, Paint paint) const {
  static constexpr std::string_view kCodes[] = {"", "1", "2", "33", "1;31", "36"};
  if (!style_.colour || paint == Paint::kNone || text.empty()) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", kCodes[static_cast<std::size_t>(paint)], text);
}

void Page::title(std::string_view text) {
  std::size_t longest = 0;
  for (const std::string& line : wrap(text, kColumns)) {
    longest = std::max(longest, count_characters(line));
    raw(painted(line, Paint::kBold));
  }
  std::string rule;
  for (std::size_t i = 0; i < longest; ++i) rule += style_.unicode ? "─" : "-";
  raw(painted(rule, Paint::kDim));
}

void Page::section(std::string_view text) {
  blank();
  raw(painted(text, Paint::kBold));
}

void Page::field(std::string_view label, std::string_view text, Paint paint) {
  std::string head = left(label, kLabelWidth);
  for (const std::string& line : wrap(text, kColumns - kLabelWidth)) {
    raw(head + painted(line, paint));
    head = spaces(kLabelWidth);
  }
}

void Page::bullet(std::string_view text, Paint paint) {
  std::string_view head = "  - ";
  for (const std::string& line : wrap(text, kColumns - head.size())) {
    raw(std::string(head) + painted(line, paint));
    head = "    ";
  }
}

}  // namespace tenk
