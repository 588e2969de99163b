// What does a comma-separated file say, column by name, and exactly where does it say it?
//
// RFC 4180: the first line names the columns; fields may stand in double quotes, in which a quote
// is doubled and commas and line ends are text; LF and CRLF. Strict: a row with another number of
// fields, text beside quotes or an open quote is a fault. Faults are collected, so that all come
// out together; blank lines and lines that start with '#' are passed over.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/section.h"
#include "sim/base/source.h"

namespace tenk {

class CsvReader {
 public:
  // Reads the header. Throws Error{kFile} if there is none, or a column has no name or comes twice.
  CsvReader(std::string text, std::string file);

  const std::vector<std::string>& columns() const { return columns_; }
  bool has(std::string_view column) const;
  // Throws Error{kFile} naming the nearest column if there is none of that name.
  std::size_t column(std::string_view name) const;

  // Goes to the next well-formed row; false at the end or once there are kMostFaults faults.
  bool next();
  int line() const;  // Of the row's first character; from 1.
  const std::string& text(std::size_t column) const { return fields_[column].text; }
  // nullopt if the field is empty, and if it is no finite number in the range (which is a fault).
  std::optional<double> number(std::size_t column, NumberRange range = {});
  // The same for whole numbers; 16.0 is one.
  std::optional<std::int64_t> integer(std::size_t column, IntegerRange range = {});

  void fail(std::size_t column, std::string message);  // A fault at that field of the row.
  // Throws Error{kFile} with all faults, if any. Call after the last row.
  void finish() const;

  static constexpr std::size_t kMostFaults = 20;

 private:
  struct Field {
    std::string text;
    std::uint32_t offset = 0;
  };
  bool read_row();  // Into fields_; false at the end of the text.
  void read_field(Field& field);
  void fault(std::uint32_t offset, std::string message);

  std::shared_ptr<const SourceText> source_;
  std::vector<std::string> columns_;
  std::vector<Field> fields_;  // Reused: its first `used_` are the row's.
  std::size_t used_ = 0;
  std::size_t at_ = 0;
  bool malformed_ = false;  // The row has a fault of form already.
  std::vector<Fault> faults_;
};

// The whole text as a finite decimal number; nullopt if it is none (spaces and hex are none).
std::optional<double> parse_number(std::string_view text);

// One field as RFC 4180 wants it: quoted where it must be.
std::string csv_field(std::string_view text);

}  // namespace tenk
