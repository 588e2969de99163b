// What went wrong, whose fault is it, and where?
//
// The user's fault is an `Error`: one or more faults, each with a position where there is one. It
// is caught in two places only (the command line; a point of a study). Our own fault is a failed
// TENK_CHECK: on in release builds and never reachable from input.
#pragma once
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

namespace tenk {

// The numbers are the exit codes of the program (docs/cli.md).
enum class ErrorKind { kUsage = 2, kInvalid = 3, kFile = 4, kDeadlock = 5, kGoalMissed = 6 };

// A place in an input. line and column (in characters) count from 1; 0: the input as a whole.
struct Where {
  std::string file;
  int line = 0;
  int column = 0;
  std::string source_line = {};  // The text of that line, for the caret; may be a part of it,
  int source_column = 1;         // which then begins at this column.
};

struct Fault {
  std::string message;  // "found X, expected Y; did you mean Z?": no full stop, no newline.
  Where where = {};
};

class Error : public std::exception {
 public:
  Error(ErrorKind kind, std::string message, Where where = {});
  Error(ErrorKind kind, std::vector<Fault> faults);  // faults must not be empty.
  ErrorKind kind() const { return kind_; }
  const std::vector<Fault>& faults() const { return faults_; }
  int exit_code() const { return static_cast<int>(kind_); }
  // All faults as people read them: "file:line:column: message", the source line, a caret; long
  // lines are cut round the caret, controls and malformed UTF-8 replaced (see text.h).
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  ErrorKind kind_;
  std::vector<Fault> faults_;
  std::string text_;
};

// A broken promise between our own functions.
class BugError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};
[[noreturn]] void fail_check(const char* condition, const char* file, int line,
                             const std::string& why);

}  // namespace tenk

#define TENK_CHECK(condition, why)                                             \
  do {                                                                         \
    if (!(condition)) ::tenk::fail_check(#condition, __FILE__, __LINE__, why); \
  } while (false)
