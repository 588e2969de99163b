// Output of linux-rdma/perftest: ib_write_bw, ib_read_bw, ib_send_bw, ib_write_lat, ...
//
// The unit stands in the column's name. "MB/sec" is 2^20 bytes a second there (newer releases write
// MiB/sec), "Gb/sec" (--report_gbits) 10^9 bits. Bandwidth rows take the average, latency rows the
// typical value (the median); ib_write_lat and ib_send_lat print half a round trip, ib_read_lat and
// ib_atomic_lat a whole one.
#include <fmt/format.h>

#include <algorithm>

#include "calibration/importers/importer.h"
#include "calibration/importers/text_lines.h"
#include "sim/base/text.h"

namespace tenk {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

struct Unit {
  std::string_view printed;
  double to_base = 1;  // GB/s or us.
};
constexpr Unit kRates[] = {{"MB/sec", 1048576e-9},
                           {"MiB/sec", 1048576e-9},
                           {"Gb/sec", 0.125},
                           {"GB/sec", 1},
                           {"Gbps", 0.125}};
constexpr Unit kTimes[] = {{"usec", 1}, {"nsec", 1e-3}, {"msec", 1e3}};

// What the header of a test says about it.
struct Test {
  std::string title;  // "RDMA_Write BW Test".
  std::string link, connection, queue_pairs, depth, mtu;
};

struct Table {
  std::vector<std::string> columns;
  std::size_t bytes = kNone, value = kNone;
  double to_base = 1;
  bool rate = false;
};

// Of "BW average[MB/sec]": between the brackets.
std::string_view unit_in(std::string_view column) {
  const std::size_t open = column.find('[');
  const std::size_t close = column.find(']', std::min(open, column.size()));
  if (close == std::string_view::npos) return {};
  return column.substr(open + 1, close - open - 1);
}

// "#bytes #iterations BW peak[MB/sec] ...": a column's name ends at its unit.
std::vector<std::string> columns_of(const std::vector<Word>& words) {
  std::vector<std::string> columns;
  std::string name;
  for (const Word& word : words) {
    name += (name.empty() ? "" : " ") + std::string(word.text);
    if (word.text.starts_with('#') || word.text.find('[') != std::string_view::npos) {
      columns.push_back(std::move(name));
      name.clear();
    }
  }
  if (!name.empty()) columns.push_back(std::move(name));
  return columns;
}

class Reader {
 public:
  Reader(const std::string& text, const std::string& file)
      : lines_(text, file), stem_(stem_of(file)) {}

  Measurements read() {
    while (lines_.next()) {
      const std::vector<Word>& words = lines_.words();
      if (words.empty()) continue;
      if (words[0].text == "#bytes") {
        read_header();
      } else if (table_ && whole_of(words[0].text)) {
        read_row();
      } else if (lines_.line().find_first_not_of("-= \t") == std::string_view::npos) {
        if (rows_ > 0) close();
      } else {
        read_about();
      }
    }
    lines_.finish();
    if (tables_ == 0) {
      lines_.refuse(
          "no table of perftest found: expected a line such as \"#bytes #iterations BW "
          "peak[MB/sec] BW average[MB/sec]\"");
    }
    return std::move(out_);
  }

 private:
  void read_about();
  void read_header();
  void read_row();
  void close() {
    table_.reset();
    rows_ = 0;
  }

  TextLines lines_;
  std::string stem_;
  Test test_;
  std::optional<Table> table_;
  int tables_ = 0, rows_ = 0;
  Measurements out_;
};

// The value of "Name : value   Other : value" lines.
std::string setting(std::string_view line, std::string_view name) {
  const std::size_t at = line.find(name);
  if (at == std::string_view::npos) return {};
  std::string_view rest = trimmed(line.substr(at + name.size()));
  if (!rest.starts_with(':')) return {};
  rest = trimmed(rest.substr(1));
  return std::string(rest.substr(0, rest.find_first_of(" \t")));
}

void Reader::read_about() {
  const std::string_view line = trimmed(lines_.line());
  if (line.ends_with(" Test") && (holds(line, "BW") || holds(line, "Latency"))) {
    close();
    test_ = {.title = std::string(line),
             .link = {},
             .connection = {},
             .queue_pairs = {},
             .depth = {},
             .mtu = {}};
    return;
  }
  const auto take = [&](std::string_view name, std::string& into) {
    if (std::string value = setting(line, name); !value.empty()) into = std::move(value);
  };
  take("Link type", test_.link);
  take("Connection type", test_.connection);
  take("Number of qps", test_.queue_pairs);
  take("TX depth", test_.depth);
  take("Mtu", test_.mtu);
}

void Reader::read_header() {
  close();
  Table table;
  table.columns = columns_of(lines_.words());
  table.bytes = 0;
  const auto find = [&](std::string_view start) {
    const auto found =
        std::find_if(table.columns.begin(), table.columns.end(),
                     [&](const std::string& column) { return column.starts_with(start); });
    return found == table.columns.end() ? kNone
                                        : static_cast<std::size_t>(found - table.columns.begin());
  };
  table.value = find("BW average");
  table.rate = table.value != kNone;
  for (const char* name : {"t_typical", "t_avg"}) {
    if (table.value == kNone) table.value = find(name);
  }
  ++tables_;
  if (table.value == kNone) {
    return lines_.fail("found no column \"BW average\", \"t_typical\" or \"t_avg\"");
  }
  const std::string_view unit = unit_in(table.columns[table.value]);
  const std::span<const Unit> units = table.rate ? std::span<const Unit>(kRates) : kTimes;
  const auto known =
      std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.printed == unit; });
  if (known == units.end()) {
    std::vector<std::string_view> names;
    for (const Unit& u : units) names.push_back(u.printed);
    return lines_.fail(fmt::format("found the unit \"{}\", expected one of {}", shown(unit),
                                   fmt::join(names, ", ")));
  }
  table.to_base = known->to_base;
  table_ = std::move(table);
}

void Reader::read_row() {
  const std::vector<Word>& words = lines_.words();
  const Table& table = *table_;
  if (lines_.fail_if_open()) return;
  if (words.size() <= table.value) {
    return lines_.fail(fmt::format("found {} fields, expected {}: is the row cut off?",
                                   words.size(), table.columns.size()));
  }
  const Word& word = words[table.value];
  const Amount value = number_of(word.text);
  const std::int64_t bytes = *whole_of(words[table.bytes].text);
  if (!value || !(*value > 0)) {
    return lines_.fail(word, fmt::format("{}: found \"{}\", expected a number above 0",
                                         table.columns[table.value], shown(word.text)));
  }
  ++rows_;
  const bool both = holds(test_.title, "Bidirectional");
  LinkSample row;
  row.id = fmt::format("{}-{}-{}", stem_, tables_, bytes);
  row.kind = test_.link == "Ethernet" ? "RoCE" : test_.link == "IB" ? "InfiniBand" : test_.link;
  row.endpoints = both ? "host-host, both directions" : "host-host";
  const bool whole = holds(test_.title, "Read") || holds(test_.title, "Atomic");
  row.metric = table.rate ? "bandwidth" : whole ? "round trip" : "latency";
  row.value = fmt::format("{}", *value * table.to_base);
  row.unit = table.rate ? "GB/s" : "us";
  row.conditions = fmt::format("{} B, {}", bytes, test_.title.empty() ? "perftest" : test_.title);
  const auto add = [&](std::string_view name, const std::string& text) {
    if (!text.empty()) row.conditions += fmt::format(", {} {}", name, text);
  };
  add("connection", test_.connection);
  add("queue pairs", test_.queue_pairs);
  if (table.rate) add("depth", test_.depth);
  add("MTU", test_.mtu);
  row.source = "perftest";
  row.how = "read";
  out_.links.push_back(std::move(row));
}

Measurements read_perftest(const std::string& text, const std::string& file,
                           const ImportOptions& options) {
  Measurements out = Reader(text, file).read();
  for (LinkSample& row : out.links) row.device = options.gpu;
  return out;
}

}  // namespace

extern const ImportKind kPerftestImport{.name = "perftest",
                                        .summary = "ib_write_bw, ib_read_lat, ... of perftest",
                                        .read = read_perftest};

}  // namespace tenk
