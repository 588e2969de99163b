// Is this XML well-formed, and where do the texts of a picture lie?
//
// As far as our own SVG uses the languages: elements, attributes in double quotes, the five named
// entities, no comments, no CDATA, no declarations.
#pragma once
#include <string>
#include <vector>

namespace tenk {

// What is wrong first, with its offset; empty if the document is well-formed.
std::string xml_fault(const std::string& xml);

// Boxes are those of Arial: digits 0.556 em wide, other characters by class.
struct SvgText {
  double x = 0, y = 0, size = 0;
  std::string anchor, text;  // The text without entities.
  bool bold = false;
  double width() const;
  double left() const;
  double right() const { return left() + width(); }
  double top() const { return y - 0.75 * size; }
  double bottom() const { return y + 0.2 * size; }
  bool overlaps(const SvgText& other) const;
};
// All <text> elements of a well-formed picture.
std::vector<SvgText> svg_texts(const std::string& svg);

}  // namespace tenk
