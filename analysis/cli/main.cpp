// The program: parse, execute, and turn what is thrown into a message and an exit code.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <new>

#include "analysis/cli/command.h"
#include "analysis/cli/output.h"
#include "sim/base/error.h"

namespace {

constexpr int kBugCode = 1;

// A stream that the caller closed would be the next file we open: results would get messages in
// them. Standard output is opened for reading, so that writing to it fails as it should.
void fill_closed_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) >= 0) continue;
    if (open("/dev/null", stream == STDERR_FILENO ? O_WRONLY : O_RDONLY) < 0) return;
  }
}

int report_bug(const std::string& what) {
  tenk::print_message(fmt::format(
      "tenk: this is a bug in tenk, not in your input: {}\n"
      "Please report it with this text, the command line, the scenario and the output of "
      "tenk --version.",
      what));
  return kBugCode;
}

int report_error(const tenk::Error& error) {
  const bool has_place = !error.faults().front().where.file.empty();
  tenk::print_message(fmt::format("{}{}", has_place ? "" : "tenk: ", error.what()));
  return error.exit_code();
}

}  // namespace

int main(int argc, char** argv) try {
  fill_closed_streams();
  std::signal(SIGPIPE, SIG_IGN);  // A closed pipe is then an error of the write.
  const tenk::Command command = tenk::parse_arguments(argc, argv);
  return std::visit([](const auto& c) { return tenk::execute(c); }, command);
} catch (const tenk::Error& error) {
  return report_error(error);
} catch (const std::bad_alloc&) {
  tenk::print_message("tenk: out of memory; the scenario is too large for this machine");
  return static_cast<int>(tenk::ErrorKind::kFile);
} catch (const std::exception& error) {
  return report_bug(error.what());
} catch (...) {
  return report_bug("something that is no exception of the standard library");
}
