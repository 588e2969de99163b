#include "analysis/report/svg.h"

#include <fmt/format.h>

#include "sim/base/text.h"

namespace tenk {
namespace {

// Fit for text and attributes alike.
std::string escaped(std::string_view text) {
  const std::string clean = printable(text);
  std::string out;
  for (std::size_t at = 0; at < clean.size();) {
    const CodePoint c = decode_utf8(clean, at);
    switch (c.value) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case 0xFFFE:  // These two are no characters of XML.
      case 0xFFFF:
        append_utf8(out, 0xFFFD);
        break;
      default:
        out += clean.substr(at, c.length);
    }
    at += c.length;
  }
  return out;
}

std::string number(double value) {
  std::string text = fmt::format("{:.1f}", value);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text == "-0" ? "0" : text;
}

// Of a character, in ems: Helvetica's widths by class, rounded up.
double ems(char32_t c) {
  constexpr std::u32string_view kNarrow = U"iljtf.,:;'|! ()[]/-";
  if (kNarrow.find(c) != std::u32string_view::npos) return 0.35;
  if (c == 'm' || c == 'w' || c == 'M' || c == 'W' || c == '@' || c == '%') return 0.95;
  if (c >= 'A' && c <= 'Z') return 0.74;
  return c < 0x300 ? 0.58 : 1.0;
}

// As long a part of `text` as fits, with "..." where it does not.
std::string fitted(const std::string& text, double most, const Letters& letters) {
  if (text_width(text, letters.size, letters.bold) <= most) return text;
  std::string kept;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = decode_utf8(text, at).length;
    const std::string next = kept + text.substr(at, length);
    if (text_width(next + "...", letters.size, letters.bold) > most) break;
    kept = next;
    at += length;
  }
  return kept + "...";
}

}  // namespace

double text_width(std::string_view text, double size, bool bold) {
  const std::string clean = printable(text);
  double width = 0;
  for (std::size_t at = 0; at < clean.size();) {
    const CodePoint c = decode_utf8(clean, at);
    width += ems(c.value);
    at += c.length;
  }
  return width * size * (bold ? 1.08 : 1);
}

std::vector<std::string> text_lines(std::string_view text, double width, double size,
                                    std::size_t lines) {
  std::vector<std::string> out(1);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word(text.substr(at, end - at));
    const std::string longer = out.back().empty() ? word : out.back() + " " + word;
    if (text_width(longer, size) <= width || out.back().empty()) {
      out.back() = longer;
    } else if (out.size() < lines) {
      out.push_back(word);
    } else {
      out.back() += " ...";
      break;
    }
    at = end + 1;
  }
  for (std::string& line : out) line = fitted(line, width, {.size = size});
  return out;
}

Svg::Svg(double width, double height, std::string_view title, std::string_view about) {
  out_ = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
      "viewBox=\"0 0 {0} {1}\" role=\"img\" font-family=\"Helvetica, Arial, 'Liberation Sans', "
      "sans-serif\">\n<title>{2}</title>\n<desc>{3}</desc>\n"
      "<rect width=\"{0}\" height=\"{1}\" fill=\"#ffffff\"/>\n",
      number(width), number(height), escaped(title), escaped(about));
}

void Svg::rect(const Area& a, const Fill& f) {
  out_ += fmt::format(
      "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{}\" fill=\"{}\" stroke=\"{}\" "
      "stroke-width=\"{}\"{}/>\n",
      number(a.x), number(a.y), number(a.width), number(a.height), number(f.radius), f.colour,
      f.border, number(f.border_width), f.dashed ? " stroke-dasharray=\"4 3\"" : "");
}

void Svg::circle(Point c, double radius, const Fill& f) {
  out_ += fmt::format(
      "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{}\" stroke=\"{}\" stroke-width=\"{}\"/>\n",
      number(c.x), number(c.y), number(radius), f.colour, f.border, number(f.border_width));
}

void Svg::line(const std::vector<Point>& points, const Stroke& s) {
  std::string path;
  for (const Point& p : points) {
    path += fmt::format("{}{},{}", path.empty() ? "" : " ", number(p.x), number(p.y));
  }
  out_ += fmt::format(
      "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" "
      "stroke-opacity=\"{}\"{}/>\n",
      path, s.colour, number(s.width), number(s.opacity),
      s.dashed ? " stroke-dasharray=\"2 3\"" : "");
}

void Svg::text(Point at, std::string_view text, const Letters& l, double most) {
  static constexpr std::string_view kAnchors[] = {"start", "middle", "end"};
  out_ += fmt::format(
      "<text x=\"{}\" y=\"{}\" font-size=\"{}\" text-anchor=\"{}\" fill=\"{}\"{}>{}</text>\n",
      number(at.x), number(at.y), number(l.size), kAnchors[static_cast<std::size_t>(l.anchor)],
      l.colour, l.bold ? " font-weight=\"bold\"" : "", escaped(fitted(printable(text), most, l)));
}

void Svg::dots(Point centre, bool upright) {
  for (const double step : {-7.0, 0.0, 7.0}) {
    const Point at = upright ? Point{centre.x, centre.y + step} : Point{centre.x + step, centre.y};
    circle(at, 1.8, {.colour = "#555555", .border = "none"});
  }
}

std::string Svg::finish() && { return std::move(out_) + "</svg>\n"; }

}  // namespace tenk
