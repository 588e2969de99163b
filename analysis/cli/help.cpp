#include <algorithm>
#include <array>

#include "analysis/cli/command.h"
#include "analysis/cli/output.h"
#include "sim/base/error.h"
#include "sim/base/version.h"

namespace tenk {
namespace {

struct Topic {
  std::string_view command, text;
};

constexpr std::array<Topic, 13> kTopics = {
    {{"", R"(tenk: what throughput will a cluster give?

usage: tenk COMMAND ...

  tenk run SCENARIO         predict one training step: time, tokens/s, MFU, hot links, cost
  tenk compare FILE...      the same job on several clusters: who is fastest, cheapest, and why
  tenk collective SCENARIO  a table like that of nccl-tests for this cluster
  tenk flows CASE           when does each of many point-to-point flows end?
  tenk topo SCENARIO        counts, diameter, bisection, cost and a picture; no simulation
  tenk validate KIND FILE...
                            predict what others measured: how far off are we?
  tenk import KIND FILE...  other tools' measurements into tenk's tables
  tenk calibrate FILE...    constants of hardware and libraries from measurements, with intervals
  tenk list [KIND]          which presets, fabrics, algorithms, ... are there?
  tenk show NAME            one of them
  tenk check FILE...        are these scenarios and profiles valid?
  tenk help [COMMAND]       this text, or how to use a command
  tenk --version            the version

exit codes: 0 ok; 1 a bug of tenk; 2 wrong usage; 3 invalid input; 4 a file that cannot be opened,
parsed or written; 5 deadlock; 6 a goal missed. docs/cli.md says more.
)"},
     {"run", R"(usage: tenk run SCENARIO [options]

Predicts one training step of the scenario's job on its cluster.

  --set KEY=VALUE      change a value of the scenario (cluster.nodes=64); may be repeated
  --format FORMAT      table (default), json, csv or md
  -o, --output DIR     also write result.json, result.h5 and resolved.yaml to DIR
  --no-color           plain text also on a terminal (as does NO_COLOR=1)
)"},
     {"compare", R"(usage: tenk compare FILE FILE... [options]

Predicts the job of each scenario and compares them: speed, where the time goes, hot links, cost,
and whether the lead of the first survives what is uncertain. A cluster is called by its file.

  --baseline NAME      compare with this one: a file without folder and ending, or the name of a
                       scenario; default: the first
  --set KEY=VALUE      change a value of all scenarios (job.batch.global=640); may be repeated
  --format FORMAT      table (default), json, csv or md
  -o, --output DIR     also write result.json, and resolved-1.yaml, ... to DIR
  --no-color           plain text also on a terminal (as does NO_COLOR=1)
)"},
     {"collective", R"(usage: tenk collective SCENARIO [options]

Runs one collective over all accelerators of the scenario's cluster, once for each size.

  --op OP              all_reduce (default), all_gather, reduce_scatter, all_to_all,
                       broadcast or reduce
  --bytes SIZES        8B..8GiB (default), a single size (1MB), or a list (8B,1KiB..1GiB)
  --factor N           a range grows by this factor, a whole number; default 2
  --set KEY=VALUE      change a value of the scenario (cluster.nodes=64); may be repeated
  --format FORMAT      table (default), json, csv or md
  -o, --output DIR     also write result.json and resolved.yaml to DIR
  --no-color           plain text also on a terminal (as does NO_COLOR=1)
)"},
     {"flows", R"(usage: tenk flows CASE [options]
       tenk flows SCENARIO --flows FILE.csv [options]

Moves raw point-to-point flows over a network that they share max-min fairly. A CASE (JSON,
docs/formats.md) has its own network and flows, perhaps with the paths they take; a list of flows
(columns id, src, dst, bytes, start_us) runs on the accelerators of a scenario's cluster, routed by
its fabric. Files may be gzipped.

  --flows FILE         the flows for the scenario's cluster
  --set KEY=VALUE      change a value of the scenario (cluster.nodes=64); may be repeated
  --format FORMAT      table (default), json, csv (one line a flow) or md
  -o, --output DIR     also write result.json, and with --flows resolved.yaml, to DIR
  --no-color           plain text also on a terminal (as does NO_COLOR=1)
)"},
     {"topo", R"(usage: tenk topo SCENARIO [options]

Describes the scenario's cluster without simulation: switches, cables, diameter, bisection,
oversubscription, cost. The picture shows a few switches for all, and the inside of a node.

  --format FORMAT      table (default), json, csv, md or svg (the picture)
  --set KEY=VALUE      change a value of the scenario (cluster.nodes=64); may be repeated
  -o, --output DIR     also write topology.json, topology.svg and resolved.yaml to DIR
  --no-color           plain text also on a terminal (as does NO_COLOR=1)
)"},
     {"list", R"(usage: tenk list [KIND] [options]

Lists what a scenario can name: presets (accelerators, nodes, collectives, prices), and the fabrics,
node-kinds, algorithms, schedules and engines that are built in. Without KIND: the kinds.

  --format FORMAT      table (default) or json
)"},
     {"show", R"(usage: tenk show NAME

Prints a preset's YAML as it is, or what a fabric, algorithm, schedule or engine is. Where several
kinds have the name, NAME may be KIND/NAME: nodes/endpoint.
)"},
     {"check", R"(usage: tenk check FILE...

Reads each file as a scenario, or as a profile (accelerator, node, collectives, prices) if it has
the form of one. Prints "FILE: ok" or all its faults; the exit code is that of the worst file.
)"},
     {"import", R"(usage: tenk import KIND FILE... [options]

Reads what other tools measured and writes it as tenk's own tables (kernels, collectives, links;
docs/formats.md), for tenk calibrate and tenk validate. Files may be gzipped. tenk list importers
names the kinds. What was passed over or guessed is said on standard error.

  -o, --output DIR     write DIR/kernels.csv, collectives.csv and links.csv, those that have rows,
                       and all in measurements.h5; without it the one table goes to standard output
  --collective OP      which collective it was, where the file does not say
  --gpu NAME           what the gpu column shall say; default: as the file names the device
  --gpus N, --nodes N  how many took part, where the file does not say
)"},
     {"validate", R"(usage: tenk validate KIND FILE... [options]

Predicts every row of tables of published measurements (docs/formats.md) from its own columns and
prints the errors: by part, by profile, by kind of row, the worst rows, what was left out and why,
what was assumed. tenk list validations names the kinds. Files may be gzipped.

  --format FORMAT      table (default), json, csv (one line a row) or md
  -o, --output DIR     also write result.json, rows.csv and scatter.svg to DIR
  --no-color           plain text also on a terminal (as does NO_COLOR=1)
)"},
     {"calibrate", R"(usage: tenk calibrate FILE... [options]

Fits what tables of measurements (docs/formats.md; tenk import makes them) can tell: latency,
bandwidth and switch points of collectives by size, latency a step, latency and bandwidth of links.
Prints each constant with its 95 % interval, the errors on the rows fitted and on rows held out, and
what was refused and why. Files may be gzipped. Files below calibration/measured/ are our own: they
come before published rows of the same thing.

  --all                also read all tables below calibration/measured/ (as without FILE)
  --format FORMAT      table (default), json, csv (one line a constant) or md
  -o, --output DIR     also write the profiles (collectives.yaml, links.yaml), calibration.json,
                       calibration.md, constants.csv and pictures of the residuals to DIR
  -o, --output F.yaml  write the one profile that was fitted to this file
  --no-color           plain text also on a terminal (as does NO_COLOR=1)

Exit code 6: nothing could be fitted.
)"},
     {"help", R"(usage: tenk help [COMMAND]
)"}}};

}  // namespace

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const Topic& topic : kTopics) {
    if (!topic.command.empty()) names.emplace_back(topic.command);
  }
  return names;
}

std::string_view help_text(std::string_view command) {
  const auto topic = std::find_if(kTopics.begin(), kTopics.end(),
                                  [&](const Topic& t) { return t.command == command; });
  TENK_CHECK(topic != kTopics.end(), "help about a command that does not exist");
  return topic->text;
}

int execute(const HelpCommand& command) {
  print(help_text(command.topic));
  return 0;
}

int execute(const VersionCommand&) {
  print("tenk " + std::string(kVersion) + "\n");
  return 0;
}

}  // namespace tenk
