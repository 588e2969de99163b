// How do numbers and lines look to people, in 100 columns?
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/prediction.h"
#include "analysis/report/report.h"

namespace tenk {

inline constexpr std::size_t kColumns = 100;
// Categories as every report lists them.
inline constexpr std::array kBreakdownOrder = {Category::kCompute, Category::kTp,   Category::kCp,
                                               Category::kPp,      Category::kDp,   Category::kEp,
                                               Category::kBubble,  Category::kOther};

double finite(double value);                          // The value; TENK_CHECKs that it is finite.
double seconds(Time t);                               // The double nearest to the exact decimal.
std::string duration_text(double seconds);            // "9.40 s": three digits or whole units.
std::string part_text(double seconds, double whole);  // In the unit that suits the whole.
std::string grouped(double value);                    // "16,384": the nearest whole number.
std::string grouped(std::uint64_t value);
std::string percent(double fraction);                       // "43.7 %"
std::string prefixed(double value, std::string_view unit);  // "14.3 MW"
std::string money(double usd);                              // "612.3 million USD"
std::string cents(double usd);                              // "0.0123 USD": of small amounts.
std::string engine_text(const EngineReport& engine);        // One sentence without a full stop.
std::string collisions_text(const Collisions& collisions);  // The same.
std::string category_title(Category category);              // "data parallel (dp)"

// Text from outside, so that it is neither Markdown nor the end of a cell.
std::string escaped_markdown(std::string_view text);
// The words of `text` in lines of at most `width` characters; longer words are cut. At least one.
std::vector<std::string> wrap(std::string_view text, std::size_t width);
// A bar that is `width` characters long for 1; other fractions are clamped to [0, 1].
std::string bar(double fraction, std::size_t width, Style style);

// The links that carry something, the busiest on average first; ties in the order given.
std::vector<LinkUse> links_in_use(const Prediction& prediction);
// In kBreakdownOrder; only categories that take time.
struct Part {
  Category category = Category::kOther;
  double exposed = 0, hidden = 0;  // Seconds.
};
std::vector<Part> parts_in_use(const Prediction& prediction);

enum class Paint : std::uint8_t { kNone, kBold, kDim, kWarn, kBad, kBar };

// A page that is filled from top to bottom.
class Page {
 public:
  explicit Page(Style style) : style_(style) {}
  void title(std::string_view text);
  void section(std::string_view text);
  // "label  text", wrapped, the text in a column of its own.
  void field(std::string_view label, std::string_view text, Paint paint = Paint::kNone);
  void bullet(std::string_view text, Paint paint = Paint::kNone);
  void blank() { text_ += "\n"; }
  void raw(std::string_view line) { (text_ += line) += "\n"; }
  std::string painted(std::string_view text, Paint paint) const;
  const std::string& text() const { return text_; }

 private:
  Style style_;
  std::string text_;
};

// `text` in at least `width` characters.
std::string left(std::string_view text, std::size_t width);
std::string right(std::string_view text, std::size_t width);

}  // namespace tenk
