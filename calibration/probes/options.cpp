#include "calibration/probes/options.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <numeric>

namespace tenk::probe {
namespace {

std::vector<std::string> option_names() {
  return {"--help", "--list", "--only", "--seconds", "--device", "--shrink", "-o", "-h"};
}

// "; did you mean --list?" or what is allowed.
std::string advice(const std::string& word, const std::vector<std::string>& allowed) {
  const std::string near = nearest_word(word, allowed);
  if (!near.empty()) return "; did you mean " + near + "?";
  std::string all;
  for (const std::string& name : allowed) all += (all.empty() ? "" : ", ") + name;
  return "; expected one of " + all;
}

double number(const std::string& option, const std::string& text, double least, double most) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !std::isfinite(value) || value < least || value > most) {
    throw UsageError(option + ": found \"" + text + "\", expected a number from " +
                     std::to_string(static_cast<std::int64_t>(least)) + " to " +
                     std::to_string(static_cast<std::int64_t>(most)));
  }
  return value;
}

std::int64_t whole(const std::string& option, const std::string& text, double least, double most) {
  const double value = number(option, text, least, most);
  if (value != std::floor(value)) {
    throw UsageError(option + ": found \"" + text + "\", expected a whole number");
  }
  return static_cast<std::int64_t>(value);
}

bool begins_family(const std::string& family, const std::string& name) {
  return name == family || name.compare(0, family.size() + 1, family + "-") == 0;
}

void add_names(const std::string& list, const std::vector<std::string>& names, Options& options) {
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    const std::string word = list.substr(begin, end - begin);
    const bool known = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return begins_family(word, name);
    });
    if (!known) throw UsageError("--only: no probe \"" + word + "\"" + advice(word, names));
    options.only.push_back(word);
    begin = end + 1;
  }
}

}  // namespace

Options parse_options(const std::vector<std::string>& arguments,
                      const std::vector<std::string>& names) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string option = arguments[i];
    if (option == "--help" || option == "-h") {
      options.help = true;
      continue;
    }
    if (option == "--list") {
      options.list = true;
      continue;
    }
    const std::size_t equals = option.rfind("--", 0) == 0 ? option.find('=') : std::string::npos;
    const bool inside = equals != std::string::npos;
    std::string value = inside ? option.substr(equals + 1) : "";
    option = option.substr(0, equals);
    const std::vector<std::string> known = option_names();
    if (std::find(known.begin(), known.end(), option) == known.end()) {
      throw UsageError("unknown option \"" + option + "\"" + advice(option, known));
    }
    if (!inside) {
      if (++i == arguments.size()) throw UsageError(option + ": expected a value");
      value = arguments[i];
    }
    if (option == "--only") add_names(value, names, options);
    if (option == "--seconds") options.seconds = number(option, value, 1, 86400);
    if (option == "--device") options.device = static_cast<int>(whole(option, value, 0, 255));
    if (option == "--shrink") options.shrink = whole(option, value, 1, 1 << 20);
    if (option == "-o") options.directory = value;
    if (option == "--help" || option == "--list") {
      throw UsageError(option + ": takes no value, found \"" + value + "\"");
    }
  }
  return options;
}

bool is_wanted(const Options& options, const std::string& name) {
  return options.only.empty() ||
         std::any_of(options.only.begin(), options.only.end(),
                     [&](const std::string& family) { return begins_family(family, name); });
}

std::string nearest_word(const std::string& word, const std::vector<std::string>& allowed) {
  std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
  std::string nearest;
  for (const std::string& name : allowed) {
    std::vector<std::size_t> row(name.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < word.size(); ++i) {
      std::size_t corner = row[0]++;
      for (std::size_t j = 0; j < name.size(); ++j) {
        const std::size_t change = corner + (word[i] == name[j] ? 0 : 1);
        corner = row[j + 1];
        row[j + 1] = std::min({change, row[j] + 1, corner + 1});
      }
    }
    if (row[name.size()] < least) {
      least = row[name.size()];
      nearest = name;
    }
  }
  return nearest;
}

std::string usage_text() {
  return R"(tenk-probe: times kernels, memory, launches and links of one GPU for tenk

usage: tenk-probe [--list] [--only NAME,...] [--seconds S] [-o DIR] [--device N] [--shrink N]

  --list         the probes, most valuable first, and exit
  --only NAMES   these probes or families alone (gemm, gemm-bf16, links, ...)
  --seconds S    stop after about S seconds (480); what was skipped is said
  -o DIR         kernels.csv, links.csv, meta.csv, clocks.csv, run.txt go there
  --device N     which GPU (0)
  --shrink N     all sizes divided by N: tries the program, measures nothing

exit: 0 done; 1 a result was wrong or a call failed; 2 usage; 4 DIR cannot be written; 5 no GPU
)";
}

}  // namespace tenk::probe
