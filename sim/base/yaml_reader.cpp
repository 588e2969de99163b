#include "sim/base/yaml_reader.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <map>
#include <optional>
#include <streambuf>
#include <tuple>

#include "sim/base/section.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

using Source = std::shared_ptr<const SourceText>;

[[noreturn]] void refuse(std::string message, const Place& place) {
  throw Error(ErrorKind::kFile, std::move(message), place);
}

// Refuses what is not text, and more lines and flow tokens than a tree of kMaxNodes can need. A
// token begins at one of these marks or follows one, so the count of marks is a simple bound.
void check_text(const Source& source) {
  constexpr std::size_t kMostMarks = kMaxNodes * 3 / 2;
  const std::string& text = source->text();
  std::size_t marks = 0, quotes = 0, lines = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto refuse_here = [&](std::string message) {
      refuse(std::move(message), Place(source, static_cast<std::uint32_t>(at)));
    };
    const CodePoint c = decode_utf8(text, at);
    if (!c.valid) {
      const auto byte = static_cast<unsigned char>(text[at]);
      refuse_here(fmt::format("not UTF-8 text: found the byte 0x{:02x}", byte));
    }
    if ((c.value < 0x20 && c.value != '\t' && c.value != '\n' && c.value != '\r') ||
        c.value == 0x7F) {
      const auto value = static_cast<unsigned>(c.value);
      refuse_here(fmt::format("not text: found the control character 0x{:02x}", value));
    }
    if (std::string_view("[{,:?&*!").find(text[at]) != std::string_view::npos) ++marks;
    if (text[at] == '#' && (at == 0 || text[at - 1] != '#')) ++marks;
    if (text[at] == '"' || text[at] == '\'') ++quotes;
    if (text[at] == '\n') ++lines;
    if (marks + quotes / 2 > kMostMarks) {
      refuse_here(fmt::format("more than {} brackets, commas, colons and quotes", kMostMarks));
    }
    if (lines > kMaxNodes) refuse_here(fmt::format("more than {} lines", kMaxNodes));
    at += c.length;
  }
}

// JSON writes characters beyond U+FFFF as two \u escapes, YAML as one \U.
std::string join_surrogates(const std::string& text) {
  const auto surrogate = [&](std::size_t at, unsigned base) -> std::optional<unsigned> {
    if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return std::nullopt;
    const std::string digits = text.substr(at + 2, 4);
    if (digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) return {};
    const auto value = static_cast<unsigned>(std::stoul(digits, nullptr, 16));
    if (value < base || value >= base + 0x400) return std::nullopt;
    return value - base;
  };
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto high = surrogate(at, 0xD800);
    const auto low = high ? surrogate(at + 6, 0xDC00) : std::nullopt;
    if (low) {
      out += fmt::format("\\U{:08x}", 0x10000 + (*high << 10) + *low);
      at += 12;
    } else {
      const std::size_t length = text[at] == '\\' ? 2 : 1;
      out.append(text, at, length);
      at += length;
    }
  }
  return out;
}

class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(Source source) : source_(std::move(source)) {}

  Config take() {
    duplicates_.throw_if_any();
    if (!root_) refuse("the file is empty", Where{.file = source_->file()});
    return *root_;
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (root_) refuse("the file holds more than one document; expected one", place(mark));
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    // An absent value is marked where the next token stands, maybe lines below: show its key.
    const bool below = !open_.empty() && open_.back().pending && open_.back().key_line < mark.line;
    const Place where = below ? open_.back().pending->where : place(mark);
    finish_value(Config::null(where), anchor, 1, where);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) refuse("this alias stands inside of what it names", place(mark));
    const auto& [value, nodes] = found->second;
    check_depth(value.depth(), place(mark));
    finish_value(value, 0, nodes, place(mark));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_tag(tag, mark);
    if (tag == "?" && value == "<<" && at_key()) {
      refuse("merge keys (<<) are not supported: repeat the keys", place(mark));
    }
    if (at_key()) open_.back().key_line = mark.line;
    finish_value(Config::scalar(value, place(mark), tag == "!"), anchor, 1, place(mark));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(false, tag, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(true, tag, mark, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {  // A list or map that is still open.
    bool is_map = false;
    Place where;
    YAML::anchor_t anchor = 0;
    std::size_t nodes_before = 0;
    int key_line = 0;
    std::optional<Config::Entry> pending = {};  // A key that waits for its value.
    std::vector<Config> items = {};
    std::vector<Config::Entry> entries = {};
  };
  struct Anchored {
    Config value;
    std::size_t nodes = 0;
  };

  Place place(const YAML::Mark& mark) const {
    return Place(source_, source_->offset(mark.line, mark.column));
  }
  bool at_key() const { return !open_.empty() && open_.back().is_map && !open_.back().pending; }
  void check_tag(const std::string& tag, const YAML::Mark& mark) const {
    if (!tag.empty() && tag != "?" && tag != "!") {
      refuse(fmt::format("tags are not supported; found \"{}\"", shown(tag)), place(mark));
    }
  }
  void check_depth(int more, const Place& where) const {
    if (static_cast<int>(open_.size()) + more > kMaxDepth) {
      refuse(fmt::format("nested deeper than {} levels", kMaxDepth), where);
    }
  }

  void open(bool is_map, const std::string& tag, const YAML::Mark& mark, YAML::anchor_t anchor) {
    check_tag(tag, mark);
    check_depth(1, place(mark));
    if (at_key())
      refuse("a list or map stands where a key should; is a bracket left open?", place(mark));
    open_.push_back({is_map, place(mark), anchor, nodes_});
  }

  void close() {
    Frame frame = std::move(open_.back());
    open_.pop_back();
    const std::size_t nodes = nodes_ - frame.nodes_before + 1;
    nodes_ = frame.nodes_before;
    const Config value =
        frame.is_map ? close_map(frame) : Config::list(std::move(frame.items), frame.where);
    finish_value(value, frame.anchor, nodes, frame.where);
  }

  Config close_map(Frame& frame) {
    std::vector<std::size_t> order(frame.entries.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    const auto key = [&](std::size_t i) -> const std::string& { return frame.entries[i].key; };
    std::sort(order.begin(), order.end(),
              [&](auto a, auto b) { return std::tie(key(a), a) < std::tie(key(b), b); });
    bool unique = true;
    for (std::size_t i = 1, first = 0; i < order.size(); ++i) {
      if (key(order[i]) != key(order[first])) {
        first = i;
        continue;
      }
      unique = false;
      if (duplicates_.full()) break;
      duplicates_.add(
          frame.entries[order[i]].where,
          fmt::format("the key \"{}\" is given twice; first in line {}", shown(key(order[i])),
                      Where(frame.entries[order[first]].where).line));
    }
    return unique ? Config::map(std::move(frame.entries), frame.where) : Config::null(frame.where);
  }

  // `nodes`: of the value, all levels.
  void finish_value(const Config& value, YAML::anchor_t anchor, std::size_t nodes,
                    const Place& where) {
    nodes_ += nodes;
    if (nodes_ > kMaxNodes) {
      refuse(fmt::format("more than {} values (aliases count each time)", kMaxNodes), where);
    }
    if (anchor != 0) anchors_[anchor] = {value, nodes};
    if (open_.empty()) {
      root_ = value;
    } else if (Frame& frame = open_.back(); !frame.is_map) {
      frame.items.push_back(value);
    } else if (frame.pending) {
      frame.pending->value = value;
      frame.entries.push_back(std::move(*frame.pending));
      frame.pending.reset();
    } else {
      if (value.kind() != Config::Kind::kScalar) refuse("a key must be text", where);
      frame.pending = Config::Entry{value.text(), where, {}};
    }
  }

  Source source_;
  std::vector<Frame> open_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  std::size_t nodes_ = 0;
  std::optional<Config> root_;
  Faults duplicates_;
};

// Reads from text that others hold.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(const std::string& text) {
    char* begin = const_cast<char*>(text.data());  // std::streambuf's reading half never writes.
    setg(begin, begin, begin + text.size());
  }
};

}  // namespace

Config read_yaml(std::string text, std::string file_name) {
  if (text.size() > kMaxFileBytes) {
    refuse(fmt::format("the file is larger than {} MiB", kMaxFileBytes >> 20),
           Where{.file = std::move(file_name)});
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  const auto source = std::make_shared<const SourceText>(std::move(file_name), std::move(text));
  check_text(source);
  const std::string& all = source->text();
  const std::size_t first = all.find_first_not_of(" \t\r\n");
  const bool json = first != std::string::npos && (all[first] == '{' || all[first] == '[');
  const std::string joined = json ? join_surrogates(all) : std::string();
  ViewBuffer buffer(json ? joined : all);
  std::istream stream(&buffer);
  TreeBuilder builder(source);
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {}
  } catch (const YAML::Exception& error) {
    const Place place(source, source->offset(error.mark.line, error.mark.column));
    const std::string line = Where(place).source_line;
    const bool tab = !json && line.substr(0, line.find_first_not_of(" \t")).find('\t') != line.npos;
    refuse(fmt::format("not valid {}: {}{}", json ? "JSON or YAML" : "YAML", error.msg,
                       tab ? " (indent with spaces, not tabs)" : ""),
           place);
  }
  return builder.take();
}

}  // namespace tenk
