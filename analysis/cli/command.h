// What did the user ask for, and what does each command do?
//
// Parsing (arguments.cpp, the only file that knows CLI11) gives one of these values; each command
// is one function of its value that calls the analysis, prints, and returns the exit code.
#pragma once
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "analysis/report/report.h"
#include "calibration/importers/importer.h"
#include "sim/base/units.h"
#include "sim/plan/category.h"

namespace tenk {

// What `run` and `collective` have in common.
struct PredictOptions {
  std::string scenario;          // Path.
  std::vector<std::string> set;  // "a.b=c", in the order given.
  Format format = Format::kTable;
  std::string out;  // A folder; empty: none.
  bool no_colour = false;
};

struct RunCommand {
  PredictOptions options;
};
struct CompareCommand {
  PredictOptions options;  // .scenario is empty.
  std::vector<std::string> files;
  std::string baseline;  // Empty: the first.
};
struct CollectiveCommand {
  PredictOptions options;
  Collective op = Collective::kAllReduce;
  std::vector<Bytes> sizes;
};
struct FlowsCommand {
  PredictOptions options;  // .scenario: of the flows below; or a packet-level case.
  std::string flows;       // Path; empty: the case has them.
};
struct TopoCommand {
  PredictOptions options;
  bool picture = false;  // --format svg; options.format then means nothing.
};
struct ListCommand {
  std::string kind;  // Empty: the kinds themselves.
  bool json = false;
};
struct ShowCommand {
  std::string name;  // "h100-sxm", or with its kind "nodes/endpoint".
};
struct CheckCommand {
  std::vector<std::string> files;
};
struct ImportCommand {
  std::string kind;
  std::vector<std::string> files;
  ImportOptions options;
  std::string out;  // A folder; empty: to standard output.
};
struct ValidateCommand {
  std::string kind;
  std::vector<std::string> files;
  Format format = Format::kTable;
  std::string out;  // A folder; empty: none.
  bool no_colour = false;
};
struct CalibrateCommand {
  std::vector<std::string> files;
  bool all = false;    // Also what we measured ourselves.
  std::string device;  // Accelerator preset; empty: as the rows name it.
  Format format = Format::kTable;
  std::string out;  // A folder, or the file of the one profile; empty: none.
  bool no_colour = false;
};
struct HelpCommand {
  std::string topic;  // A command, or empty.
};
struct VersionCommand {};

using Command = std::variant<RunCommand, CompareCommand, CollectiveCommand, FlowsCommand,
                             TopoCommand, ListCommand, ShowCommand, CheckCommand, ImportCommand,
                             ValidateCommand, CalibrateCommand, HelpCommand, VersionCommand>;

// Throws Error{kUsage} for anything that is not a command line of tenk.
Command parse_arguments(int argc, const char* const* argv);

int execute(const RunCommand& command);
int execute(const CompareCommand& command);
int execute(const CollectiveCommand& command);
int execute(const FlowsCommand& command);
int execute(const TopoCommand& command);
int execute(const ListCommand& command);
int execute(const ShowCommand& command);
int execute(const CheckCommand& command);
int execute(const ImportCommand& command);
int execute(const ValidateCommand& command);
int execute(const CalibrateCommand& command);
int execute(const HelpCommand& command);
int execute(const VersionCommand& command);

std::vector<std::string> command_names();
// How to use one of them (empty: all of tenk).
std::string_view help_text(std::string_view command);

}  // namespace tenk
