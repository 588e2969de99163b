// CLI11 splits the command line; every text is judged, and every message written, here.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>

#include "analysis/cli/command.h"
#include "analysis/sizes.h"
#include "analysis/validate/validation.h"
#include "sim/base/config.h"
#include "sim/base/error.h"
#include "sim/base/kinds.h"
#include "sim/base/text.h"
#include "workloads/benchmark.h"

namespace tenk {
namespace {

using Texts = std::vector<std::string>;

[[noreturn]] void refuse(const std::string& message, std::string_view command) {
  throw Error(ErrorKind::kUsage,
              fmt::format("{} (tenk help{}{})", message, command.empty() ? "" : " ", command));
}

std::string did_you_mean(std::string_view word, const Texts& allowed) {
  const std::string nearest = nearest_name(word, allowed);
  return nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest);
}

// The texts as they came. CLI11 keeps pointers into it, so it must not move while parsing.
struct Raw {
  Texts positionals, set, format, out, baseline, op, bytes, factor, collective, gpu, nodes, gpus,
      device, flows;
  bool help = false, version = false, no_colour = false, all = false;
};

void add_option(CLI::App& command, const std::string& names, Texts& into) {
  command
      .add_option(names,
                  [&into](const CLI::results_t& results) {
                    into = results;
                    return true;
                  })
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

CLI::App& add_command(CLI::App& tenk, const std::string& name, Raw& raw) {
  CLI::App& command = *tenk.add_subcommand(name);
  command.set_help_flag();
  command.add_flag("-h,--help", raw.help);
  command.add_flag("--no-color", raw.no_colour);
  command.allow_extras();
  return command;
}

void add_predict_options(CLI::App& command, Raw& raw) {
  add_option(command, "--set", raw.set);
  add_option(command, "--format", raw.format);
  add_option(command, "-o,--output", raw.out);
}

Texts option_names(const CLI::App& command) {
  Texts names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

bool is_option_of_commands(const CLI::App& app, const std::string& name) {
  const auto commands = app.get_subcommands(nullptr);  // All there are.
  return std::any_of(commands.begin(), commands.end(), [&](const CLI::App* command) {
    const Texts names = option_names(*command);
    return std::find(names.begin(), names.end(), name) != names.end();
  });
}

// The words among what CLI11 left over; anything else there is an option nobody knows.
Texts words_of(const CLI::App& app, const std::string& command) {
  Texts words;
  for (const std::string& text : app.remaining()) {
    if (!text.starts_with('-') || text == "-") {
      words.push_back(text);
      continue;
    }
    const std::string name = text.substr(0, text.find('='));
    if (is_option_of_commands(app, name)) {
      refuse(fmt::format("{0} goes after the command: tenk run SCENARIO {0} ...", name), "");
    }
    const bool is_long = name.starts_with("--");
    refuse(fmt::format("unknown option {}{}", shown(name),
                       is_long ? did_you_mean(name, option_names(app)) : ""),
           command);
  }
  return words;
}

std::string last_of(const Texts& texts, const std::string& otherwise) {
  return texts.empty() ? otherwise : texts.back();
}

// The index of `word` in `names`.
template <std::size_t kCount>
std::size_t choose(const std::string& option, const std::string& word,
                   const std::array<std::string_view, kCount>& names, std::string_view command) {
  const auto found = std::find(names.begin(), names.end(), word);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  refuse(fmt::format("{}: \"{}\" is none of {}{}", option, shown(word), fmt::join(names, ", "),
                     did_you_mean(word, Texts(names.begin(), names.end()))),
         command);
}

std::string out_folder(const Raw& raw, std::string_view command) {
  if (!raw.out.empty() && raw.out.back().empty()) refuse("-o: the directory has no name", command);
  return last_of(raw.out, "");
}

// `formats`: all that the command knows, kFormatNames first.
template <std::size_t kCount>
PredictOptions predict_options(const Raw& raw, const std::string& command,
                               const std::array<std::string_view, kCount>& formats) {
  if (raw.positionals.empty()) refuse("SCENARIO, a file, is missing", command);
  if (raw.positionals.size() > 1) {
    refuse(
        fmt::format("unexpected argument \"{}\": there is one SCENARIO", shown(raw.positionals[1])),
        command);
  }
  PredictOptions options;
  options.scenario = raw.positionals[0];
  options.set = raw.set;
  const std::string format = last_of(raw.format, "table");
  options.format = static_cast<Format>(choose("--format", format, formats, command));
  options.out = out_folder(raw, command);
  options.no_colour = raw.no_colour;
  return options;
}

PredictOptions predict_options(const Raw& raw, const std::string& command) {
  return predict_options(raw, command, kFormatNames);
}

CompareCommand compare_command(const Raw& raw) {
  const std::string name = "compare";
  if (raw.positionals.size() < 2) refuse("two or more FILEs are needed", name);
  Raw first = raw;
  first.positionals.resize(1);
  CompareCommand command;
  command.options = predict_options(first, name);
  command.options.scenario.clear();
  command.files = raw.positionals;
  command.baseline = last_of(raw.baseline, "");
  if (!raw.baseline.empty() && command.baseline.empty()) {
    refuse("--baseline: the name is empty", name);
  }
  return command;
}

TopoCommand topo_command(const Raw& raw) {
  std::array<std::string_view, kFormatNames.size() + 1> formats{};
  std::copy(kFormatNames.begin(), kFormatNames.end(), formats.begin());
  formats.back() = "svg";
  TopoCommand command;
  command.options = predict_options(raw, "topo", formats);
  command.picture = command.options.format == static_cast<Format>(kFormatNames.size());
  return command;
}

ListCommand list_command(const Raw& raw) {
  if (raw.positionals.size() > 1) {
    refuse(fmt::format("unexpected argument \"{}\": there is one KIND", shown(raw.positionals[1])),
           "list");
  }
  constexpr std::array<std::string_view, 2> kFormats = {"table", "json"};
  ListCommand command;
  command.kind = raw.positionals.empty() ? "" : raw.positionals[0];
  command.json = choose("--format", last_of(raw.format, "table"), kFormats, "list") == 1;
  return command;
}

ShowCommand show_command(const Raw& raw) {
  if (raw.positionals.empty()) refuse("NAME is missing", "show");
  if (raw.positionals.size() > 1) {
    refuse(fmt::format("unexpected argument \"{}\": there is one NAME", shown(raw.positionals[1])),
           "show");
  }
  return {raw.positionals[0]};
}

// A whole number of things, or nothing if the option was not given.
std::optional<std::int64_t> count_of(const std::string& option, const Texts& texts,
                                     const std::string& command, std::int64_t least = 1,
                                     std::int64_t most = 10'000'000) {
  if (texts.empty()) return std::nullopt;
  const std::string& text = texts.back();
  const char* last = text.data() + text.size();
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), last, count);
  if (error == std::errc() && end == last && count >= least && count <= most) return count;
  refuse(
      fmt::format("{}: \"{}\" is no whole number from {} to {}", option, shown(text), least, most),
      command);
}

CollectiveCommand collective_command(const Raw& raw) {
  const std::string name = "collective";
  CollectiveCommand command;
  command.options = predict_options(raw, name);
  const std::string op = last_of(raw.op, "all_reduce");
  std::array<std::string_view, kBenchmarkOps.size()> ops;
  std::transform(kBenchmarkOps.begin(), kBenchmarkOps.end(), ops.begin(),
                 [](Collective c) { return name_of(c); });
  command.op = kBenchmarkOps[choose("--op", op, ops, name)];
  constexpr std::int64_t kMost = 1'000'000;
  const std::int64_t factor = count_of("--factor", raw.factor, name, 2, kMost).value_or(2);
  command.sizes = parse_sizes(last_of(raw.bytes, "8B..8GiB"), factor);
  return command;
}

FlowsCommand flows_command(const Raw& raw) {
  FlowsCommand command{predict_options(raw, "flows"), last_of(raw.flows, "")};
  if (!raw.flows.empty() && command.flows.empty()) refuse("--flows: the file has no name", "flows");
  return command;
}

// KIND FILE...: the first word is one of `kinds`.
template <class Kinds>
std::pair<std::string, Texts> kind_and_files(const Raw& raw, const Kinds& kinds,
                                             std::string_view command) {
  const Texts names = names_of(kinds);
  if (raw.positionals.empty()) {
    refuse(fmt::format("KIND is missing: {}", fmt::join(names, ", ")), command);
  }
  const std::string& kind = raw.positionals[0];
  if (find_kind(kinds, kind) == nullptr) {
    refuse(fmt::format("\"{}\" is none of {}{}", shown(kind), fmt::join(names, ", "),
                       did_you_mean(kind, names)),
           command);
  }
  if (raw.positionals.size() < 2) refuse("FILE is missing", command);
  return {kind, Texts(raw.positionals.begin() + 1, raw.positionals.end())};
}

ImportCommand import_command(const Raw& raw) {
  auto [kind, files] = kind_and_files(raw, import_kinds(), "import");
  return {std::move(kind),
          std::move(files),
          {.collective = last_of(raw.collective, ""),
           .gpu = last_of(raw.gpu, ""),
           .nodes = count_of("--nodes", raw.nodes, "import"),
           .gpus = count_of("--gpus", raw.gpus, "import")},
          out_folder(raw, "import")};
}

ValidateCommand validate_command(const Raw& raw) {
  auto [kind, files] = kind_and_files(raw, validation_kinds(), "validate");
  const std::string format = last_of(raw.format, "table");
  return {std::move(kind), std::move(files),
          static_cast<Format>(choose("--format", format, kFormatNames, "validate")),
          out_folder(raw, "validate"), raw.no_colour};
}

CalibrateCommand calibrate_command(const Raw& raw) {
  const std::string format = last_of(raw.format, "table");
  return {.files = raw.positionals,
          .all = raw.all,
          .device = last_of(raw.device, ""),
          .format = static_cast<Format>(choose("--format", format, kFormatNames, "calibrate")),
          .out = out_folder(raw, "calibrate"),
          .no_colour = raw.no_colour};
}

Command help_command(const Texts& topics) {
  if (topics.empty()) return HelpCommand{};
  const Texts names = command_names();
  if (std::find(names.begin(), names.end(), topics[0]) == names.end()) {
    refuse(
        fmt::format("there is no command {}{}", shown(topics[0]), did_you_mean(topics[0], names)),
        "");
  }
  return HelpCommand{topics[0]};
}

[[noreturn]] void refuse_command(const std::string& word) {
  refuse(fmt::format("unknown command {}{}", shown(word), did_you_mean(word, command_names())), "");
}

// No command was recognised: what stands in its place?
Command without_command(const Raw& raw, const Texts& words) {
  if (!words.empty()) refuse_command(words[0]);
  if (raw.help) return HelpCommand{};
  if (raw.version) return VersionCommand{};
  refuse(fmt::format("a command is missing: {}", fmt::join(command_names(), ", ")), "");
}

Command command_of(const std::string& name, const Raw& raw) {
  if (raw.help) return HelpCommand{name};
  if (name == "run") return RunCommand{predict_options(raw, name)};
  if (name == "compare") return compare_command(raw);
  if (name == "collective") return collective_command(raw);
  if (name == "flows") return flows_command(raw);
  if (name == "topo") return topo_command(raw);
  if (name == "list") return list_command(raw);
  if (name == "show") return show_command(raw);
  if (name == "import") return import_command(raw);
  if (name == "validate") return validate_command(raw);
  if (name == "calibrate") return calibrate_command(raw);
  if (name == "help") return help_command(raw.positionals);
  if (raw.positionals.empty()) refuse("FILE is missing", name);
  return CheckCommand{raw.positionals};
}

// CLI11 names the option first: "--format: 1 required TEXT missing".
[[noreturn]] void refuse_error(const CLI::ParseError& error, const std::string& command) {
  const std::string text = error.what();
  const std::size_t colon = text.find(':');
  const bool value_missing = dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr &&
                             text.starts_with('-') && colon != std::string::npos;
  refuse(value_missing ? text.substr(0, colon) + " needs a value" : shown(text), command);
}

// Declares all commands and parses `arguments` into `raw`.
void parse(Texts arguments, CLI::App& tenk, Raw& raw) {
  tenk.set_help_flag();
  tenk.add_flag("-h,--help", raw.help);
  tenk.add_flag("--version", raw.version);
  tenk.allow_extras();
  tenk.require_subcommand(0, 1);
  add_predict_options(add_command(tenk, "run", raw), raw);
  CLI::App& comparison = add_command(tenk, "compare", raw);
  add_predict_options(comparison, raw);
  add_option(comparison, "--baseline", raw.baseline);
  CLI::App& collective = add_command(tenk, "collective", raw);
  add_predict_options(collective, raw);
  add_option(collective, "--op", raw.op);
  add_option(collective, "--bytes", raw.bytes);
  add_option(collective, "--factor", raw.factor);
  CLI::App& flows = add_command(tenk, "flows", raw);
  add_predict_options(flows, raw);
  add_option(flows, "--flows", raw.flows);
  add_predict_options(add_command(tenk, "topo", raw), raw);
  add_option(add_command(tenk, "list", raw), "--format", raw.format);
  add_command(tenk, "show", raw);
  add_command(tenk, "check", raw);
  CLI::App& import = add_command(tenk, "import", raw);
  add_option(import, "-o,--output", raw.out);
  add_option(import, "--collective", raw.collective);
  add_option(import, "--gpu", raw.gpu);
  add_option(import, "--nodes", raw.nodes);
  add_option(import, "--gpus", raw.gpus);
  CLI::App& validate = add_command(tenk, "validate", raw);
  add_option(validate, "--format", raw.format);
  add_option(validate, "-o,--output", raw.out);
  CLI::App& calibrate = add_command(tenk, "calibrate", raw);
  add_option(calibrate, "--format", raw.format);
  add_option(calibrate, "-o,--output", raw.out);
  add_option(calibrate, "--device", raw.device);
  calibrate.add_flag("--all", raw.all);
  add_command(tenk, "help", raw);
  try {
    std::reverse(arguments.begin(), arguments.end());  // Last first, says CLI11.
    tenk.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    const auto parsed = tenk.get_subcommands();
    refuse_error(error, parsed.empty() ? "" : parsed[0]->get_name());
  }
}

}  // namespace

Command parse_arguments(int argc, const char* const* argv) {
  Texts arguments(argv + std::min(argc, 1), argv + argc);
  // What follows "--" is a file, whatever it looks like. CLI11 would lose track of its command.
  const auto mark = std::find(arguments.begin(), arguments.end(), "--");
  const Texts plain(mark == arguments.end() ? mark : mark + 1, arguments.end());
  arguments.erase(mark, arguments.end());
  Raw raw;
  CLI::App tenk;
  parse(std::move(arguments), tenk, raw);
  Texts words = words_of(tenk, "");
  const auto parsed = tenk.get_subcommands();
  if (parsed.empty()) {
    words.insert(words.end(), plain.begin(), plain.end());
    return without_command(raw, words);
  }
  if (!words.empty()) refuse_command(words[0]);
  if (raw.version) return VersionCommand{};
  const std::string name = parsed[0]->get_name();
  raw.positionals = words_of(*parsed[0], name);
  raw.positionals.insert(raw.positionals.end(), plain.begin(), plain.end());
  return command_of(name, raw);
}

}  // namespace tenk
