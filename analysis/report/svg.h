// How is a picture written as SVG?
//
// Coordinates are pixels of the page, y down. Text from outside is escaped and cleaned, numbers
// have at most one decimal, and nothing depends on the machine: equal calls give equal bytes.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tenk {

struct Point {
  double x = 0, y = 0;
};
struct Area {
  double x = 0, y = 0, width = 0, height = 0;
  double right() const { return x + width; }
  double bottom() const { return y + height; }
  Point centre() const { return {x + width / 2, y + height / 2}; }
};

enum class Anchor { kStart, kMiddle, kEnd };

struct Stroke {
  std::string_view colour = "#333333";
  double width = 1;
  double opacity = 1;
  bool dashed = false;
};
struct Fill {
  std::string_view colour = "none";
  std::string_view border = "#333333";
  double border_width = 1;
  double radius = 3;  // Of the corners.
  bool dashed = false;
};
struct Letters {
  double size = 12;
  Anchor anchor = Anchor::kStart;
  bool bold = false;
  std::string_view colour = "#222222";
};

class Svg {
 public:
  // `title` and `about` are what a screen reader says.
  Svg(double width, double height, std::string_view title, std::string_view about);
  void rect(const Area& area, const Fill& fill);
  void circle(Point centre, double radius, const Fill& fill);
  void line(const std::vector<Point>& points, const Stroke& stroke);
  // `at` is the baseline. Cut with "..." to `most` pixels, as text_width counts them.
  void text(Point at, std::string_view text, const Letters& letters, double most = 1e6);
  void dots(Point centre, bool upright = false);  // An ellipsis.
  std::string finish() &&;

 private:
  std::string out_;
};

// Pixels that `text` takes in a sans-serif font, rather too many than too few.
double text_width(std::string_view text, double size, bool bold = false);
// `text` in lines of at most `width` pixels, at most `lines` of them.
std::vector<std::string> text_lines(std::string_view text, double width, double size,
                                    std::size_t lines);

}  // namespace tenk
