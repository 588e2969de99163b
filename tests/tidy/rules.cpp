// The rules are heuristics on text, exact for code as clang-format leaves it.
#include "tests/tidy/rules.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

namespace tenk {
namespace {

struct Source {
  std::string path;                // From the repository root.
  std::vector<std::string> lines;  // As written.
  std::string code;  // The same; comments, contents of literals and preprocessor are blanks.
};

// The include law: a file below `owner` may include what starts so. Tests and bench are free.
struct Law {
  std::string owner;
  std::vector<std::string> may_include;
};
const std::vector<Law> kLaws = {
    {"sim/base/", {"sim/base/"}},
    {"sim/graph/", {"sim/base/", "sim/graph/"}},
    {"sim/plan/", {"sim/base/", "sim/graph/", "sim/plan/"}},
    {"sim/engine/", {"sim/base/", "sim/graph/", "sim/plan/", "sim/engine/"}},
    {"topologies/", {"sim/base/", "sim/graph/", "sim/plan/", "topologies/"}},
    {"workloads/", {"sim/base/", "sim/graph/", "sim/plan/", "workloads/"}},
    {"calibration/",
     {"sim/base/", "sim/graph/", "sim/plan/", "topologies/", "workloads/", "calibration/"}},
    {"analysis/", {"sim/", "topologies/", "workloads/", "calibration/", "analysis/"}},
    {"tests/", {""}},
    {"bench/", {""}},
};
// Libraries that only one folder may see (and tests).
const std::vector<std::pair<std::string, std::string>> kLibraries = {
    {"yaml-cpp/", "sim/base/"}, {"hdf5", "sim/base/"},       {"H5", "sim/base/"},
    {"boost/", "sim/graph/"},   {"simgrid/", "sim/engine/"}, {"CLI/", "analysis/cli/"},
    {"catch2/", "tests/"},      {"benchmark/", "bench/"}};

// --- Reading ------------------------------------------------------------------------------------

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// Where the comment, literal or preprocessor line that starts at `i` ends; `i` if none starts.
std::size_t end_of_blank(const std::string& t, std::size_t i) {
  const auto past = [&](const std::string& what, std::size_t from) {
    const std::size_t at = t.find(what, from);
    return at == std::string::npos ? t.size() : at + what.size();
  };
  const char before = i == 0 ? '\n' : t[i - 1];
  if (t.compare(i, 2, "//") == 0) return std::min(t.find('\n', i), t.size());
  if (t.compare(i, 2, "/*") == 0) return past("*/", i + 2);
  if (t[i] == '#' && t.find_first_not_of(" \t", t.rfind('\n', i) + 1) == i) {
    std::size_t end = t.find('\n', i);
    while (end != std::string::npos && t[end - 1] == '\\') end = t.find('\n', end + 1);
    return std::min(end, t.size());
  }
  if (t.compare(i, 2, "R\"") == 0 && !is_word(before)) {
    const std::size_t open = std::min(t.find('(', i), t.size());
    return past(")" + t.substr(i + 2, open - i - 2) + "\"", open);
  }
  const bool separator = t[i] == '\'' && is_word(before);  // 1'000
  if ((t[i] != '"' && t[i] != '\'') || separator) return i;
  std::size_t end = i + 1;
  while (end < t.size() && t[end] != t[i]) end += t[end] == '\\' ? 2 : 1;
  return std::min(end + 1, t.size());
}

Source read_source(std::string path, const std::string& text) {
  std::string code = text;
  for (std::size_t i = 0; i < code.size();) {
    const std::size_t end = end_of_blank(text, i);
    const bool literal = end > i && (text[i] == '"' || text[i] == '\'' || text[i] == 'R');
    for (std::size_t k = i; k < end; ++k) {
      if (text[k] != '\n') code[k] = ' ';
    }
    if (literal) code[i] = code[end - 1] = '"';
    i = std::max(end, i + 1);
  }
  return {std::move(path), split_lines(text), std::move(code)};
}

// --- Rules about lines and includes -------------------------------------------------------------

bool is_header(const Source& s) { return s.path.ends_with(".h"); }

void check_text(const Source& s, Violations& out) {
  const std::size_t most = is_header(s) ? 200 : 600;
  if (s.lines.size() > most) {
    out.push_back({s.path, most + 1, "file longer than " + std::to_string(most) + " lines"});
  }
  for (std::size_t i = 0; i < s.lines.size(); ++i) {
    const std::string& line = s.lines[i];
    const auto columns = std::count_if(line.begin(), line.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u;  // Bytes that go on a character.
    });
    if (columns > 100) out.push_back({s.path, i + 1, "line longer than 100 columns"});
    if (line.find('\t') != std::string::npos) out.push_back({s.path, i + 1, "tab"});
  }
}

void check_header(const Source& s, Violations& out) {
  if (!is_header(s)) return;
  if (s.lines.empty() || !s.lines[0].starts_with("//")) {
    out.push_back({s.path, 1, "header does not open with a comment"});
  }
  if (std::find(s.lines.begin(), s.lines.end(), "#pragma once") == s.lines.end()) {
    out.push_back({s.path, 1, "header without #pragma once"});
  }
  const std::vector<std::string> code = split_lines(s.code);
  for (std::size_t i = 0; i < code.size(); ++i) {
    if (code[i].find("using namespace ") != std::string::npos) {
      out.push_back({s.path, i + 1, "`using namespace` in a header"});
    }
  }
}

bool starts_with_any(const std::string& text, const std::vector<std::string>& starts) {
  return std::any_of(starts.begin(), starts.end(),
                     [&](const std::string& start) { return text.starts_with(start); });
}

// What is wrong with `path` including <target>; empty if nothing.
std::string library_fault(const std::string& path, const std::string& target) {
  if (starts_with_any(target, source_folders())) return "<" + target + "> is ours: use quotes";
  for (const auto& [library, owner] : kLibraries) {
    if (target.starts_with(library) && !starts_with_any(path, {owner, "tests/"})) {
      return "only " + owner + " may include <" + target + ">";
    }
  }
  return "";
}

// What is wrong with `path` including "target"; empty if nothing.
std::string include_fault(const std::string& path, const std::string& target) {
  if (!starts_with_any(target, source_folders()) || target.find("..") != std::string::npos) {
    return "\"" + target + "\" does not start at the repository root";
  }
  if (target.starts_with("analysis/cli/") && !starts_with_any(path, {"analysis/cli/", "tests/"})) {
    return "only analysis/cli/ may include \"" + target + "\"";
  }
  for (const Law& law : kLaws) {
    if (!path.starts_with(law.owner)) continue;
    const bool lawful = starts_with_any(target, law.may_include);
    return lawful ? "" : law.owner + " may not include \"" + target + "\"";
  }
  return "no include law for " + path;
}

void check_includes(const Source& s, Violations& out) {
  for (std::size_t i = 0; i < s.lines.size(); ++i) {
    const std::string& line = s.lines[i];
    if (!line.starts_with("#include ")) continue;
    const std::size_t open = line.find_first_of("<\"");
    const std::size_t close = line.find_last_of(">\"");
    if (open == std::string::npos || close <= open) continue;
    const std::string target = line.substr(open + 1, close - open - 1);
    const std::string fault =
        line[open] == '"' ? include_fault(s.path, target) : library_fault(s.path, target);
    if (!fault.empty()) out.push_back({s.path, i + 1, "include law: " + fault});
  }
}

// --- Rules about scopes -------------------------------------------------------------------------

// kFunction: and blocks in one. kValue: the braces of an initializer, an enum, a concept.
enum class Scope { kNamespace, kClass, kFunction, kLambda, kValue };

// A statement less attributes and what stands in (...) and in <...> of templates.
std::string outline(const std::string& t) {
  std::string out;
  int depth = 0;
  for (std::size_t i = 0; i < t.size(); ++i) {
    if (t[i] == ')') --depth;
    if (depth <= 0 && t.compare(i, 2, "[[") == 0) {
      i = std::min(t.find("]]", i), t.size() - 2) + 1;
    } else if (depth <= 0 && t[i] == '<' && i > 0 &&
               ((is_word(t[i - 1]) && !out.ends_with("operator")) || out.ends_with("template "))) {
      for (int angles = 0; i < t.size(); ++i) {
        angles += t[i] == '<' ? 1 : t[i] == '>' && t[i - 1] != '-' ? -1 : 0;
        if (angles == 0) break;
      }
    } else if (depth <= 0) {
      out += t[i];
    }
    if (i < t.size() && t[i] == '(') ++depth;
  }
  return out;
}

bool has(const std::string& text, char c) { return text.find(c) != std::string::npos; }
bool is_one_of(std::string_view word, const std::vector<std::string>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// First words of statements that define no variable that can change.
const std::vector<std::string> kNoVariable = {"",       "using",   "typedef",       "class",
                                              "struct", "union",   "enum",          "namespace",
                                              "friend", "concept", "static_assert", "constexpr"};

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (is_word(c)) {
      words.back() += c;
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

std::string trimmed(const std::string& text) {
  return text.substr(0, text.find_last_not_of(" \n") + 1);
}
std::size_t skip_space(const std::string& text, std::size_t at) {
  return std::min(text.find_first_not_of(" \n", at), text.size());
}

// Does the statement end in [...] or [...](... of a lambda, not of an index or a binding?
bool ends_in_lambda(const std::string& t) {
  const std::size_t begin = t.rfind('{') + 1;  // What had its braces is another lambda.
  for (std::size_t at = t.find(']', begin); at != std::string::npos; at = t.find(']', at + 1)) {
    const std::size_t next = skip_space(t, at + 1);
    const std::size_t open = t.rfind('[', at);
    if ((next < t.size() && t[next] != '(') || open == std::string::npos) continue;
    const std::string before = trimmed(t.substr(0, open));
    if (before.empty() || before.ends_with("return")) return true;
    if (!is_word(before.back()) && !has(")[]", before.back())) return true;
  }
  return false;
}

// f() : a_{1}, b_{2} {: is the last `{` one of a member?
bool ends_in_member(const std::string& text) {
  if (!is_word(text.back()) && text.back() != '>') return false;
  for (std::size_t at = text.find(')'); at != std::string::npos; at = text.find(')', at + 1)) {
    const std::size_t next = skip_space(text, at + 1);
    if (next + 1 < text.size() && text[next] == ':' && text[next + 1] != ':') return true;
  }
  return false;
}

// What a `{` opens, by the statement before it and the scope around it.
Scope opened_scope(const std::string& statement, Scope around, bool in_parentheses) {
  if (ends_in_lambda(statement)) return Scope::kLambda;
  if (around == Scope::kValue) return Scope::kValue;
  const std::string text = trimmed(outline(statement));
  std::vector<std::string> words = words_of(text);
  if (!words.empty() && words[0] == "template") words.erase(words.begin());
  if (words.empty()) words.emplace_back();
  if (is_one_of(words[0], {"class", "struct", "union"}) && !has(text, '=')) return Scope::kClass;
  if (around == Scope::kFunction || around == Scope::kLambda) {
    const bool block =
        text.empty() || has("):", text.back()) || is_one_of(words.back(), {"else", "do", "try"});
    return block && !in_parentheses ? Scope::kFunction : Scope::kValue;
  }
  if (is_one_of("operator", words)) return Scope::kFunction;
  if (is_one_of("namespace", words)) return Scope::kNamespace;
  if (!has(text, '(') && words[0] == "extern") return Scope::kNamespace;
  if (has(text, '=') || !has(text, '(') || in_parentheses) return Scope::kValue;
  return ends_in_member(text) ? Scope::kValue : Scope::kFunction;
}

// Does this statement define (or declare) a variable that lives on and can change?
bool is_mutable_state(const std::string& statement, Scope scope) {
  std::string text = outline(statement);
  if (is_one_of("operator", words_of(text))) return false;
  text = text.substr(0, text.find_first_of("={"));
  bool lives_on = scope == Scope::kNamespace;
  std::string first;
  for (const std::string& word : words_of(text)) {
    first = word;
    if (word == "static" || word == "thread_local") lives_on = true;
    if (!is_one_of(word, {"static", "thread_local", "inline", "extern", "template"})) break;
  }
  if (!lives_on || is_one_of(first, kNoVariable)) return false;
  const bool in_function = scope == Scope::kFunction || scope == Scope::kLambda;
  if (!in_function && has(text, '(')) return false;  // The declaration of a function.
  const std::string object = text.substr(text.find_last_of('*') + 1);  // A pointer: itself const?
  return !is_one_of("const", words_of(object)) && !is_one_of("constexpr", words_of(object));
}

// Follows braces and statements through the code of one file.
class ScopeWalk {
 public:
  ScopeWalk(const Source& source, Violations& out) : source_(source), out_(out) {
    for (const char c : source.code) step(c);
  }

 private:
  struct Open {
    Scope scope;
    std::string before;  // The statement that the braces are a part of.
    std::size_t line;    // Where it starts.
    int parentheses;     // Open in it.
    bool measured;       // A function that is in no other.
  };

  void step(char c) {
    if (c == '{') return open();
    if (c == '}') return close();
    if (c == ';' && parentheses_ == 0) return end_statement();
    if (c == '\n') ++line_;
    if (c == '(') ++parentheses_;
    if (c == ')') --parentheses_;
    if (statement_.empty() && std::isspace(static_cast<unsigned char>(c)) != 0) return;
    if (statement_.empty()) statement_line_ = line_;
    statement_ += c;
    const bool next_value = c == ',' && scope() == Scope::kValue && parentheses_ == 0;
    if (next_value || is_one_of(statement_, {"public:", "protected:", "private:"})) {
      statement_.clear();
    }
  }
  Scope scope() const { return open_.empty() ? Scope::kNamespace : open_.back().scope; }
  static bool runs(Scope scope) { return scope == Scope::kFunction || scope == Scope::kLambda; }
  void open() {
    const Scope opened = opened_scope(statement_, scope(), parentheses_ > 0);
    const bool inside = std::any_of(open_.begin(), open_.end(),
                                    [](const Open& outer) { return runs(outer.scope); });
    const std::size_t line = statement_.empty() ? line_ : statement_line_;
    open_.push_back({opened, std::exchange(statement_, ""), line, std::exchange(parentheses_, 0),
                     runs(opened) && !inside});
  }
  void close() {
    if (open_.empty()) return;
    const Open opened = std::move(open_.back());
    open_.pop_back();
    parentheses_ = opened.parentheses;
    const std::size_t length = line_ - opened.line + 1;
    if (opened.measured && length > 70) {
      report(opened.line, "function of " + std::to_string(length) + " lines, more than 70");
    }
    const bool goes_on = opened.scope == Scope::kValue || opened.scope == Scope::kLambda;
    statement_ = goes_on ? opened.before + "{}" : "";
    statement_line_ = opened.line;
  }
  void end_statement() {
    if (is_mutable_state(statement_, scope())) report(statement_line_, "mutable global state");
    statement_.clear();
  }
  void report(std::size_t line, std::string rule) {
    out_.push_back({source_.path, line, std::move(rule)});
  }

  const Source& source_;
  Violations& out_;
  std::vector<Open> open_;
  std::string statement_;
  std::size_t statement_line_ = 1;
  std::size_t line_ = 1;
  int parentheses_ = 0;
};

}  // namespace

const std::vector<std::string>& source_folders() {
  static const std::vector<std::string> folders = {
      "sim/", "topologies/", "workloads/", "calibration/", "analysis/", "tests/", "bench/"};
  return folders;
}

Violations check(const std::string& path, const std::string& text) {
  Violations out;
  const Source source = read_source(path, text);
  check_text(source, out);
  check_header(source, out);
  check_includes(source, out);
  ScopeWalk walk(source, out);
  return out;
}

}  // namespace tenk
