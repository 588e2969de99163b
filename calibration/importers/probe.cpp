// tenk-probe's files: kernels.csv, links.csv and, so that its facts come along, meta.csv.
//
// Stricter than the tables: a row is measured (a trial with divided sizes is refused) and says how
// its repeats spread, around its own value.
#include <fmt/format.h>

#include <set>

#include "calibration/importers/importer.h"
#include "calibration/spread.h"
#include "sim/base/csv.h"
#include "sim/base/error.h"

namespace tenk {
namespace {

constexpr double kRounding = 2e-5;  // Values are written with six digits.

class Check {
 public:
  explicit Check(const std::string& file) : file_(file) {}

  // `value` in `unit`, which its notes must use too.
  void row(int line, const std::string& how, const std::string& notes, const Amount& value,
           std::string_view unit) {
    if (faults_.size() >= CsvReader::kMostFaults) return;
    if (how != "measured") {
      return fail(line, fmt::format("how: found \"{}\", expected measured; a run with --shrink is "
                                    "no measurement",
                                    how));
    }
    const auto spread = spread_of(notes);
    if (!spread || spread->unit != unit) {
      return fail(line,
                  fmt::format("notes: expected \"median of N, p10 X {0}, p90 Y {0}\" first", unit));
    }
    if (!value) return fail(line, "no value");
    const double slack = kRounding * *value;
    if (spread->p10 > *value + slack || spread->p90 < *value - slack) {
      fail(line, fmt::format("the median {} is not between p10 {} and p90 {}", *value, spread->p10,
                             spread->p90));
    }
  }
  void finish() const {
    if (!faults_.empty()) throw Error(ErrorKind::kFile, faults_);
  }

 private:
  void fail(int line, std::string message) {
    faults_.push_back({std::move(message), Where{.file = file_, .line = line, .column = 1}});
  }

  const std::string& file_;
  std::vector<Fault> faults_;
};

// name,value,unit; a name comes once.
Measurements read_facts(const std::string& text, const std::string& file) {
  CsvReader csv(text, file);
  const std::size_t name = csv.column("name");
  const std::size_t value = csv.column("value");
  const std::size_t unit = csv.column("unit");
  Measurements all;
  std::set<std::string> names;
  while (csv.next()) {
    if (!names.insert(csv.text(name)).second || csv.text(name).empty()) {
      csv.fail(name, fmt::format("name: found \"{}\", expected one that is new", csv.text(name)));
    }
    all.run.push_back({csv.text(name), csv.text(value), csv.text(unit)});
  }
  csv.finish();
  return all;
}

Measurements read_probe(const std::string& text, const std::string& file, const ImportOptions&) {
  if (text.starts_with("name,value,unit")) return read_facts(text, file);
  Measurements all = read_measurements(text, file);
  Check check(file);
  for (const KernelSample& row : all.kernels) {
    check.row(row.line, row.how, row.notes, row.time_us, "us");
  }
  for (const LinkSample& row : all.links) {
    check.row(row.line, row.how, row.notes, number_of(row), row.unit);
  }
  check.finish();
  if (!all.collectives.empty()) {
    throw Error(ErrorKind::kFile, "tenk-probe writes no table of collectives",
                Where{.file = file, .line = 1, .column = 1});
  }
  return all;
}

}  // namespace

extern const ImportKind kProbeImport{
    .name = "probe",
    .summary = "kernels.csv, links.csv and meta.csv of a run of tenk-probe",
    .read = read_probe};

}  // namespace tenk
