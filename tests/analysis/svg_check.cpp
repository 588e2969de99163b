#include "tests/analysis/svg_check.h"

#include <array>
#include <cctype>
#include <map>
#include <utility>

#include "sim/base/text.h"

namespace tenk {
namespace {

constexpr std::array<std::pair<const char*, char>, 5> kEntities = {
    {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}}};

bool is_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == ':' || c == '_';
}

using Attributes = std::map<std::string, std::string>;

// Reads the document once; `on_text` is called for each piece of text with its element.
class Reader {
 public:
  explicit Reader(const std::string& xml) : xml_(xml) {}

  std::string fault() {
    while (fault_.empty() && at_ < xml_.size()) {
      xml_[at_] == '<' ? tag() : text();
    }
    if (fault_.empty() && !open_.empty()) fail("<" + open_.back().first + "> is never closed");
    if (fault_.empty() && roots_ != 1) fail("not one root");
    return fault_;
  }
  std::vector<SvgText> texts;

 private:
  void fail(const std::string& what) {
    if (fault_.empty()) fault_ = what + " at " + std::to_string(at_);
  }
  std::string name() {
    const std::size_t begin = at_;
    while (at_ < xml_.size() && is_name(xml_[at_])) ++at_;
    if (begin == at_) fail("a name is missing");
    return xml_.substr(begin, at_ - begin);
  }
  void skip_space() {
    while (at_ < xml_.size() && std::isspace(static_cast<unsigned char>(xml_[at_])) != 0) ++at_;
  }
  bool take(const std::string& what) {
    if (xml_.compare(at_, what.size(), what) != 0) return false;
    at_ += what.size();
    return true;
  }

  // Characters up to `end`, without entities.
  std::string characters(char end) {
    std::string out;
    while (fault_.empty() && at_ < xml_.size() && xml_[at_] != end) {
      if (xml_[at_] == '<') fail("a bare <");
      if (xml_[at_] == '&') {
        bool known = false;
        for (const auto& [entity, c] : kEntities) {
          if (known || !take(entity)) continue;
          known = true;
          out += c;
        }
        if (!known) fail("an unknown entity");
        continue;
      }
      const CodePoint c = decode_utf8(xml_, at_);
      const bool control = c.value < 0x20 && c.value != '\n';
      if (!c.valid || control || c.value == 0xFFFE || c.value == 0xFFFF) fail("no character");
      out += xml_.substr(at_, c.length);
      at_ += c.length;
    }
    return out;
  }

  void tag() {
    ++at_;
    if (take("/")) {
      const std::string closed = name();
      if (open_.empty() || open_.back().first != closed)
        return fail("</" + closed + "> closes none");
      open_.pop_back();
      if (!take(">")) fail("> is missing");
      return;
    }
    if (open_.empty()) ++roots_;
    const std::string element = name();
    Attributes attributes;
    for (skip_space(); fault_.empty() && is_name(at_ < xml_.size() ? xml_[at_] : ' ');
         skip_space()) {
      const std::string key = name();
      if (!take("=\"")) return fail("=\" is missing");
      if (!attributes.emplace(key, characters('"')).second) return fail(key + " twice");
      take("\"");
    }
    if (take("/>")) return;
    if (!take(">")) return fail("> is missing");
    open_.emplace_back(element, std::move(attributes));
  }

  void text() {
    const std::string content = characters('<');
    const bool blank = content.find_first_not_of(" \n") == std::string::npos;
    if (open_.empty()) {
      if (!blank) fail("text outside the root");
      return;
    }
    const auto& [element, a] = open_.back();
    if (element != "text") return;
    texts.push_back({std::stod(a.at("x")), std::stod(a.at("y")), std::stod(a.at("font-size")),
                     a.at("text-anchor"), content, a.count("font-weight") > 0});
  }

  const std::string& xml_;
  std::size_t at_ = 0;
  int roots_ = 0;
  std::string fault_;
  std::vector<std::pair<std::string, Attributes>> open_;
};

// Arial's advance widths, in ems.
double ems(char32_t c) {
  static const std::u32string narrow = U"iljtf.,:;'|! ()[]/-I";
  if (narrow.find(c) != std::u32string::npos) return 0.3;
  if (c == 'm' || c == 'M' || c == '%') return 0.85;
  if (c == 'W') return 0.944;
  if (c >= 'A' && c <= 'Z') return 0.69;
  return 0.556;
}

}  // namespace

std::string xml_fault(const std::string& xml) { return Reader(xml).fault(); }

std::vector<SvgText> svg_texts(const std::string& svg) {
  Reader reader(svg);
  reader.fault();
  return reader.texts;
}

double SvgText::width() const {
  double sum = 0;
  for (std::size_t i = 0; i < text.size();) {
    const CodePoint c = decode_utf8(text, i);
    sum += ems(c.value);
    i += c.length;
  }
  return sum * size * (bold ? 1.07 : 1);
}

double SvgText::left() const {
  if (anchor == "middle") return x - width() / 2;
  return anchor == "end" ? x - width() : x;
}

bool SvgText::overlaps(const SvgText& o) const {
  return !text.empty() && !o.text.empty() && left() < o.right() && o.left() < right() &&
         top() < o.bottom() && o.top() < bottom();
}

}  // namespace tenk
