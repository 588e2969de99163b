// Text output of nccl-tests and rccl-tests, of any release.
//
// Columns go by the header that stands over them, so extra ones (-I, -T) and missing ones (old
// releases) need no case of their own. Printed numbers are cut to six or seven characters: the
// bandwidth is computed anew from size and time, and the time from size and bandwidth where that
// has more digits left ("1.2e+06"). The printed values must agree with each other; else a unit, the
// collective or the number of ranks is not what it seems.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "calibration/importers/importer.h"
#include "calibration/importers/nccl.h"
#include "calibration/importers/text_lines.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);
constexpr double kSlack = 0.005;  // Of printed values against each other, beside their digits.
constexpr double kWorstDeviation = 0.05;  // Old releases print the largest deviation, not a count.
constexpr double kUsPerMs = 1000;
constexpr std::size_t kMostLabels = 65536;  // Processes whose output is kept apart.

enum class Column { kSize, kCount, kType, kRedop, kRoot, kTime, kAlgbw, kBusbw, kWrong, kOther };

struct Layout {
  std::vector<Column> columns;
  std::vector<std::string> names;
  double us_per_unit = 1;
  bool deviation = false;  // `wrong` is the largest deviation.
};

Column column_of(const std::string& name) {
  if (name == "size" || name == "bytes") return Column::kSize;
  if (name == "count" || name == "N") return Column::kCount;
  if (name == "type") return Column::kType;
  if (name == "redop" || name == "op") return Column::kRedop;
  if (name == "root") return Column::kRoot;
  if (name == "time" || name == "cputime") return Column::kTime;
  if (name == "algbw") return Column::kAlgbw;
  if (name == "busbw") return Column::kBusbw;
  if (name == "#wrong" || name == "wrong" || name == "error" || name == "res" || name == "delta") {
    return Column::kWrong;
  }
  return Column::kOther;
}

// "#  size  count  type ... time algbw busbw ...", and nothing else.
std::optional<Layout> layout_of(const std::vector<Word>& words) {
  Layout layout;
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string name(words[i].text);
    if (i == 0) name.erase(0, name.find_first_not_of('#'));
    if (name.empty()) continue;
    layout.columns.push_back(column_of(name));
    layout.deviation |= name == "error" || name == "res" || name == "delta";
    layout.names.push_back(std::move(name));
  }
  const auto has = [&](Column c) {
    return std::find(layout.columns.begin(), layout.columns.end(), c) != layout.columns.end();
  };
  if (layout.names.empty() || layout.columns[0] != Column::kSize || !has(Column::kTime) ||
      !has(Column::kAlgbw) || !has(Column::kBusbw)) {
    return std::nullopt;
  }
  // Releases before 2.1 name the columns so, give no unit line, and print milliseconds.
  if (layout.names[0] == "bytes") layout.us_per_unit = kUsPerMs;
  return layout;
}

bool is_missing(std::string_view text) { return text == "N/A" || text == "n/a" || text == "-"; }

struct Timing {
  Amount time_us;
  bool wrong = false;    // Wrong results were counted.
  bool checked = false;  // Results were looked at.
};
struct Row {
  std::int64_t bytes = 0;
  std::string type, redop;
  std::vector<Timing> timings;  // Out of place, in place.
  double ratio_low = 0, ratio_high = std::numeric_limits<double>::infinity();  // Of busbw / algbw.
};
struct Misfit {
  std::size_t word = 0;
  std::string message;
};

// One reading of a row: which column each word is taken for.
class RowReading {
 public:
  RowReading(const std::vector<Word>& words, const Layout& layout, std::vector<std::size_t> columns)
      : words_(words), layout_(layout), columns_(std::move(columns)) {}

  // Nothing if the words fit their columns and each other.
  std::optional<Misfit> read(Row& row) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (auto misfit = take(i, row)) return misfit;
    }
    if (auto misfit = finish_timing(row)) return misfit;
    return std::nullopt;
  }

 private:
  std::optional<Misfit> expected(std::size_t i, std::string_view what) const {
    return Misfit{i, fmt::format("{}: found \"{}\", expected {}", layout_.names[columns_[i]],
                                 shown(words_[i].text), what)};
  }

  std::optional<Misfit> take(std::size_t i, Row& row) {
    const std::string_view text = words_[i].text;
    const bool numeric = number_of(text).has_value();
    switch (layout_.columns[columns_[i]]) {
      case Column::kSize:
        if (!whole_of(text)) return expected(i, "a whole number of bytes");
        row.bytes = *whole_of(text);
        break;
      case Column::kCount:
        if (!whole_of(text)) return expected(i, "a whole number of elements");
        break;
      case Column::kType:
        if (numeric) return expected(i, "the name of a type");
        row.type = text;
        break;
      case Column::kRedop:
        if (numeric) return expected(i, "the name of an operation");
        row.redop = text;
        break;
      case Column::kTime:
        if (auto misfit = finish_timing(row)) return misfit;
        time_ = algbw_ = busbw_ = wrong_ = kNone;
        time_ = i;
        [[fallthrough]];
      case Column::kAlgbw:
      case Column::kBusbw:
      case Column::kWrong:
      case Column::kRoot:
        if (!numeric && !is_missing(text)) return expected(i, "a number");
        if (numeric && *number_of(text) < 0 && layout_.columns[columns_[i]] != Column::kRoot) {
          return expected(i, "a number that is not negative");
        }
        note(i);
        break;
      case Column::kOther:
        break;
    }
    return std::nullopt;
  }

  void note(std::size_t i) {
    const Column column = layout_.columns[columns_[i]];
    if (column == Column::kAlgbw) algbw_ = i;
    if (column == Column::kBusbw) busbw_ = i;
    if (column == Column::kWrong) wrong_ = i;
  }

  Amount value(std::size_t i) const {
    return i == kNone ? std::nullopt : number_of(words_[i].text);
  }

  // How far the printed value may be from the true one.
  double doubt(std::size_t i) const { return 1.01 * last_digit(words_[i].text); }

  std::optional<Misfit> finish_timing(Row& row) {
    if (time_ == kNone) return std::nullopt;
    Timing timing;
    const Amount wrong = value(wrong_);
    timing.checked = wrong.has_value();
    timing.wrong = wrong && *wrong > (layout_.deviation ? kWorstDeviation : 0);
    const Amount time = value(time_);
    if (time && row.bytes > 0) {
      if (!(*time > 0)) return expected(time_, "a time above 0");
      timing.time_us = *time * layout_.us_per_unit;
      if (auto misfit = check(row, timing)) return misfit;
    }
    row.timings.push_back(timing);
    time_ = kNone;
    return std::nullopt;
  }

  // Do size, time and bandwidth agree? Takes the time from the one with more digits.
  std::optional<Misfit> check(Row& row, Timing& timing) const {
    const Amount algbw = value(algbw_);
    if (!algbw) return std::nullopt;
    constexpr double kBytesPerUs = 1e3;  // Of 1 GB/s.
    const double bytes = static_cast<double>(row.bytes);
    const double computed = bytes / *timing.time_us / kBytesPerUs;
    const double time_doubt = doubt(time_) / *value(time_);
    const double allowed = doubt(algbw_) + computed * (time_doubt + kSlack);
    if (std::abs(computed - *algbw) > allowed) {
      return Misfit{algbw_, fmt::format("{}: {} GB/s is not {} B in {:.6g} us: other units?",
                                        layout_.names[columns_[algbw_]], words_[algbw_].text,
                                        row.bytes, *timing.time_us)};
    }
    if (*algbw > 0 && doubt(algbw_) / *algbw < time_doubt) {
      timing.time_us = bytes / *algbw / kBytesPerUs;
    }
    if (const Amount busbw = value(busbw_); busbw && *algbw > doubt(algbw_)) {
      const double low = (*busbw - doubt(busbw_)) / (*algbw + doubt(algbw_)) - kSlack * 0.1;
      const double high = (*busbw + doubt(busbw_)) / (*algbw - doubt(algbw_)) + kSlack * 0.1;
      row.ratio_low = std::max(row.ratio_low, low);
      row.ratio_high = std::min(row.ratio_high, high);
    }
    return std::nullopt;
  }

  const std::vector<Word>& words_;
  const Layout& layout_;
  std::vector<std::size_t> columns_;
  std::size_t time_ = kNone, algbw_ = kNone, busbw_ = kNone, wrong_ = kNone;
};

// Columns that releases leave blank, alone or together.
std::vector<std::vector<std::size_t>> blank_columns(const Layout& layout) {
  std::vector<std::size_t> wrong, ops, roots;
  for (std::size_t i = 0; i < layout.columns.size(); ++i) {
    if (layout.columns[i] == Column::kWrong) wrong.push_back(i);
    if (layout.columns[i] == Column::kRedop) ops.push_back(i);
    if (layout.columns[i] == Column::kRoot) roots.push_back(i);
  }
  std::vector<std::vector<std::size_t>> wrongs = {{}, wrong};
  if (wrong.size() > 1) wrongs.push_back({wrong.back()});
  std::vector<std::vector<std::size_t>> sets;
  for (const auto& some : wrongs) {
    for (const bool no_op : {false, true}) {
      for (const bool no_root : {false, true}) {
        std::vector<std::size_t> set = some;
        if (no_op) set.insert(set.end(), ops.begin(), ops.end());
        if (no_root) set.insert(set.end(), roots.begin(), roots.end());
        sets.push_back(std::move(set));
      }
    }
  }
  return sets;
}

bool is_stamp(std::string_view text) {
  return text.find(':') != std::string_view::npos || std::count(text.begin(), text.end(), '-') == 2;
}

// The row, or a fault at its place.
std::optional<Row> read_row(TextLines& lines, const Layout& layout) {
  std::vector<Word> words = lines.words();
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < layout.names.size(); ++i) {
    if (layout.names[i] != "timestamp") all.push_back(i);
  }
  if (all.size() < layout.names.size()) {
    while (!words.empty() && is_stamp(words.back().text)) words.pop_back();
  }
  std::optional<Misfit> first;
  for (const auto& blank : blank_columns(layout)) {
    std::vector<std::size_t> columns;
    std::copy_if(all.begin(), all.end(), std::back_inserter(columns), [&](std::size_t i) {
      return std::find(blank.begin(), blank.end(), i) == blank.end();
    });
    // A last line without its end is cut: fewer words are no blank columns.
    if (columns.size() != words.size() || (!blank.empty() && !lines.ended())) continue;
    Row row;
    const std::optional<Misfit> misfit = RowReading(words, layout, columns).read(row);
    if (!misfit) return row;
    if (!first) first = misfit;
  }
  if (first) {
    lines.fail(words[first->word], first->message);
  } else {
    lines.fail(
        fmt::format("found {} fields, expected {} ({}): is the row cut off, or does another "
                    "line break it?",
                    words.size(), all.size(), fmt::join(layout.names, " ")));
  }
  return std::nullopt;
}

// Who takes part, as the header lists them.
struct Ranks {
  std::map<std::int64_t, std::int64_t> of_group;  // Group -> ranks in it.
  std::set<std::string, std::less<>> hosts, names;
  std::int64_t lines = 0, highest = -1;

  void add(const std::vector<Word>& words, std::string_view line);
  bool complete() const { return lines == highest + 1; }
};

// "#  Rank  0 Group  0 Pid 7 on HOST device  0 [0000:1b:00] NAME"; no Group in old releases.
void Ranks::add(const std::vector<Word>& words, std::string_view line) {
  std::int64_t rank = -1, group = 0;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i].text == "Rank" && rank < 0) rank = whole_of(words[i + 1].text).value_or(-1);
    if (words[i].text == "Group") group = whole_of(words[i + 1].text).value_or(0);
    if (words[i].text == "on") hosts.emplace(words[i + 1].text);
  }
  constexpr std::int64_t kMostRanks = 10'000'000;
  if (rank < 0 || rank >= kMostRanks) return;
  ++lines;
  ++of_group[group];
  highest = std::max(highest, rank);
  const std::size_t bracket = line.find(']');
  if (bracket != std::string_view::npos) names.emplace(trimmed(line.substr(bracket + 1)));
}

// What one process prints: the tables that follow each other in its output.
struct Session {
  Ranks ranks;
  bool ranks_open = false;  // Inside of "Using devices".
  std::string collective;   // Of the next table, as far as it was named.
  std::string tool = "nccl-tests", library, algorithm, protocol;
  std::optional<Layout> layout;
  std::vector<CollectiveSample> rows;  // Of the open table; sweep_id holds type and operation.
  double ratio_low = 0, ratio_high = std::numeric_limits<double>::infinity();
};

class Reader {
 public:
  Reader(const std::string& text, const std::string& file, const ImportOptions& options)
      : lines_(text, file), stem_(stem_of(file)), options_(options) {
    if (!options.collective.empty()) named_ = checked_collective(options.collective);
  }

  Measurements read() {
    while (lines_.next()) {
      if (lines_.words().empty()) continue;
      std::string label(lines_.label());
      if (sessions_.size() >= kMostLabels && !sessions_.contains(label)) label.clear();
      Session& session = sessions_[label];
      if (lines_.words()[0].text.front() == '#') {
        read_comment(session);
      } else {
        read_plain(session);
      }
    }
    for (auto& [label, session] : sessions_) close_table(session);
    lines_.finish();
    if (tables_ == 0) {
      lines_.refuse(
          "no table of nccl-tests found: expected a line such as \"# size count type redop root "
          "time algbw busbw #wrong\"");
    }
    return std::move(out_);
  }

 private:
  void remark(std::string_view text) {
    out_.remarks.push_back(fmt::format("{}: {}", lines_.place(), text));
  }

  void read_comment(Session& s);
  void read_plain(Session& s);
  void read_data(Session& s);
  void read_units(Session& s);
  void note_software(Session& s);
  void close_table(Session& s);
  void settle_ranks(Session& s, CollectiveSample& model);

  TextLines lines_;
  std::string stem_;
  const ImportOptions& options_;
  std::string named_;  // --collective.
  std::map<std::string, Session> sessions_;
  int tables_ = 0;
  Measurements out_;
};

void Reader::read_comment(Session& s) {
  const std::vector<Word>& words = lines_.words();
  const std::string_view line = lines_.line();
  if (std::optional<Layout> layout = layout_of(words)) {
    close_table(s);
    if (s.collective.empty()) s.collective = named_;
    if (s.collective.empty()) {
      lines_.fail("the output does not name its collective: give --collective allreduce (or " +
                  fmt::format("{})", fmt::join(collective_names(), ", ")));
    } else if (!named_.empty() && s.collective != named_) {
      lines_.fail(fmt::format("--collective says {}, the output {}", named_, s.collective));
    }
    s.layout = std::move(layout);
    s.ranks_open = false;
    ++tables_;
    return;
  }
  if (holds(line, "Using devices") || holds(line, "Using nThread")) {
    close_table(s);
    s.ranks = {};
    s.ranks_open = true;
    return;
  }
  if (words.size() > 3 && (words[1].text == "Rank" || words[0].text == "#Rank")) {
    if (!s.ranks_open) s.ranks = {};
    s.ranks_open = true;
    s.ranks.add(words, line);
    return;
  }
  if (s.layout && words.size() > 1 && words[1].text.starts_with('(')) return read_units(s);
  if (holds(line, "Out of bounds values") && line.find("FAILED") != std::string_view::npos) {
    remark("the test found wrong results: " + shown(trimmed(line)));
  }
  if (holds(line, "Avg bus bandwidth") || holds(line, "Collective test concluded")) {
    close_table(s);
  }
  note_software(s);
}

// "#  (B) (elements) (us) (GB/s) ...".
void Reader::read_units(Session& s) {
  for (const Word& word : lines_.words()) {
    if (word.text == "(us)" || word.text == "(usec)") s.layout->us_per_unit = 1;
    if (word.text == "(ms)") s.layout->us_per_unit = kUsPerMs;
    if (word.text.ends_with("/s)") && word.text != "(GB/s)") {
      lines_.fail(word, fmt::format("found the unit {}, expected (GB/s)", shown(word.text)));
    }
  }
}

// Versions, the program's name, and what the environment forces.
void Reader::note_software(Session& s) {
  const std::vector<Word>& words = lines_.words();
  const std::string_view line = lines_.line();
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view text = words[i].text;
    const std::string_view next = i + 1 < words.size() ? words[i + 1].text : std::string_view();
    const std::string_view third = i + 2 < words.size() ? words[i + 2].text : std::string_view();
    if (text.starts_with("nccl-library=")) {
      if (const auto code = whole_of(text.substr(13))) {
        s.library = "NCCL " + nccl_version_text(*code);
      }
    }
    if ((text == "NCCL" || text == "RCCL") && next == "version") {
      const std::string_view version =
          third == ":" && i + 3 < words.size() ? words[i + 3].text : third;
      if (!version.empty() && std::isdigit(static_cast<unsigned char>(version.front())) != 0) {
        s.library = fmt::format("{} {}", text, version.substr(0, version.find_first_of("+-")));
      }
    }
    if ((text == "nccl-tests" || text == "rccl-tests") && next == "version") {
      s.tool = fmt::format("{} {}", text, third);
    }
    if (third == "by" && next == "set" && i + 5 < words.size()) {
      std::string_view to = words[i + 5].text;
      if (to.ends_with('.')) to.remove_suffix(1);
      if (text == "NCCL_ALGO") s.algorithm = to;
      if (text == "NCCL_PROTO") s.protocol = to;
    }
    if (text.ends_with("_perf") && line.find("NCCL INFO") == std::string_view::npos) {
      const std::size_t slash = text.rfind('/');
      const auto named =
          collective_of(slash == std::string_view::npos ? text : text.substr(slash + 1));
      if (named) {
        close_table(s);
        s.collective = *named;
      }
    }
  }
}

void Reader::read_plain(Session& s) {
  const std::vector<Word>& words = lines_.words();
  const bool number = whole_of(words[0].text).has_value();
  if (s.layout && number && (words.size() == 1 || whole_of(words[1].text))) return read_data(s);
  if (s.layout && number && words.size() == s.layout->names.size()) return read_data(s);
  note_software(s);
}

void Reader::read_data(Session& s) {
  const std::optional<Row> read = read_row(lines_, *s.layout);
  if (!read) return;
  const Row& row = *read;
  if (row.bytes == 0) return remark("passed over: nothing is sent (size 0)");
  const auto wrong = [](const Timing& t) { return t.wrong; };
  if (std::any_of(row.timings.begin(), row.timings.end(), wrong)) {
    return remark(fmt::format("passed over: the results of {} B are wrong", row.bytes));
  }
  CollectiveSample out;
  out.bytes = static_cast<double>(row.bytes);
  out.time_us = row.timings[0].time_us;
  if (row.timings.size() > 1) out.inplace_time_us = row.timings[1].time_us;
  if (!out.time_us && !out.inplace_time_us) {
    return remark(fmt::format("passed over: no time for {} B", row.bytes));
  }
  const bool checked = std::all_of(row.timings.begin(), row.timings.end(),
                                   [](const Timing& t) { return t.checked || !t.time_us; });
  out.notes = fmt::format("{}{}{}", row.type.empty() ? "" : "type " + row.type,
                          row.redop.empty() || row.redop == "none" ? "" : ", op " + row.redop,
                          checked ? "" : ", results not checked");
  out.sweep_id = fmt::format("-{}-{}", row.type, row.redop);
  s.ratio_low = std::max(s.ratio_low, row.ratio_low);
  s.ratio_high = std::min(s.ratio_high, row.ratio_high);
  const std::int64_t ranks = s.ranks.of_group.empty() ? 0 : s.ranks.of_group.begin()->second;
  const Count gpus = options_.gpus ? options_.gpus : ranks > 0 ? Count(ranks) : std::nullopt;
  if (gpus) {
    const auto factor = bus_factor(s.collective, static_cast<double>(*gpus));
    if (factor && (*factor < row.ratio_low || *factor > row.ratio_high)) {
      return lines_.fail(fmt::format(
          "busbw / algbw is between {:.4f} and {:.4f}, but {} over {} ranks has {:.4f}: another "
          "collective, or another number of ranks?",
          row.ratio_low, row.ratio_high, s.collective, *gpus, *factor));
    }
  }
  s.rows.push_back(std::move(out));
}

// The number of ranks, of nodes and the device: as listed, as given, or as busbw / algbw tells.
void Reader::settle_ranks(Session& s, CollectiveSample& model) {
  const Ranks& ranks = s.ranks;
  model.gpu =
      !options_.gpu.empty() ? options_.gpu : fmt::format("{}", fmt::join(ranks.names, "; "));
  if (ranks.complete() && !ranks.of_group.empty()) {
    const std::int64_t size = ranks.of_group.begin()->second;
    const bool even = std::all_of(ranks.of_group.begin(), ranks.of_group.end(),
                                  [&](const auto& group) { return group.second == size; });
    if (even) model.gpus = size;
    if (even && ranks.of_group.size() == 1) {
      model.nodes = static_cast<std::int64_t>(ranks.hosts.size());
    } else if (even) {
      model.notes = fmt::format("{} groups at once", ranks.of_group.size());
    }
  } else if (ranks.highest >= 0) {
    model.gpus = ranks.highest + 1;
    remark(fmt::format("{} of {} ranks are listed: nodes are not known; give --nodes", ranks.lines,
                       ranks.highest + 1));
  }
  if (options_.gpus) model.gpus = options_.gpus;
  if (options_.nodes) model.nodes = options_.nodes;
  if (!model.gpus && s.ratio_low < s.ratio_high) {
    constexpr std::int64_t kMost = 4096;
    std::vector<std::int64_t> fitting;
    for (std::int64_t n = 2; n <= kMost && fitting.size() < 2; ++n) {
      const auto factor = bus_factor(s.collective, static_cast<double>(n));
      if (factor && *factor >= s.ratio_low && *factor <= s.ratio_high) fitting.push_back(n);
    }
    if (fitting.size() == 1) {
      model.gpus = fitting[0];
      remark(fmt::format("ranks are not listed; busbw / algbw says {}", fitting[0]));
    }
  }
  if (!model.gpus) remark("ranks are not listed: give --gpus");
  if (!model.nodes && ranks.highest < 0) remark("nodes are not listed: give --nodes");
  if (model.gpu.empty()) remark("the device is not named: give --gpu");
}

void Reader::close_table(Session& s) {
  if (!s.layout) return;
  CollectiveSample model;
  if (!s.rows.empty()) {
    settle_ranks(s, model);
  } else {
    remark(fmt::format("a table of {} has no rows", s.collective));
  }
  model.sweep_id = fmt::format("{}-{}-{}{}", stem_, tables_, s.collective,
                               model.gpus ? fmt::format("-{}", *model.gpus) : "");
  model.collective = s.collective;
  model.lib_version = s.library;
  if (!s.algorithm.empty()) model.algo_proto = "NCCL_ALGO=" + s.algorithm;
  if (!s.protocol.empty()) {
    model.algo_proto += (model.algo_proto.empty() ? "" : " ") + ("NCCL_PROTO=" + s.protocol);
  }
  model.source = s.tool;
  model.how = "read";
  // -d all and -o all put several sweeps into one table.
  const bool mixed = std::any_of(s.rows.begin(), s.rows.end(), [&](const CollectiveSample& row) {
    return row.sweep_id != s.rows.front().sweep_id;
  });
  for (CollectiveSample& row : s.rows) {
    CollectiveSample out = model;
    if (mixed) out.sweep_id += row.sweep_id;
    out.bytes = row.bytes;
    out.time_us = row.time_us;
    out.inplace_time_us = row.inplace_time_us;
    out.notes = model.notes.empty() ? row.notes : model.notes + ", " + row.notes;
    set_bandwidths(out);
    out_.collectives.push_back(std::move(out));
  }
  s.rows.clear();
  s.layout.reset();
  s.collective.clear();
  s.ratio_low = 0;
  s.ratio_high = std::numeric_limits<double>::infinity();
}

Measurements read_nccl_tests(const std::string& text, const std::string& file,
                             const ImportOptions& options) {
  return Reader(text, file, options).read();
}

}  // namespace

extern const ImportKind kNcclTestsImport{.name = "nccl-tests",
                                         .summary = "text output of nccl-tests and rccl-tests",
                                         .read = read_nccl_tests};

}  // namespace tenk
