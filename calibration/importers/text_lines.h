// How is a tool's printed output read line by line, so that every fault has its place?
//
// A line ends at LF, CR or CRLF: progress rows that overwrite each other (CR) are rows too. What a
// launcher puts before each line is taken off and kept: "3: " of `srun -l`, "[1,3]<stdout>:" of
// `mpirun --tag-output`. Words are what spaces and tabs part.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/source.h"

namespace tenk {

struct Word {
  std::string_view text;
  std::uint32_t offset = 0;  // In the whole text.
};

class TextLines {
 public:
  TextLines(const std::string& text, const std::string& file);

  // Goes to the next line; false at the end or once there are kMostFaults faults.
  bool next();
  std::string_view line() const { return line_; }    // Without label and line end.
  std::string_view label() const { return label_; }  // "3", "1,3", or empty.
  // Of a line longer than kMostWords words the first so many only.
  const std::vector<Word>& words() const { return words_; }
  bool ended() const { return ended_; }  // The line has its line end.
  // A fault if it has none: a number at its end may be cut, which nothing else would tell.
  bool fail_if_open();
  std::string place() const;  // "file:12", for remarks.

  void fail(std::uint32_t offset, std::string message);
  void fail(const Word& word, std::string message) { fail(word.offset, std::move(message)); }
  void fail(std::string message) { fail(offset_, std::move(message)); }  // At the line's start.
  // Throws Error{kFile} with all faults, if any. Call after the last line.
  void finish() const;
  // Throws Error{kFile} with one fault about the file as a whole.
  [[noreturn]] void refuse(const std::string& message) const;

  static constexpr std::size_t kMostFaults = 20;
  static constexpr std::size_t kMostWords = 4096;

 private:
  void take_label();
  void split();

  std::shared_ptr<const SourceText> source_;
  std::size_t at_ = 0;
  std::uint32_t offset_ = 0;  // Of line_.
  std::string_view line_, label_;
  std::vector<Word> words_;
  bool ended_ = false;
  std::vector<Fault> faults_;
};

// The whole text as a decimal number, perhaps with an exponent, of at most kMostNumber; nullopt if
// it is none. Below kLeastNumber (in any unit that tools print) it is 0.
inline constexpr double kMostNumber = 1e15, kLeastNumber = 1e-6;
std::optional<double> number_of(std::string_view text);
// The same for whole numbers without sign or exponent.
std::optional<std::int64_t> whole_of(std::string_view text);
// The step of the last digit given: 0.01 for "3.14", 1e5 for "1.2e+06", 1 for "17286".
double last_digit(std::string_view number);
// Does `text` hold `part`, whatever the case of ASCII letters?
bool holds(std::string_view text, std::string_view part);
// The last part of a path, without its ending: how rows of a file are called.
std::string stem_of(std::string_view file);
std::string base_name(std::string_view file);
std::string_view trimmed(std::string_view text);  // Without blanks at both ends.

}  // namespace tenk
